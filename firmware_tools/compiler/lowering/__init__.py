"""From operators to kernel calls, one function an operator. The table is the compiler's op list."""

from collections.abc import Callable

from firmware_tools.compiler.lowering import (
    elementwise,
    layout,
    matrix,
    reduction,
    slicing,
    window,
)
from firmware_tools.compiler.program import Call, Graph
from midfuse.tflite_file import Op

LOWERINGS: dict[str, Callable[[Op, Graph], list[Call]]] = {
    "ADD": elementwise.add,
    "AVERAGE_POOL_2D": window.average_pool_2d,
    "BATCH_MATMUL": matrix.batch_matmul,
    "CONCATENATION": layout.concatenation,
    "CONV_2D": window.conv_2d,
    "DEPTHWISE_CONV_2D": window.depthwise_conv_2d,
    "EXPAND_DIMS": layout.reshape,
    "FULLY_CONNECTED": matrix.fully_connected,
    "MAX_POOL_2D": window.max_pool_2d,
    "MEAN": reduction.mean,
    "MUL": elementwise.mul,
    "PACK": layout.pack,
    "PAD": layout.pad,
    "PADV2": layout.pad,
    "REDUCE_MAX": reduction.reduce_max,
    "RELU": elementwise.relu,
    "RESHAPE": layout.reshape,
    "RSQRT": elementwise.rsqrt,
    "SLICE": slicing.slice_,
    "SOFTMAX": matrix.softmax,
    "SPLIT": layout.split,
    "SPLIT_V": layout.split_v,
    "SQUARED_DIFFERENCE": elementwise.squared_difference,
    "SQUEEZE": layout.reshape,
    "STRIDED_SLICE": slicing.strided_slice,
    "SUB": elementwise.sub,
    "SUM": reduction.sum_,
    "TRANSPOSE": layout.transpose,
    "UNPACK": layout.unpack,
}
