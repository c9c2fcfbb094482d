"""FULLY_CONNECTED, BATCH_MATMUL, SOFTMAX."""

from hypothesis import strategies as st

from tests.firmware_tools.compiler.cases.strategies import (
    AddOp,
    Draw,
    activations,
    bias,
    f32,
    int8,
    output_scale,
    scales,
    seeds,
    shapes,
    small,
    weight_scales,
    zero_points,
)
from tests.support.tflite_builder import TFLiteBuilder, schema


def fully_connected(b: TFLiteBuilder, draw: Draw) -> None:
    rows, depth, channels = draw(shapes(1, 3)), draw(small(1, 37)), draw(small())
    x_scale, w_scales = draw(scales), weight_scales(draw, channels)
    x = b.input((*rows, depth), x_scale, draw(zero_points))
    w = b.tensor((channels, depth), w_scales, data=int8(draw(seeds), (channels, depth)))
    extra = bias(b, draw, channels, f32(w_scales, x_scale))
    out_scale = output_scale(draw, x_scale, w_scales[0])
    out = b.tensor((*rows, channels), out_scale, draw(zero_points))
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = draw(activations)
    b.op("FULLY_CONNECTED", [x, w, extra], out, options)


def batch_matmul(b: TFLiteBuilder, draw: Draw) -> None:
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
    lhs_scale, rhs_scale = draw(scales), draw(scales)
    lhs = b.input((*lhs_batch, *lhs_shape), lhs_scale, draw(zero_points))
    rhs = b.input((*rhs_batch, *rhs_shape), rhs_scale, draw(zero_points))
    out_scale = output_scale(draw, lhs_scale, rhs_scale)
    out = b.tensor((*joined, rows, columns), out_scale, draw(zero_points))
    b.op("BATCH_MATMUL", [lhs, rhs], out, options)


def softmax(b: TFLiteBuilder, draw: Draw) -> None:
    shape = (*draw(shapes(1, 3)), draw(small(1, 70)))
    x = b.input(shape, draw(scales), draw(zero_points))
    out = b.tensor(shape, 1 / 256, -128)
    options = schema.SoftmaxOptionsT()
    options.beta = draw(st.sampled_from([1.0, 0.25, 3.0]))
    b.op("SOFTMAX", [x], out, options)


CASES: dict[str, AddOp] = {
    "BATCH_MATMUL": batch_matmul,
    "FULLY_CONNECTED": fully_connected,
    "SOFTMAX": softmax,
}
