"""Element-wise ops on two inputs, with broadcasting, and on one."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.firmware_tools.compiler.cases.strategies import (
    AddOp,
    Draw,
    activations,
    int8,
    scales,
    seeds,
    shapes,
    zero_points,
)
from tests.support.tflite_builder import TFLiteBuilder, schema


def binary(name: str, options: Any) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        shape = draw(shapes(1, 4))
        rank = draw(st.integers(1, len(shape)))
        other = tuple(1 if draw(st.integers(0, 2)) == 0 else n for n in shape[len(shape) - rank :])
        first = b.input(shape, draw(scales), draw(zero_points))
        scale, zero_point = draw(scales), draw(zero_points)
        if draw(st.booleans()):
            data = int8(draw(seeds), other, low=-128)
            second = b.tensor(other, scale, zero_point, data=data)
        else:
            second = b.input(other, scale, zero_point)
        operands = [first, second] if draw(st.booleans()) else [second, first]
        out = b.tensor(shape, draw(scales), draw(zero_points))
        if options is None:
            b.op(name, operands, out)
            return
        filled = options()
        filled.fusedActivationFunction = draw(activations)
        b.op(name, operands, out, filled)

    return add


def relu(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    x = b.input(shape, draw(scales), draw(zero_points))
    b.op("RELU", [x], b.tensor(shape, draw(scales), draw(zero_points)))


def rsqrt(b: TFLiteBuilder, draw: Draw) -> None:
    """On all 256 codes; only zero point -128 has a meaning for each."""
    x = b.tensor((256,), draw(scales), -128, data=np.arange(-128, 128).astype(np.int8))
    b.op("RSQRT", [x], b.tensor((256,), draw(scales), draw(zero_points)))


CASES: dict[str, AddOp] = {
    "ADD": binary("ADD", schema.AddOptionsT),
    "MUL": binary("MUL", schema.MulOptionsT),
    "RELU": relu,
    "RSQRT": rsqrt,
    "SQUARED_DIFFERENCE": binary("SQUARED_DIFFERENCE", None),
    "SUB": binary("SUB", schema.SubOptionsT),
}
