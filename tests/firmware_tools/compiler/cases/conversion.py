"""Ops that give another type than they take, and QUANTIZE on any types."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from midfuse.core.ops import OPS
from tests.firmware_tools.compiler.cases.strategies import (
    AddOp,
    Draw,
    scales,
    shapes,
    small,
    zero_point_of,
    zero_points,
)
from tests.support.tflite_builder import TFLiteBuilder, schema


def form(draw: Draw, name: str) -> tuple[str, str]:
    """Any input and output type of the op's."""
    pair: tuple[str, str] = draw(st.sampled_from(OPS[name].pairs))
    return pair


def quantization(draw: Draw, dtype: str, scale: float) -> dict[str, Any]:
    """int32 takes any zero point, float32 has no quantisation."""
    if dtype == "float32":
        return {"scale": None, "zero_point": 0, "dtype": dtype}
    zero_point = draw(zero_points) if dtype == "int32" else zero_point_of(draw, dtype)
    return {"scale": scale, "zero_point": zero_point, "dtype": dtype}


def scale_pair(draw: Draw) -> tuple[float, float]:
    """Usual scales, or any at all whose ratio is below 2^30, which is the most."""
    if draw(st.booleans()):
        return draw(scales), draw(scales)
    low, high = draw(st.floats(2.0**-59, 2.0**59, width=32)), 2.0**59
    return low, draw(st.floats(max(2.0**-59, float(np.float32(low * 2.0**-29))), high, width=32))


def converting(name: str) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        taken, given = form(draw, name)
        count = (draw(small(1, 90)),)
        x_scale, out_scale = scale_pair(draw)
        source = quantization(draw, taken, x_scale)
        if draw(st.integers(0, 3)) == 0:  # a constant, int8 or what it is as a number
            data = np.resize(np.arange(-128, 128), count).astype(taken)
            x = b.tensor(count, source["scale"], source["zero_point"], dtype=taken, data=data)
        else:
            x = b.input(count, source["scale"], source["zero_point"], dtype=taken)
        target = quantization(draw, given, out_scale)
        out = b.tensor(count, target["scale"], target["zero_point"], dtype=given)
        b.op(name, [x], out)

    return add


def arg_max(b: TFLiteBuilder, draw: Draw) -> None:
    taken, given = form(draw, "ARG_MAX")
    shape = draw(shapes(1, 5))
    axis = draw(st.integers(0, len(shape) - 1))
    x = b.input(shape, **quantization(draw, taken, draw(scales)))
    out = b.tensor((*shape[:axis], *shape[axis + 1 :]), dtype=given)
    options = schema.ArgMaxOptionsT()
    options.outputType = schema.TensorType.INT32
    b.op("ARG_MAX", [x, b.numbers([axis - draw(st.sampled_from([0, len(shape)]))])], out, options)


CASES: dict[str, AddOp] = {
    "ARG_MAX": arg_max,
    "DEQUANTIZE": converting("DEQUANTIZE"),
    "QUANTIZE": converting("QUANTIZE"),
}
