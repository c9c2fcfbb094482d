"""The op table: what the runtime computes, on which tensor types. Support checks read it here."""

from dataclasses import dataclass

from midfuse.errors import InputError
from midfuse.tflite_file import TFLiteModel

INT8 = "int8"


@dataclass(frozen=True)
class OpSupport:
    """One TFLite op: the activation types it is supported on, and a limit worth stating.

    `data` is the position of its first input that is an activation.
    """

    name: str
    activations: tuple[str, ...] = (INT8,)
    limit: str = ""
    data: int = 0


OPS = {
    entry.name: entry
    for entry in (
        OpSupport("ABS"),
        OpSupport("ADD"),
        OpSupport("AVERAGE_POOL_2D", limit="input on the output's scale"),
        OpSupport("BATCH_MATMUL"),
        OpSupport("CONCATENATION", limit="all inputs on the output's scale"),
        OpSupport("CONV_2D"),
        OpSupport("DEPTHWISE_CONV_2D"),
        OpSupport("DIV"),
        OpSupport("EXPAND_DIMS"),
        OpSupport("FULLY_CONNECTED"),
        OpSupport("GATHER", limit="constant positions"),
        OpSupport("HARD_SWISH"),
        OpSupport("LEAKY_RELU"),
        OpSupport("LOGISTIC"),
        OpSupport("MAXIMUM", limit="both inputs on the output's scale"),
        OpSupport("MAX_POOL_2D", limit="input on the output's scale"),
        OpSupport("MEAN"),
        OpSupport("MINIMUM", limit="both inputs on the output's scale"),
        OpSupport("MUL"),
        OpSupport("PACK"),
        OpSupport("PAD"),
        OpSupport("PADV2"),
        OpSupport("PRELU"),
        OpSupport("QUANTIZE", limit="from int8 to int8"),
        OpSupport("REDUCE_MAX", limit="input on the output's scale"),
        OpSupport("RELU"),
        OpSupport("RELU6", limit="input on the output's scale"),
        OpSupport("RESHAPE"),
        OpSupport("RSQRT"),
        OpSupport("SLICE"),
        OpSupport("SOFTMAX"),
        OpSupport("SPLIT", data=1),
        OpSupport("SPLIT_V"),
        OpSupport("SQUARED_DIFFERENCE"),
        OpSupport("SQUEEZE"),
        OpSupport("STRIDED_SLICE"),
        OpSupport("SUB"),
        OpSupport("SUM"),
        OpSupport("TANH"),
        OpSupport("TRANSPOSE"),
        OpSupport("TRANSPOSE_CONV", data=2),
        OpSupport("UNPACK"),
    )
}


def check_ops(model: TFLiteModel, where: str) -> None:
    """Refuse a model with an op that the runtime lacks; `where` names the model to the user.

    Raises:
        InputError: names the first such op and the ops that would do.
    """
    for op in model.ops:
        if op.name not in OPS:
            made = model.tensors[op.outputs[0]].name[:60] if op.outputs else "nothing"
            raise InputError(
                f"{where}: op {op.index} ({op.name}, makes {made}) is not supported",
                f"use only {', '.join(OPS)}",
            )


def check_support(model: TFLiteModel, where: str) -> None:
    """Refuse a model with an op that the runtime lacks, or one on types that it lacks.

    Raises:
        InputError: names the first such op and what would do.
    """
    check_ops(model, where)
    for op in model.ops:
        # Constants have types of their own (int32 biases, axes); the lowering checks those.
        data = OPS[op.name].data
        for index in (*op.inputs[data : data + 1], *op.outputs):
            dtype = model.tensors[index].dtype
            if dtype not in OPS[op.name].activations:
                raise InputError(
                    f"{where}: op {op.index} ({op.name}): tensor {model.tensors[index].name[:60]} "
                    f"is {dtype}, supported are {', '.join(OPS[op.name].activations)}",
                    "quantise the whole model to int8 (midfuse convert does)",
                )
