"""The op table: what the runtime computes, on which types. Support checks, errors and docs read it.

`docs/ops.md` is this table as a page; `python -m midfuse.core.ops_page` writes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from midfuse.core.errors import InputError
from midfuse.core.tflite_file import TFLiteModel

INT8 = "int8"
INT16 = "int16"
# What TFLM moves without looking at it, by op.
_ALL = (INT8, INT16, "int32", "float32")
_NO_INT32 = (INT8, INT16, "float32")


@dataclass(frozen=True)
class OpSupport:
    """One TFLite op: the types it is supported on, and a limit worth stating.

    A type stands for an op that takes and gives it; a pair for one that takes the first and gives
    the second. They are those of the first input that is an activation, at position `data`, and of
    the outputs; the compiler checks the rest, such as weights and axes.
    """

    name: str
    types: tuple[str | tuple[str, str], ...] = (INT8,)
    limit: str = ""
    data: int = 0

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every (input, output) type."""
        return [(entry, entry) if isinstance(entry, str) else entry for entry in self.types]

    @property
    def forms(self) -> list[str]:
        """Every (input, output) type in words: `int8`, `int8 to float32`."""
        return [taken if taken == given else f"{taken} to {given}" for taken, given in self.pairs]


OPS = {
    entry.name: entry
    for entry in (
        OpSupport("ABS", (INT8, INT16)),
        OpSupport("ADD", (INT8, INT16)),
        OpSupport("ARG_MAX", ((INT8, "int32"), ("float32", "int32"))),
        OpSupport("AVERAGE_POOL_2D", (INT8, INT16), limit="input on the output's scale"),
        OpSupport("BATCH_MATMUL", (INT8, INT16)),
        OpSupport("CONCATENATION", _ALL, limit="all inputs on the output's scale"),
        OpSupport("CONV_2D", (INT8, INT16)),
        OpSupport("DEPTHWISE_CONV_2D", (INT8, INT16)),
        OpSupport("DEQUANTIZE", ((INT8, "float32"), (INT16, "float32"))),
        OpSupport("DIV"),
        OpSupport("EXPAND_DIMS", _NO_INT32),
        OpSupport("FULLY_CONNECTED", (INT8, INT16)),
        OpSupport(
            "GATHER",
            (INT8, "float32"),
            "int32 positions, constant or not; one out of range takes the nearest (TFLM stops)",
        ),
        OpSupport("HARD_SWISH"),
        OpSupport("LEAKY_RELU", (INT8, INT16)),
        OpSupport("LOGISTIC", (INT8, INT16)),
        OpSupport("MAXIMUM", (INT8, INT16), limit="both inputs on the output's scale"),
        OpSupport("MAX_POOL_2D", (INT8, INT16), limit="input on the output's scale"),
        OpSupport("MEAN", (INT8, INT16)),
        OpSupport("MINIMUM", (INT8, INT16), limit="both inputs on the output's scale"),
        OpSupport("MUL", (INT8, INT16)),
        OpSupport("PACK", _ALL),
        OpSupport("PAD", _ALL),
        OpSupport("PADV2", _ALL, "a constant value on the output's scale"),
        OpSupport("PRELU"),
        OpSupport(
            "QUANTIZE",
            (
                *(INT8, INT16),
                *((INT8, INT16), (INT8, "int32"), (INT16, INT8), (INT16, "int32")),
                *(("int32", INT8), ("int32", INT16), ("float32", INT8), ("float32", INT16)),
            ),
            "NaN and floats beyond int32 on the output's scale count as INT32_MIN, as on x86",
        ),
        OpSupport("REDUCE_MAX", limit="input on the output's scale"),
        OpSupport("RELU", (INT8, INT16)),
        OpSupport("RELU6", (INT8, INT16), limit="input on the output's scale"),
        OpSupport("RESHAPE", _ALL),
        OpSupport("RSQRT", (INT8, INT16), "below zero what zero gives (TFLM stops)"),
        OpSupport("SLICE", _ALL),
        OpSupport("SOFTMAX", (INT8, INT16)),
        OpSupport("SPLIT", _ALL, data=1),
        OpSupport("SPLIT_V", _ALL),
        OpSupport("SQUARED_DIFFERENCE", (INT8, INT16)),
        OpSupport("SQUEEZE", _ALL),
        OpSupport("STRIDED_SLICE", _ALL),
        OpSupport("SUB", (INT8, INT16)),
        OpSupport("SUM", (INT8, INT16)),
        OpSupport("TANH", (INT8, INT16)),
        OpSupport("TRANSPOSE", _NO_INT32),
        OpSupport("TRANSPOSE_CONV", (INT8, INT16), data=2),
        OpSupport("UNPACK", _ALL),
    )
}


def check_ops(model: TFLiteModel, where: str, made_by: Mapping[str, str] | None = None) -> None:
    """Refuse a model with an op that the runtime lacks; `where` names the model to the user,
    `made_by` says what made a tensor, by its name.

    Raises:
        InputError: names the first such op and the ops that would do.
    """
    for op in model.ops:
        if op.name not in OPS:
            made = model.tensors[op.outputs[0]].name if op.outputs else "nothing"
            made = (made_by or {}).get(made, f"makes {made[:60]}")
            raise InputError(
                f"{where}: op {op.index} ({op.name}, {made}) is not supported",
                f"use only {', '.join(OPS)}",
            )


def check_support(model: TFLiteModel, where: str) -> None:
    """Refuse a model with an op that the runtime lacks, or one on types that it lacks.

    Raises:
        InputError: names the first such op, the tensor and what would do.
    """
    check_ops(model, where)
    for op in model.ops:
        support = OPS[op.name]
        data = [model.tensors[i] for i in op.inputs[support.data : support.data + 1] if i >= 0]
        outputs = [model.tensors[i] for i in op.outputs]
        for x, out in product(data, outputs):
            if (x.dtype, out.dtype) in support.pairs:
                continue
            wrong = out if x.dtype in {taken for taken, _ in support.pairs} else x
            raise InputError(
                f"{where}: op {op.index} ({op.name}): tensor {wrong.name[:60]} is {wrong.dtype}, "
                f"{op.name} is supported on {', '.join(support.forms)}",
                "quantise the whole model to int8 (midfuse convert does)",
            )
