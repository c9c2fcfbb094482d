"""Which ONNX ops the target can run: refused before the slow conversion, with what to use instead.

What onnx2tf makes of each op was found by converting it alone. The check after the conversion
(`midfuse.core.support.check_ops`) has the last word.
"""

from dataclasses import dataclass
from typing import Any

import onnx

from converter.reading.onnx_file import constant_names, graphs, says
from midfuse.core.errors import InputError
from midfuse.core.ops import OPS


@dataclass(frozen=True)
class Becomes:
    """The TFLite ops that an ONNX op turns into, and what to build instead where they lack.

    No ops: nothing, or different ones that only the conversion can tell.
    """

    ops: tuple[str, ...] = ()
    instead: str = ""


_ACTIVATION = "use ReLU or Hardswish instead and tune the model again"
_RECURRENT = "use a convolution over time or attention instead and train again"
_COMPARISON = "use arithmetic instead: multiply by a mask, add a large negative number"
_RESIZE = "use a transposed convolution instead (ConvTranspose)"
_EARLIER = "compute it before the model, on the sensor's values, or train without it"
_FLOAT = "give the float model, it is quantised here"
_BRANCH = "export the model with fixed shapes and without branches on data (trace it)"
_NORM = "use batch normalisation instead, which folds into the op before it"

_NORMALISED = ("MEAN", "SQUARED_DIFFERENCE", "RSQRT", "MUL", "ADD", "SUB")

BECOMES: dict[str, Becomes] = {
    **dict.fromkeys(
        ("Cast", "Constant", "Dropout", "Einsum", "Expand", "Identity", "Pow", "Split"), Becomes()
    ),
    "Abs": Becomes(("ABS",)),
    "Add": Becomes(("ADD",)),
    "ArgMax": Becomes(("int32 numbers",), "end the model with what it takes the largest of"),
    "ArgMin": Becomes(("ARG_MIN",), "end the model with what it takes the smallest of"),
    "AveragePool": Becomes(("AVERAGE_POOL_2D",)),
    "BatchNormalization": Becomes(("MUL", "ADD")),
    "Celu": Becomes(("EXP",), _ACTIVATION),
    "Clip": Becomes(("MINIMUM", "MAXIMUM")),
    "Concat": Becomes(("CONCATENATION",)),
    "Conv": Becomes(("CONV_2D",)),
    "ConvTranspose": Becomes(("TRANSPOSE_CONV",)),
    "Cos": Becomes(("COS",), _EARLIER),
    "CumSum": Becomes(("CUMSUM",), "use a matrix product with a triangle of ones instead"),
    "DepthToSpace": Becomes(("DEPTH_TO_SPACE",), _RESIZE),
    "DequantizeLinear": Becomes(("DEQUANTIZE and back",), _FLOAT),
    "Div": Becomes(("DIV",)),
    "Elu": Becomes(("ELU",), _ACTIVATION),
    "Equal": Becomes(("EQUAL",), _COMPARISON),
    "Erf": Becomes(("GELU",), "use ReLU or Hardswish instead of GELU and tune the model again"),
    "Exp": Becomes(("EXP",), "use Softmax or Sigmoid instead, or compute it after the model"),
    "Flatten": Becomes(("RESHAPE",)),
    "Floor": Becomes(("FLOOR",), _EARLIER),
    "GRU": Becomes(("a WHILE loop",), _RECURRENT),
    "Gather": Becomes(("GATHER",)),
    "GatherElements": Becomes(("GATHER_ND",), "use Gather or Slice with constant positions"),
    "GatherND": Becomes(("GATHER_ND",), "use Gather or Slice with constant positions"),
    "Gelu": Becomes(("GELU",), _ACTIVATION),
    "Gemm": Becomes(("FULLY_CONNECTED",)),
    "GlobalAveragePool": Becomes(("MEAN",)),
    "GlobalMaxPool": Becomes(("REDUCE_MAX",)),
    "Greater": Becomes(("GREATER",), _COMPARISON),
    "HardSigmoid": Becomes(("ADD", "RELU6", "MUL")),
    "HardSwish": Becomes(("HARD_SWISH",)),
    "Hardmax": Becomes(("ONE_HOT",), "end the model with what it takes the largest of"),
    "If": Becomes(("IF",), _BRANCH),
    "InstanceNormalization": Becomes(_NORMALISED),
    "LRN": Becomes(("LOCAL_RESPONSE_NORMALIZATION",), _NORM),
    "LSTM": Becomes(("a WHILE loop",), _RECURRENT),
    "LayerNormalization": Becomes(_NORMALISED),
    "LeakyRelu": Becomes(("LEAKY_RELU",)),
    "Less": Becomes(("LESS",), _COMPARISON),
    "Log": Becomes(("LOG",), "compute it after the model"),
    "LogSoftmax": Becomes(
        ("LOG_SOFTMAX",), "end the model with logits or Softmax: the largest is the same"
    ),
    "Loop": Becomes(("WHILE",), _BRANCH),
    "LpNormalization": Becomes(("MUL", "SUM", "RSQRT")),
    "MatMul": Becomes(("BATCH_MATMUL", "FULLY_CONNECTED")),
    "Max": Becomes(("MAXIMUM",)),
    "MaxPool": Becomes(("MAX_POOL_2D",)),
    "Mean": Becomes(("PACK", "MEAN")),
    "MeanVarianceNormalization": Becomes(_NORMALISED),
    "Min": Becomes(("MINIMUM",)),
    "Mish": Becomes(("a chain of EXP and LOG",), _ACTIVATION),
    "Mul": Becomes(("MUL",)),
    "Neg": Becomes(("MUL",)),
    "PRelu": Becomes(("PRELU",)),
    "Pad": Becomes(("PAD",)),
    "Pad edge": Becomes(("MIRROR_PAD",), "pad with zeros instead"),
    "Pad reflect": Becomes(("MIRROR_PAD",), "pad with zeros instead"),
    "QuantizeLinear": Becomes(("QUANTIZE and back",), _FLOAT),
    "RNN": Becomes(("a WHILE loop",), _RECURRENT),
    "Reciprocal": Becomes(("DIV",)),
    "ReduceL1": Becomes(("ABS", "SUM")),
    "ReduceL2": Becomes(("SQRT",), "use ReduceL1, or the sum of squares"),
    "ReduceMax": Becomes(("REDUCE_MAX",)),
    "ReduceMean": Becomes(("MEAN",)),
    "ReduceMin": Becomes(("REDUCE_MIN",), "use the maximum of the values times -1"),
    "ReduceSum": Becomes(("SUM",)),
    "Relu": Becomes(("RELU",)),
    "Reshape": Becomes(("RESHAPE",)),
    "Resize": Becomes(("RESIZE_NEAREST_NEIGHBOR or RESIZE_BILINEAR",), _RESIZE),
    "Scan": Becomes(("WHILE",), _BRANCH),
    "Selu": Becomes(("ELU",), _ACTIVATION),
    "Sigmoid": Becomes(("LOGISTIC",)),
    "Sin": Becomes(("SIN",), _EARLIER),
    "Slice": Becomes(("STRIDED_SLICE",)),
    "Softmax": Becomes(("SOFTMAX",)),
    "Softplus": Becomes(("EXP and LOG",), _ACTIVATION),
    "Softsign": Becomes(("a SOFTSIGN",), "use Tanh instead and tune the model again"),
    "SpaceToDepth": Becomes(("SPACE_TO_DEPTH",), "use a convolution with a stride instead"),
    # With the division that follows it, a square root becomes RSQRT.
    "Sqrt": Becomes(("RSQRT",)),
    "Squeeze": Becomes(("RESHAPE",)),
    "Sub": Becomes(("SUB",)),
    "Sum": Becomes(("ADD_N",), "add two at a time (Add) instead"),
    "Tanh": Becomes(("TANH",)),
    "ThresholdedRelu": Becomes(("SIGN",), _ACTIVATION),
    "Tile": Becomes(("TILE",), "use Expand or Concat instead"),
    "TopK": Becomes(("TOPK_V2",), "end the model with what it takes the largest of"),
    "Transpose": Becomes(("TRANSPOSE",)),
    "Trilu": Becomes(("SELECT_V2",), "multiply by a constant triangle instead"),
    "Unsqueeze": Becomes(("RESHAPE",)),
    "Upsample": Becomes(("RESIZE_NEAREST_NEIGHBOR",), _RESIZE),
    "Where": Becomes(("SELECT_V2",), _COMPARISON),
}

_SHAPE_OPS = ("Shape", "Size")


def check_onnx_ops(model: onnx.ModelProto, where: str) -> None:
    """Refuse what could not run after the conversion, before it.

    Shape arithmetic, computed from constants and shapes alone, is folded away: it may use any op.

    Raises:
        InputError: names the node, the PyTorch module that made it where known, and what to use
            instead; also a model that computes nothing.
    """
    computes = False
    for graph in graphs(model.graph):
        constant = constant_names(graph, _SHAPE_OPS)
        for node in graph.node:
            if constant.issuperset(node.output):
                continue
            _check(node, where)
            computes |= node.op_type not in ("Cast", "Dropout", "Identity")
    if not computes:
        raise InputError(f"{where}: computes nothing from its inputs", "export the trained model")


def _check(node: Any, where: str) -> None:
    becomes = BECOMES.get(_kind(node)) if node.domain in ("", "ai.onnx") else None
    if becomes is None:
        raise InputError(
            f"{says(node, where)}, an op that the target lacks",
            "use other ops instead: docs/ops.md lists what the target has",
        )
    lacking = [op for op in becomes.ops if op not in OPS]
    if lacking:
        raise InputError(
            f"{says(node, where)}, which becomes {lacking[0]}, an op that the target lacks",
            becomes.instead,
        )


def _kind(node: Any) -> str:
    """The op, and the mode of a Pad that is not with a constant."""
    modes = [attribute.s.decode() for attribute in node.attribute if attribute.name == "mode"]
    return (
        f"Pad {modes[0]}"
        if node.op_type == "Pad" and modes not in ([], ["constant"])
        else node.op_type
    )
