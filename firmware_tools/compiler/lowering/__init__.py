"""From operators to kernel calls, one function an operator. The table is the compiler's op list."""

from collections.abc import Callable

from firmware_tools.compiler.lowering import elementwise, layout, matrix, window
from firmware_tools.compiler.program import Call, Graph
from midfuse.tflite_file import Op

LOWERINGS: dict[str, Callable[[Op, Graph], list[Call]]] = {
    "ADD": elementwise.add,
    "BATCH_MATMUL": matrix.batch_matmul,
    "CONCATENATION": layout.concatenation,
    "CONV_2D": window.conv_2d,
    "FULLY_CONNECTED": matrix.fully_connected,
    "MAX_POOL_2D": window.max_pool_2d,
    "MEAN": matrix.mean,
    "MUL": elementwise.mul,
    "RELU": elementwise.relu,
    "RESHAPE": layout.reshape,
    "RSQRT": elementwise.rsqrt,
    "SOFTMAX": matrix.softmax,
    "SQUARED_DIFFERENCE": elementwise.squared_difference,
    "STRIDED_SLICE": layout.strided_slice,
    "SUB": elementwise.sub,
    "TRANSPOSE": layout.transpose,
}
