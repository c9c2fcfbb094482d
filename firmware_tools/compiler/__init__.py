"""The compiler: a quantised `.tflite` in, C out, with the bytes of TensorFlow Lite Micro.

read ──▶ support check ──▶ lowering (ops to kernel calls) ──▶ passes ──▶ variants (kernels for the
core) ──▶ arena plan ──▶ model.c
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.compiler.emit import emit
from firmware_tools.compiler.lowering import lower
from firmware_tools.compiler.passes import PASSES, Pass, run_passes
from firmware_tools.compiler.plan import ArenaPlan, plan_arena
from firmware_tools.compiler.program import CTYPES, Program
from firmware_tools.compiler.variants import InstructionSet, choose_variants
from midfuse.core.errors import InputError
from midfuse.core.support import check_support
from midfuse.core.tflite_file import TFLiteModel

_NAME = re.compile(r"\bmf_\w+")
RUNTIME = Path(__file__).resolve().parent.parent / "runtime"


@dataclass(frozen=True)
class CompiledModel:
    """What a build needs, `model.c` and the kernels it calls, and what they were made from."""

    sources: list[Path]
    include_dirs: list[Path]
    program: Program
    plan: ArenaPlan

    @property
    def arena_bytes(self) -> int:
        return self.plan.size


def compile_model(
    model: TFLiteModel,
    out: Path,
    *,
    symbol: str = "mf_the_model",
    observable: bool = False,
    passes: Sequence[Pass] = PASSES,
    instruction_set: InstructionSet = InstructionSet.PORTABLE,
) -> CompiledModel:
    """Write `model.c` into `out`.

    `symbol` names the `mf_model` that it defines, all else in it is static; the firmware runs the
    one of the default name. An observable build keeps every operator's output apart and readable
    after an inference, so no passes run; its outputs are those of the ordinary build.

    Raises:
        InputError: an operator, a type or a form of an operator that the runtime lacks.
    """
    check_support(model, str(model.path))
    _check_order(model)
    program = run_passes(lower(model), () if observable else passes)
    program = choose_variants(program, instruction_set)
    plan = plan_arena(program, observable=observable)
    out.mkdir(parents=True, exist_ok=True)
    source = out / "model.c"
    kernels = sorted({call.kernel for call in program.calls})
    folders = sorted({(RUNTIME / kernel).parent for kernel in kernels} | {RUNTIME})
    headers = [header.name for folder in folders for header in sorted(folder.glob("mf_kernels*.h"))]
    source.write_text(
        emit(program, plan, headers, symbol=symbol, observable=observable), encoding="ascii"
    )
    return CompiledModel(
        sources=[source, *_sources(kernels)],
        include_dirs=sorted({header.parent for header in RUNTIME.rglob("*.h")}),
        program=program,
        plan=plan,
    )


def _sources(kernels: Sequence[str]) -> list[Path]:
    """The kernels' files, and those of the functions that they call: a file is named after one."""
    waiting = [RUNTIME / f"{kernel}.c" for kernel in kernels]
    found: set[Path] = set()
    while waiting:
        source = waiting.pop()
        found.add(source)
        names = _NAME.findall(source.read_text(encoding="ascii"))
        called = {source.with_name(f"{name}.c") for name in names}
        waiting += [path for path in called - found if path.exists()]
    return sorted(found)


def _check_order(model: TFLiteModel) -> None:
    """Every activation is written once, before it is read; kernels know the types at the edges."""
    written = set(model.inputs)
    constant = {t.index for t in model.tensors if t.data is not None}
    for op in model.ops:
        for index in op.inputs:
            if index >= 0 and index not in written | constant:
                raise InputError(
                    f"{model.path}: op {op.index} ({op.name}) reads tensor {index}, "
                    "which nothing has written",
                    "convert the model again",
                )
        twice = len(set(op.outputs)) < len(op.outputs)
        if twice or (written | constant) & set(op.outputs):
            raise InputError(
                f"{model.path}: op {op.index} ({op.name}) writes a tensor a second time",
                "convert the model again",
            )
        written |= set(op.outputs)
    for index in (*model.inputs, *model.outputs):
        tensor = model.tensors[index]
        if tensor.dtype not in CTYPES:
            raise InputError(
                f"{model.path}: tensor {tensor.name[:60]} is {tensor.dtype}",
                f"make the model's inputs and outputs {', '.join(CTYPES)}",
            )
    unwritten = set(model.outputs) - written
    if unwritten or not model.inputs or not model.outputs:
        raise InputError(
            f"{model.path}: inputs or outputs that no op is connected to", "convert the model again"
        )
