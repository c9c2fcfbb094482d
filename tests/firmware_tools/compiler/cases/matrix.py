"""FULLY_CONNECTED, BATCH_MATMUL, SOFTMAX."""

from hypothesis import strategies as st

from tests.firmware_tools.compiler.cases.strategies import (
    AddOp,
    Draw,
    activations,
    any_bias,
    bias,
    f32,
    int8,
    output_scale,
    scales,
    seeds,
    shapes,
    small,
    weight_scales,
    zero_point_of,
)
from tests.support.tflite_builder import TFLiteBuilder, schema


def fully_connected(dtype: str) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        rows, depth, channels = draw(shapes(1, 3)), draw(small(1, 37)), draw(small())
        x_scale, w_scales = draw(scales), weight_scales(draw, channels)
        x = b.input((*rows, depth), x_scale, zero_point_of(draw, dtype), dtype=dtype)
        w = b.tensor((channels, depth), w_scales, data=int8(draw(seeds), (channels, depth)))
        extra = bias(b, draw, channels, f32(w_scales, x_scale), dtype=any_bias(draw, dtype))
        out_scale = output_scale(draw, dtype, x_scale, w_scales[0])
        out = b.tensor((*rows, channels), out_scale, zero_point_of(draw, dtype), dtype=dtype)
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = draw(activations)
        b.op("FULLY_CONNECTED", [x, w, extra], out, options)

    return add


def batch_matmul(dtype: str) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        rows, depth, columns = draw(small()), draw(small(1, 20)), draw(small())
        batch = draw(st.lists(small(1, 4), max_size=2).map(tuple))
        options = schema.BatchMatMulOptionsT()
        options.adjX, options.adjY = draw(st.booleans()), draw(st.booleans())
        lhs_batch, rhs_batch = (
            tuple(1 if draw(st.integers(0, 3)) == 0 else n for n in batch) for _ in range(2)
        )
        joined = tuple(max(m, n) for m, n in zip(lhs_batch, rhs_batch, strict=True))
        lhs_shape = (depth, rows) if options.adjX else (rows, depth)
        rhs_shape = (columns, depth) if options.adjY else (depth, columns)
        # Of int16 TFLM takes products of less than 2^15 times the output's scale.
        lhs_scale, rhs_scale = draw(scales), draw(scales) / (1 if dtype == "int8" else 16)
        lhs = b.input((*lhs_batch, *lhs_shape), lhs_scale, zero_point_of(draw, dtype), dtype=dtype)
        rhs = b.input((*rhs_batch, *rhs_shape), rhs_scale, zero_point_of(draw, dtype), dtype=dtype)
        out_scale = output_scale(draw, dtype, lhs_scale, rhs_scale)
        shape = (*joined, rows, columns)
        out = b.tensor(shape, out_scale, zero_point_of(draw, dtype), dtype=dtype)
        b.op("BATCH_MATMUL", [lhs, rhs], out, options)

    return add


def softmax(dtype: str) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        shape = (*draw(shapes(1, 3)), draw(small(1, 70)))
        # A scale of int16 is that of int8 with some bits more below.
        scale = draw(scales) / (1 if dtype == "int8" else draw(st.sampled_from([4, 256])))
        x = b.input(shape, scale, zero_point_of(draw, dtype), dtype=dtype)
        unit = (1 / 256, -128) if dtype == "int8" else (1 / 32768, 0)
        options = schema.SoftmaxOptionsT()
        options.beta = draw(st.sampled_from([1.0, 0.25, 3.0]))
        b.op("SOFTMAX", [x], b.tensor(shape, *unit, dtype=dtype), options)

    return add


CASES: dict[str, AddOp] = {
    f"{name}{suffix}": case(dtype)
    for dtype, suffix in (("int8", ""), ("int16", " int16"))
    for name, case in (
        ("BATCH_MATMUL", batch_matmul),
        ("FULLY_CONNECTED", fully_connected),
        ("SOFTMAX", softmax),
    )
}
