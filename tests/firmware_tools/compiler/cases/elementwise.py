"""Element-wise ops on two inputs, with broadcasting."""

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


def binary(name: str, options: Any, *, one_scale: bool = False) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        shape = draw(shapes(1, 4))
        rank = draw(st.integers(1, len(shape)))
        other = tuple(1 if draw(st.integers(0, 2)) == 0 else n for n in shape[len(shape) - rank :])
        scale, zero_point = draw(scales), draw(zero_points)

        def quantization() -> tuple[float, int]:
            return (scale, zero_point) if one_scale else (draw(scales), draw(zero_points))

        first = b.input(shape, *quantization())
        if draw(st.booleans()):
            data = int8(draw(seeds), other, low=-128)
            second = b.tensor(other, scale, zero_point, data=data)
        else:
            second = b.input(other, scale, zero_point)
        operands = [first, second] if draw(st.booleans()) else [second, first]
        out = b.tensor(shape, *quantization())
        if options is None:
            b.op(name, operands, out)
            return
        filled = options()
        if hasattr(filled, "fusedActivationFunction"):
            filled.fusedActivationFunction = draw(activations)
        b.op(name, operands, out, filled)

    return add


def div(b: TFLiteBuilder, draw: Draw) -> None:
    """Any divisor, zero too; the scales leave TFLM's shifts within 32 bits."""
    shape = draw(shapes(1, 4))
    other = tuple(1 if draw(st.integers(0, 2)) == 0 else n for n in shape)
    scale, divisor_scale = draw(scales), draw(scales)
    out_scale = float(np.float32(scale / divisor_scale * draw(st.floats(2.0**-15, 2.0**-7))))
    first = b.input(shape, scale, draw(zero_points))
    second = b.input(other, divisor_scale, draw(zero_points))
    options = schema.DivOptionsT()
    options.fusedActivationFunction = draw(activations)
    b.op("DIV", [first, second], b.tensor(shape, out_scale, draw(zero_points)), options)


def largest(name: str) -> AddOp:
    """MAXIMUM, MINIMUM: TFLM compares codes, so all three tensors are on one scale."""
    return binary(name, schema.MaximumMinimumOptionsT, one_scale=True)


CASES: dict[str, AddOp] = {
    "ADD": binary("ADD", schema.AddOptionsT),
    "DIV": div,
    "MAXIMUM": largest("MAXIMUM"),
    "MINIMUM": largest("MINIMUM"),
    "MUL": binary("MUL", schema.MulOptionsT),
    "PRELU": binary("PRELU", None),
    "SQUARED_DIFFERENCE": binary("SQUARED_DIFFERENCE", None),
    "SUB": binary("SUB", schema.SubOptionsT),
}
