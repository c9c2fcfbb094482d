"""From operators to kernel calls, one function an operator. The table is the compiler's op list."""

from collections.abc import Callable

from firmware_tools.compiler.lowering import (
    conversion,
    elementwise,
    layout,
    matrix,
    reduction,
    slicing,
    unary,
    window,
)
from firmware_tools.compiler.program import Call, Graph, Program, Slot, Step
from midfuse.core.tflite_file import Op, TFLiteModel

LOWERINGS: dict[str, Callable[[Op, Graph], list[Call]]] = {
    "ABS": unary.abs_,
    "ADD": elementwise.add,
    "ARG_MAX": conversion.arg_max,
    "AVERAGE_POOL_2D": window.average_pool_2d,
    "BATCH_MATMUL": matrix.batch_matmul,
    "CONCATENATION": layout.concatenation,
    "CONV_2D": window.conv_2d,
    "DEPTHWISE_CONV_2D": window.depthwise_conv_2d,
    "DEQUANTIZE": conversion.dequantize,
    "DIV": elementwise.div,
    "EXPAND_DIMS": layout.reshape,
    "FULLY_CONNECTED": matrix.fully_connected,
    "GATHER": layout.gather,
    "HARD_SWISH": unary.hard_swish,
    "LEAKY_RELU": unary.leaky_relu,
    "LOGISTIC": unary.logistic,
    "MAXIMUM": elementwise.maximum,
    "MAX_POOL_2D": window.max_pool_2d,
    "MEAN": reduction.mean,
    "MINIMUM": elementwise.minimum,
    "MUL": elementwise.mul,
    "PACK": layout.pack,
    "PAD": layout.pad,
    "PADV2": layout.pad,
    "PRELU": elementwise.prelu,
    "QUANTIZE": conversion.quantize,
    "REDUCE_MAX": reduction.reduce_max,
    "RELU": unary.relu,
    "RELU6": unary.relu6,
    "RESHAPE": layout.reshape,
    "RSQRT": unary.rsqrt,
    "SLICE": slicing.slice_,
    "SOFTMAX": matrix.softmax,
    "SPLIT": layout.split,
    "SPLIT_V": layout.split_v,
    "SQUARED_DIFFERENCE": elementwise.squared_difference,
    "SQUEEZE": layout.reshape,
    "STRIDED_SLICE": slicing.strided_slice,
    "SUB": elementwise.sub,
    "SUM": reduction.sum_,
    "TANH": unary.tanh,
    "TRANSPOSE": layout.transpose,
    "TRANSPOSE_CONV": window.transpose_conv,
    "UNPACK": layout.unpack,
}


def lower(model: TFLiteModel) -> Program:
    """The model's ops as kernel calls, one step an op.

    Raises:
        InputError: a form of an operator that the runtime lacks.
    """
    graph = Graph(model)
    steps, parts = [], {}
    for op in model.ops:
        calls = LOWERINGS[op.name](op, graph)
        if calls:
            steps.append(Step((op,), tuple(calls)))
        else:  # only the shape changes: the output is the input
            parts[op.outputs[0]] = Slot(op.inputs[0])
    return Program(model, tuple(steps), graph.tables, parts)
