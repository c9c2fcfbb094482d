"""`midfuse build --source-only`: a model's C as a folder for somebody else's firmware project."""

import hashlib
import re
import tempfile
from pathlib import Path
from typing import Any

from firmware_tools.board.registry import RUNTIME, Board
from firmware_tools.board.toolchain import instruction_set
from firmware_tools.compiler import compile_model
from firmware_tools.compiler.emit import c_string
from firmware_tools.compiler.variants import InstructionSet
from firmware_tools.image.memory import memory_use
from firmware_tools.image.memory_page import memory_report
from midfuse import __version__
from midfuse.core.errors import InputError
from midfuse.core.files import publish
from midfuse.core.render import render
from midfuse.core.results import MemoryUse, SourceFolder
from midfuse.core.tflite_file import Tensor, TFLiteModel

_INCLUDE = re.compile(r'^#include "(\w+\.h)"', re.MULTILINE)
_FUNCTION = re.compile(r"^void (mf_\w+)\(", re.MULTILINE)
_NAME = re.compile(r"\bmf_\w+")
_HERE = Path(__file__).parent
_MARK = "ritten by midfuse"


def write_source(
    model: TFLiteModel,
    out: Path,
    *,
    board: Board | None = None,
    observable: bool = False,
    report: bool = False,
) -> SourceFolder:
    """Write a folder that compiles without Midfuse: the model, its kernels, README and example.

    It compiles for anything, or has the fastest kernels for the core of a board. The `mf_model` is
    called `mf_model_{file name}`. Kernels are weak, so that the folders of several models link into
    one program. `report` adds `memory.html`.

    Raises:
        InputError: the model is not supported, or `out` holds a README of somebody else's.
    """
    for name in ("README.md", "example/example.c"):
        _keep_others(out / name)
    symbol = "mf_model_" + re.sub(r"\W", "_", model.path.stem, flags=re.ASCII)
    with tempfile.TemporaryDirectory() as scratch:
        chosen = instruction_set(board) if board else InstructionSet.PORTABLE
        compiled = compile_model(
            model, Path(scratch), symbol=symbol, observable=observable, instruction_set=chosen
        )
        texts = {f"{symbol}.c": compiled.sources[0].read_text(encoding="ascii")}
    # Kernels of an earlier build stay usable: another model in the folder may call them.
    kept = {kernel for kernel in RUNTIME.rglob("*.c") if (out / kernel.name).exists()}
    for kernel in sorted(kept | set(compiled.sources[1:])):
        texts[kernel.name] = weak_kernel(kernel)
    texts |= _headers([*texts.values(), '#include "mf_real.h"\n'])
    memory = memory_use(compiled)
    values = _values(model, symbol, memory)
    values["flags"] = " ".join(board.toolchain.cpu_flags) if board else ""
    texts[f"{symbol}.h"] = render(_HERE / "model.h.j2", values)
    texts["README.md"] = render(_HERE / "README.md.j2", values)
    texts["example/example.c"] = render(_HERE / "example.c.j2", values)
    if report:
        texts["memory.html"] = memory_report(model, compiled, memory)
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "example").mkdir()
        for name, text in texts.items():
            (Path(scratch) / name).write_text(text, encoding="utf-8")
        files = publish(Path(scratch), out)
    return SourceFolder(symbol=symbol, files=files, **dict(memory))


def weak_kernel(source: Path) -> str:
    """A kernel's C, its functions weak: a program may have it twice."""
    text = source.read_text(encoding="ascii")
    headers = [path.read_text(encoding="ascii") for path in RUNTIME.rglob("*.h")]
    declared = {name for header in headers for name in _FUNCTION.findall(header)}
    names = sorted(declared & set(_NAME.findall(text)))
    return "".join(f"#pragma weak {name}\n" for name in names) + text


def _headers(texts: list[str]) -> dict[str, str]:
    """The runtime's headers that these texts include, and those that they include."""
    found: dict[str, str] = {}
    waiting = {name for text in texts for name in _INCLUDE.findall(text)}
    while waiting:
        name = waiting.pop()
        found[name] = next(RUNTIME.rglob(name)).read_text(encoding="ascii")
        waiting |= set(_INCLUDE.findall(found[name])) - set(found)
    return found


def _values(model: TFLiteModel, symbol: str, memory: MemoryUse) -> dict[str, Any]:
    named = {
        "inputs": zip(model.inputs, model.input_names, strict=True),
        "outputs": zip(model.outputs, model.output_names, strict=True),
    }
    return {
        kind: [_row(model.tensors[i], n) for i, n in pairs] for kind, pairs in named.items()
    } | {
        "symbol": symbol,
        "file": c_string(model.path.name),
        "sha256": model.sha256,
        "version": __version__,
        "runtime": _runtime_number(),
        "memory": memory,
    }


def _row(tensor: Tensor, name: str) -> dict[str, Any]:
    quantized = tensor.quantization is not None
    return {
        "name": c_string(name),
        "dtype": tensor.dtype,
        "shape": tensor.shape,
        "bytes": tensor.bytes,
        "scale": f"{tensor.scale:.9g}" if quantized else None,
        "zero_point": tensor.zero_point if quantized else None,
    }


def _runtime_number() -> str:
    """A number in C that is another for each version of the kernels."""
    digest = hashlib.sha256()
    for path in sorted(RUNTIME.rglob("*.[ch]")):
        digest.update(path.read_bytes())
    return f"0x{digest.hexdigest()[:8]}"


def _keep_others(path: Path) -> None:
    """Refuse to replace a file that Midfuse did not write."""
    if path.is_file() and _MARK not in path.read_text(encoding="utf-8", errors="replace")[:80]:
        raise InputError(
            f"{path}: is there already and not written by midfuse", "name another folder as `out`"
        )
