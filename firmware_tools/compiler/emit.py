"""Writes `model.c`: tables in flash, one function an operator, the arena, the descriptors.

The same model and options give the same file, byte for byte.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from firmware_tools.compiler.plan import ArenaPlan
from firmware_tools.compiler.program import Call, Constant, Operand, Step, Value
from midfuse.tflite_file import Tensor, TFLiteModel

_HEADER = """\
/* Compiled from a .tflite by midfuse; do not edit. SHA-256 of the model:
 * {sha256} */
#include "mf_kernels.h"
#include "mf_model.h"

static _Alignas(16) int8_t arena[{arena}];
"""


def emit(
    model: TFLiteModel,
    steps: list[Step],
    constants: Iterable[Constant],
    plan: ArenaPlan,
    *,
    observable: bool,
) -> str:
    """The text of `model.c`."""
    running = [step for step in steps if step.calls]
    parts = [_HEADER.format(sha256=model.sha256, arena=max(plan.size, 1))]
    parts += [_table(constant) for constant in constants]
    parts += [_step(step, plan) for step in running]
    parts.append(_array("mf_op", "ops", [
        f'{{op_{s.op.index}, "{_identifier(s.op.name)}", {s.op.index}}}' for s in running
    ]))  # fmt: skip
    named = zip(model.inputs, model.input_names, strict=True)
    parts.append(_tensors("inputs", [(model.tensors[i], n) for i, n in named], plan))
    named = zip(model.outputs, model.output_names, strict=True)
    parts.append(_tensors("outputs", [(model.tensors[i], n) for i, n in named], plan))
    shown = [model.tensors[i] for s in steps for i in s.op.outputs] if observable else []
    if shown:
        parts.append(_tensors("tensors", [(t, t.name) for t in shown], plan))
    parts.append(_model(model, len(running), len(shown), plan))
    return "\n".join(parts)


def _table(constant: Constant) -> str:
    rows = [
        "    " + ", ".join(_number(int(v)) for v in constant.values[at : at + 16]) + ","
        for at in range(0, constant.values.size, 16)
    ]
    body = "\n".join(rows)
    head = f"static const {constant.ctype} {constant.name}[{constant.values.size}] = {{"
    return f"{head}\n{body}\n}};\n"


def _number(value: int) -> str:
    return "INT32_MIN" if value == -(1 << 31) else str(value)


def _step(step: Step, plan: ArenaPlan) -> str:
    body = "\n".join(_call(call, at, plan) for at, call in enumerate(step.calls))
    return (
        f"static void op_{step.op.index}(void) /* {_identifier(step.op.name)} */\n{{\n{body}\n}}\n"
    )


def _call(call: Call, at: int, plan: ArenaPlan) -> str:
    name = f"params_{at}"
    operands = [_operand(operand, plan) for operand in call.operands]
    arguments = ", ".join([f"&{name}", *operands, _operand(call.output, plan)])
    return (
        f"    static const {call.struct} {name} = {_struct(call.fields)};\n"
        f"    {call.function}({arguments});"
    )


def _operand(operand: Operand, plan: ArenaPlan) -> str:
    return operand.name if isinstance(operand, Constant) else f"arena + {plan.offsets[operand]}"


def _struct(fields: Mapping[str, Value]) -> str:
    return "{" + ", ".join(f".{name} = {_value(value)}" for name, value in fields.items()) + "}"


def _value(value: Any) -> str:
    if isinstance(value, Constant):
        return value.name
    if isinstance(value, Mapping):
        return _struct(value)
    if isinstance(value, list):
        return "{" + ", ".join(_number(v) for v in value) + "}"
    return _number(value)


def _tensors(name: str, tensors: list[tuple[Tensor, str]], plan: ArenaPlan) -> str:
    return _array("mf_tensor", name, [_tensor(tensor, label, plan) for tensor, label in tensors])


def _tensor(tensor: Tensor, label: str, plan: ArenaPlan) -> str:
    dims = ", ".join(str(n) for n in tensor.shape) or "1"
    return (
        f'{{"{_identifier(label)}", arena + {plan.offsets[tensor.index]}, {tensor.elements}, '
        f"{{{dims}}}, {len(tensor.shape)}, {tensor.index}, {_float(tensor.scale)}, "
        f"{tensor.zero_point}}}"
    )


def _float(value: np.float32) -> str:
    """A float32 in hexadecimal, so that no digit is lost; an `f` suffix makes it a C float."""
    return float(value).hex() + "f"


def _identifier(text: str) -> str:
    """A name from the file as safe C string content: anything unusual becomes `_`."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-./;:") else "_" for c in text)[:96]


def _array(ctype: str, name: str, rows: list[str]) -> str:
    body = "\n".join(f"    {row}," for row in rows)
    return f"static const {ctype} {name}[{max(len(rows), 1)}] = {{\n{body}\n}};\n"


def _model(model: TFLiteModel, ops: int, tensors: int, plan: ArenaPlan) -> str:
    digest = ", ".join(f"0x{byte:02x}" for byte in bytes.fromhex(model.sha256))
    return (
        "const mf_model mf_the_model = {\n"
        f"    {{{digest}}},\n"
        f"    {plan.size}, {len(model.inputs)}, {len(model.outputs)}, {tensors}, {ops},\n"
        f"    inputs, outputs, {'tensors' if tensors else '0'}, ops,\n"
        "};\n"
    )
