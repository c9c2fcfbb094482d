"""The op table: what the runtime computes, on which tensor types. Support checks read it here."""

from dataclasses import dataclass

INT8 = "int8"


@dataclass(frozen=True)
class OpSupport:
    """One TFLite op: the activation types it is supported on, and a limit worth stating."""

    name: str
    activations: tuple[str, ...] = (INT8,)
    limit: str = ""


OPS = {
    entry.name: entry
    for entry in (
        OpSupport("ADD"),
        OpSupport("BATCH_MATMUL", limit="both operands activations"),
        OpSupport("CONCATENATION", limit="all inputs on the output's scale"),
        OpSupport("CONV_2D", limit="groups and dilation 1"),
        OpSupport("FULLY_CONNECTED"),
        OpSupport("MAX_POOL_2D"),
        OpSupport("MEAN"),
        OpSupport("MUL"),
        OpSupport("RELU"),
        OpSupport("RESHAPE"),
        OpSupport("RSQRT"),
        OpSupport("SOFTMAX"),
        OpSupport("SQUARED_DIFFERENCE"),
        OpSupport("STRIDED_SLICE", limit="positive strides"),
        OpSupport("SUB"),
        OpSupport("TRANSPOSE"),
    )
}
