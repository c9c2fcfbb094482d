"""Element-wise ops on two inputs, with broadcasting."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.firmware_tools.compiler.cases.strategies import (
    AddOp,
    Draw,
    activations,
    any_rank,
    codes,
    scales,
    seeds,
    zero_point_of,
    zero_points,
)
from tests.support.tflite_builder import TFLiteBuilder, schema


def binary(name: str, options: Any, *, dtype: str = "int8", one_scale: bool = False) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        shape = draw(any_rank)
        rank = draw(st.integers(1, len(shape)))
        other = tuple(1 if draw(st.integers(0, 2)) == 0 else n for n in shape[len(shape) - rank :])
        scale, zero_point = draw(scales), zero_point_of(draw, dtype)

        def quantization() -> tuple[float, int]:
            return (scale, zero_point) if one_scale else (draw(scales), zero_point_of(draw, dtype))

        first = b.input(shape, *quantization(), dtype=dtype)
        if draw(st.booleans()):
            data = codes(draw(seeds), other, dtype)
            second = b.tensor(other, scale, zero_point, dtype=dtype, data=data)
        else:
            second = b.input(other, scale, zero_point, dtype=dtype)
        operands = [first, second] if draw(st.booleans()) else [second, first]
        out = b.tensor(shape, *quantization(), dtype=dtype)
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
    shape = draw(any_rank)
    other = tuple(1 if draw(st.integers(0, 2)) == 0 else n for n in shape)
    scale, divisor_scale = draw(scales), draw(scales)
    out_scale = float(np.float32(scale / divisor_scale * draw(st.floats(2.0**-15, 2.0**-7))))
    first = b.input(shape, scale, draw(zero_points))
    second = b.input(other, divisor_scale, draw(zero_points))
    options = schema.DivOptionsT()
    options.fusedActivationFunction = draw(activations)
    b.op("DIV", [first, second], b.tensor(shape, out_scale, draw(zero_points)), options)


_ADD_SUB_MUL = {"ADD": schema.AddOptionsT, "SUB": schema.SubOptionsT, "MUL": schema.MulOptionsT}
_LARGEST = ("MAXIMUM", "MINIMUM")


def both(dtype: str) -> list[tuple[str, AddOp]]:
    """The ops that take int8 and int16. MAXIMUM and MINIMUM compare codes, so all three tensors
    are on one scale."""
    return [
        *((name, binary(name, options, dtype=dtype)) for name, options in _ADD_SUB_MUL.items()),
        *(
            (name, binary(name, schema.MaximumMinimumOptionsT, dtype=dtype, one_scale=True))
            for name in _LARGEST
        ),
        ("SQUARED_DIFFERENCE", binary("SQUARED_DIFFERENCE", None, dtype=dtype)),
    ]


CASES: dict[str, AddOp] = {
    **dict(both("int8")),
    **{f"{name} int16": case for name, case in both("int16")},
    "DIV": div,
    "PRELU": binary("PRELU", None),
}
