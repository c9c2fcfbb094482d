"""Ops that give another type than they take, and QUANTIZE on any types."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from midfuse.ops import OPS
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


def quantization(draw: Draw, dtype: str) -> dict[str, Any]:
    """int32 takes any zero point, float32 none."""
    if dtype == "float32":
        return {"scale": None, "zero_point": 0, "dtype": dtype}
    zero_point = draw(zero_points) if dtype == "int32" else zero_point_of(draw, dtype)
    return {"scale": draw(scales), "zero_point": zero_point, "dtype": dtype}


def converting(name: str) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        taken, given = form(draw, name)
        count = (draw(small(1, 90)),)
        source = quantization(draw, taken)
        if draw(st.integers(0, 3)) == 0:  # a constant, int8 or what it is as a number
            data = np.resize(np.arange(-128, 128), count).astype(taken)
            x = b.tensor(count, source["scale"], source["zero_point"], dtype=taken, data=data)
        else:
            x = b.input(count, source["scale"], source["zero_point"], dtype=taken)
        target = quantization(draw, given)
        out = b.tensor(count, target["scale"], target["zero_point"], dtype=given)
        b.op(name, [x], out)

    return add


def arg_max(b: TFLiteBuilder, draw: Draw) -> None:
    taken, given = form(draw, "ARG_MAX")
    shape = draw(shapes(1, 5))
    axis = draw(st.integers(0, len(shape) - 1))
    x = b.input(shape, **quantization(draw, taken))
    out = b.tensor((*shape[:axis], *shape[axis + 1 :]), dtype=given)
    options = schema.ArgMaxOptionsT()
    options.outputType = schema.TensorType.INT32
    b.op("ARG_MAX", [x, b.numbers([axis - draw(st.sampled_from([0, len(shape)]))])], out, options)


CASES: dict[str, AddOp] = {
    "ARG_MAX": arg_max,
    "DEQUANTIZE": converting("DEQUANTIZE"),
    "QUANTIZE": converting("QUANTIZE"),
}
