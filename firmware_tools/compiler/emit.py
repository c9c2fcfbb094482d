"""Writes `model.c`: tables in flash, one function an operator, the arena, the descriptors.

The same model and options give the same file, byte for byte.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from firmware_tools.compiler.plan import ArenaPlan
from firmware_tools.compiler.program import (
    CTYPES,
    Constant,
    Operand,
    Program,
    Step,
    Value,
)
from firmware_tools.compiler.structs import is_struct, members
from midfuse.core.tflite_file import TYPE_NUMBERS, Tensor, TFLiteModel

_HEADER = """\
/* Compiled from a .tflite by midfuse; do not edit. SHA-256 of the model:
 * {sha256} */
{includes}
#include "mf_model.h"

MF_EXTERN const mf_model {symbol};

static int8_t arena[{arena}] __attribute__((aligned(16)));
"""


def emit(
    program: Program, plan: ArenaPlan, headers: Sequence[str], *, symbol: str, observable: bool
) -> str:
    """The text of `model.c`; `symbol` names the `mf_model` it defines, all else is static.

    `headers` declare the kernels.
    """
    model, steps = program.model, program.steps
    includes = "\n".join(f'#include "{name}"' for name in headers)
    parts = [
        _HEADER.format(
            sha256=model.sha256, includes=includes, symbol=symbol, arena=max(plan.size, 1)
        )
    ]
    parts += [_table(constant) for constant in program.constants]
    parts += [_step(step, at, model, plan) for at, step in enumerate(steps)]
    parts.append(c_array("static const mf_op", "ops", [
        f'{{step_{at}, "{c_string(step.name)}", {step.op.index}}}' for at, step in enumerate(steps)
    ]))  # fmt: skip
    named = zip(model.inputs, model.input_names, strict=True)
    parts.append(_tensors("inputs", [(model.tensors[i], n) for i, n in named], plan))
    named = zip(model.outputs, model.output_names, strict=True)
    parts.append(_tensors("outputs", [(model.tensors[i], n) for i, n in named], plan))
    shown = [model.tensors[i] for op in model.ops for i in op.outputs] if observable else []
    if shown:
        parts.append(_tensors("tensors", [(t, t.name) for t in shown], plan))
    parts.append(_model(model, symbol, len(steps), len(shown), plan))
    return "\n".join(parts)


def _table(constant: Constant) -> str:
    rows = [
        "    " + ", ".join(_number(v) for v in constant.values[at : at + 16].tolist()) + ","
        for at in range(0, constant.values.size, 16)
    ]
    body = "\n".join(rows)
    head = f"static const {constant.ctype} {constant.name}[{constant.values.size}] = {{"
    return f"{head}\n{body}\n}};\n"


def _number(value: float) -> str:
    if isinstance(value, float):
        return c_float(value)
    return "INT32_MIN" if value == -(1 << 31) else str(value)


def _step(step: Step, number: int, model: TFLiteModel, plan: ArenaPlan) -> str:
    lines = [
        f"static const {call.struct} params_{at} = {_struct(call.struct, call.fields)};"
        for at, call in enumerate(step.calls)
    ]
    for depth, count in enumerate(step.loops):
        lines.append(f"for (uint32_t i{depth} = 0; i{depth} < {count}; i{depth}++) {{")
    for at, call in enumerate(step.calls):
        operands = [_operand(operand, model, plan) for operand in (*call.operands, call.output)]
        lines.append(f"{call.function}({', '.join([f'&params_{at}', *operands])});")
    lines.append("}" * len(step.loops))
    body = "\n".join(f"    {line}" for line in lines if line)
    return f"static void step_{number}(void) /* {c_string(step.name)} */\n{{\n{body}\n}}\n"


def _operand(operand: Operand, model: TFLiteModel, plan: ArenaPlan) -> str:
    if isinstance(operand, Constant):
        return operand.name
    tensor = model.tensors[operand.tensor]
    size = tensor.item_bytes
    place = f"arena + {plan.offsets[tensor.index] + operand.offset * size}"
    for depth, step in enumerate(operand.advance):
        place += f" + i{depth} * {step * size}" if step else ""
    return place if tensor.dtype == "int8" else f"({CTYPES[tensor.dtype]} *)(void *)({place})"


def _struct(struct: str, fields: Mapping[str, Value]) -> str:
    """Every member in the order of its declaration; those that are not given are 0."""
    declared = members(struct)
    assert fields.keys() <= declared.keys(), (struct, fields.keys() - declared.keys())
    values = (f".{name} = {_value(fields.get(name), declared[name])}" for name in declared)
    return "{" + ", ".join(values) + "}"


def _value(value: Any, ctype: str) -> str:
    if is_struct(ctype):
        return _struct(ctype, value or {})
    if value is None:
        return "{0}" if ctype.endswith("[]") else "0"
    if isinstance(value, Constant):
        return value.name
    if isinstance(value, list):
        return "{" + ", ".join(_number(v) for v in value) + "}"
    return _number(value)


def _tensors(name: str, tensors: list[tuple[Tensor, str]], plan: ArenaPlan) -> str:
    rows = [c_tensor(t, label, f"arena + {plan.offsets[t.index]}") for t, label in tensors]
    return c_array("static const mf_tensor", name, rows)


def c_tensor(tensor: Tensor, label: str, place: str) -> str:
    """An initialiser of an `mf_tensor`; `place` is where its data lies, in C."""
    dims = ", ".join(str(n) for n in tensor.shape) or "1"
    scale, zero_point = 0.0, 0
    if tensor.quantization is not None:
        scale, zero_point = float(tensor.scale), tensor.zero_point
    return (
        f'{{"{c_string(label)}", {place}, {tensor.bytes}, '
        f"{{{dims}}}, {len(tensor.shape)}, {TYPE_NUMBERS[tensor.dtype]}, {tensor.index}, "
        f"{c_float(scale)}, {zero_point}}}"
    )


def c_float(value: float | np.float32) -> str:
    """A C float with the 9 digits that bring back the same float32."""
    return f"{float(value):.8e}f"


def c_string(text: str) -> str:
    """A name from the file as safe C string content: anything unusual becomes `_`."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-./;:+") else "_" for c in text)[:96]


def c_array(ctype: str, name: str, rows: list[str]) -> str:
    """A definition of an array with these initialisers; an empty one has an element, all 0."""
    body = "\n".join(f"    {row}," for row in rows)
    return f"{ctype} {name}[{max(len(rows), 1)}] = {{\n{body}\n}};\n"


def c_digest(model: TFLiteModel) -> str:
    """The bytes of the model's SHA-256, with commas between."""
    return ", ".join(f"0x{byte:02x}" for byte in bytes.fromhex(model.sha256))


def _model(model: TFLiteModel, symbol: str, ops: int, tensors: int, plan: ArenaPlan) -> str:
    return (
        f"const mf_model {symbol} = {{\n"
        f"    {{{c_digest(model)}}},\n"
        f"    {plan.size}, {len(model.inputs)}, {len(model.outputs)}, {tensors}, {ops},\n"
        f"    inputs, outputs, {'tensors' if tensors else '0'}, ops,\n"
        "};\n"
    )
