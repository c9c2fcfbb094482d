"""The C around a `.tflite` that TFLM interprets: the file, its arena, its tensors and ops."""

import re
from pathlib import Path

from firmware_tools.compiler.emit import c_array, c_digest, c_tensor
from firmware_tools.runtimes.tflm.library import RESOLVER, Library
from midfuse.core.errors import InputError
from midfuse.core.tflite_file import Tensor, TFLiteModel

_METHOD = re.compile(r"\bAdd(\w+)\s*\(")
# Methods of the resolver that add no op of their own.
_OTHER_METHODS = ("builtin", "custom")
# On a computer: what a probe may use of its memory.
_HOST_ARENA = 64 << 20


def op_methods(model: TFLiteModel, library: Library) -> list[str]:
    """The resolver's methods that add the kinds of op in the model, in their order.

    The checkout's own header says which ones there are.

    Raises:
        InputError: an op that this TFLM has no kernel for.
    """
    header = (library.root / RESOLVER).read_text(encoding="utf-8", errors="replace")
    known = {name.lower(): f"Add{name}" for name in _METHOD.findall(header)}
    for name in _OTHER_METHODS:
        known.pop(name, None)
    methods = {}
    for op in model.ops:
        method = known.get(op.name.replace("_", "").lower())
        if method is None:
            raise InputError(
                f"{model.path}: op {op.index} ({op.name}): the TFLM in {library.root} has no kernel"
                " for it",
                "build a newer one, or choose the midfuse `runtime`",
            )
        methods[op.name] = method
    return list(methods.values())


def write_header(folder: Path, model: TFLiteModel, methods: list[str], *, observable: bool) -> None:
    """`tflm_model.h`: what the C++ has to know before it is compiled."""
    ops = " ".join(f"with({method})" for method in methods)
    (folder / "tflm_model.h").write_text(
        f"#define MF_TFLM_KINDS {max(len(methods), 1)}\n"
        f"#define MF_TFLM_OPS(with) {ops}\n"
        f"#define MF_TFLM_PRESERVE_ALL_TENSORS {str(observable).lower()}\n"
        f"#define MF_TFLM_SHA256 {{{c_digest(model)}}}\n",
        encoding="utf-8",
    )


def write_probed_model(folder: Path, model: TFLiteModel, *, on_host: bool) -> Path:
    """The model for a probe: its arena is all the RAM that is left."""
    if on_host:
        arena = _arena(_HOST_ARENA)
    else:
        arena = (
            "extern uint8_t __ram_free[], __ram_end[];\n"
            "uint8_t *const mf_tflm_arena = __ram_free;\n"
            "uint8_t *const mf_tflm_arena_end = __ram_end;\n"
        )
    return _write(folder / "probed_model.c", _file(folder, model) + arena)


def write_model(
    folder: Path, model: TFLiteModel, *, arena_bytes: int, steps: int, observable: bool
) -> Path:
    """The model as firmware has it; the interpreter says where the tensors lie."""
    inputs = zip(model.inputs, model.input_names, strict=True)
    outputs = zip(model.outputs, model.output_names, strict=True)
    shown = [model.tensors[i] for op in model.ops for i in op.outputs] if observable else []
    counts = (len(model.inputs), len(model.outputs), len(shown), steps)
    return _write(
        folder / "model.c",
        _file(folder, model)
        + _arena(arena_bytes)
        + _tensors("mf_tflm_inputs", [(model.tensors[i], name) for i, name in inputs])
        + _tensors("mf_tflm_outputs", [(model.tensors[i], name) for i, name in outputs])
        + _tensors("mf_tflm_tensors", [(tensor, tensor.name) for tensor in shown])
        + "const mf_model mf_the_model = {\n"
        f"    {{{c_digest(model)}}},\n"
        f"    {arena_bytes}, {', '.join(map(str, counts))},\n"
        "    mf_tflm_inputs, mf_tflm_outputs, mf_tflm_tensors, 0,\n"
        "};\n",
    )


def _file(folder: Path, model: TFLiteModel) -> str:
    """The .tflite in flash; in a section by the name of the compiler's constants."""
    copy = folder / "model.tflite"
    copy.write_bytes(model.content)
    return (
        '#include "mf_model.h"\n'
        "extern const uint8_t mf_tflm_file[];\n"
        '__asm__(".pushsection .rodata.table_0,\\"a\\",%progbits\\n"\n'
        '        ".balign 16\\n"\n'
        '        ".global mf_tflm_file\\n"\n'
        '        "mf_tflm_file:\\n"\n'
        f'        ".incbin \\"{copy}\\"\\n"\n'
        '        ".popsection");\n'
    )


def _arena(size: int) -> str:
    return (
        f"static uint8_t arena[{size}] __attribute__((aligned(16)));\n"
        "extern uint8_t *const mf_tflm_arena, *const mf_tflm_arena_end;\n"
        "uint8_t *const mf_tflm_arena = arena;\n"
        "uint8_t *const mf_tflm_arena_end = arena + sizeof arena;\n"
    )


def _tensors(name: str, tensors: list[tuple[Tensor, str]]) -> str:
    rows = [c_tensor(tensor, label, "0") for tensor, label in tensors]
    return c_array("mf_tensor", name, rows)


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
