"""Ops that only move values."""

import numpy as np
from hypothesis import strategies as st

from tests.firmware_tools.compiler.cases.strategies import (
    AddOp,
    Draw,
    scales,
    seeds,
    shapes,
    small,
    zero_points,
)
from tests.support.tflite_builder import TFLiteBuilder, schema


def reshape(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    scale, zero_point = draw(scales), draw(zero_points)
    flat = (int(np.prod(shape)),)
    x = b.input(shape, scale, zero_point)
    b.op("RESHAPE", [x, b.numbers(list(flat))], b.tensor(flat, scale, zero_point))


def squeeze(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    scale, zero_point = draw(scales), draw(zero_points)
    ones = [axis for axis, n in enumerate(shape) if n == 1]
    options = schema.SqueezeOptionsT()
    options.squeezeDims = draw(st.lists(st.sampled_from(ones), unique=True)) if ones else []
    dropped = options.squeezeDims or ones
    kept = tuple(n for i, n in enumerate(shape) if i not in dropped)
    x = b.input(shape, scale, zero_point)
    b.op("SQUEEZE", [x], b.tensor(kept, scale, zero_point), options)


def expand_dims(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 3))
    scale, zero_point = draw(scales), draw(zero_points)
    axis = draw(st.integers(0, len(shape)))
    x = b.input(shape, scale, zero_point)
    out = b.tensor((*shape[:axis], 1, *shape[axis:]), scale, zero_point)
    given = axis - draw(st.sampled_from([0, len(shape) + 1]))
    b.op("EXPAND_DIMS", [x, b.numbers([given])], out)


def transpose(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    order = draw(st.permutations(range(len(shape))))
    scale, zero_point = draw(scales), draw(zero_points)
    x = b.input(shape, scale, zero_point)
    out = b.tensor(tuple(shape[axis] for axis in order), scale, zero_point)
    b.op("TRANSPOSE", [x, b.numbers(list(order))], out)


def strided_slice(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    options = schema.StridedSliceOptionsT()
    begin, end, step, kept = [], [], [], []
    for axis, n in enumerate(shape):
        first, last = draw(st.integers(0, n - 1)), draw(st.integers(0, n - 1))
        stride = draw(small(1, 3)) * (1 if first <= last else -1)
        past = last + (1 if stride > 0 else -1)
        begin.append(first - draw(st.sampled_from([0, n])))
        # A bound past the far end is cut to it; -1 would mean the last index.
        end.append(-n - 1 if past < 0 else past + draw(st.sampled_from([0, 7 if past == n else 0])))
        step.append(stride)
        kind = draw(st.sampled_from(["plain", "plain", "begin", "end", "shrink"]))
        if kind == "shrink" and stride > 0:
            options.shrinkAxisMask |= 1 << axis
            continue
        if kind == "begin":
            options.beginMask |= 1 << axis
            first = 0 if stride > 0 else n - 1
        if kind == "end":
            options.endMask |= 1 << axis
            last = n - 1 if stride > 0 else 0
        kept.append(len(range(first, last + (1 if stride > 0 else -1), stride)))
    scale, zero_point = draw(scales), draw(zero_points)
    x = b.input(shape, scale, zero_point)
    bounds = [b.numbers(v) for v in (begin, end, step)]
    b.op("STRIDED_SLICE", [x, *bounds], b.tensor(tuple(kept), scale, zero_point), options)


def slice_(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 5))
    begin = [draw(st.integers(0, n - 1)) for n in shape]
    sizes = [draw(st.integers(1, n - first)) for n, first in zip(shape, begin, strict=True)]
    to_end = [draw(st.booleans()) and n == m + k
              for n, m, k in zip(shape, begin, sizes, strict=True)]  # fmt: skip
    given = [-1 if open_ else n for n, open_ in zip(sizes, to_end, strict=True)]
    scale, zero_point = draw(scales), draw(zero_points)
    x = b.input(shape, scale, zero_point)
    out = b.tensor(tuple(sizes), scale, zero_point)
    b.op("SLICE", [x, b.numbers(begin), b.numbers(given)], out)


def concatenation(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    axis = draw(st.integers(0, len(shape) - 1))
    scale, zero_point = draw(scales), draw(zero_points)
    lengths = draw(st.lists(small(1, 5), min_size=1, max_size=4))
    parts = [(*shape[:axis], n, *shape[axis + 1 :]) for n in lengths]
    inputs = [b.input(part, scale, zero_point) for part in parts]
    out = b.tensor((*shape[:axis], sum(lengths), *shape[axis + 1 :]), scale, zero_point)
    options = schema.ConcatenationOptionsT()
    options.axis = axis - draw(st.sampled_from([0, len(shape)]))
    b.op("CONCATENATION", inputs, out, options)


def pack(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 3))
    axis = draw(st.integers(0, len(shape)))
    scale, zero_point = draw(scales), draw(zero_points)
    inputs = [b.input(shape, scale, zero_point) for _ in range(draw(small(1, 4)))]
    out = b.tensor((*shape[:axis], len(inputs), *shape[axis:]), scale, zero_point)
    options = schema.PackOptionsT()
    options.axis = axis - draw(st.sampled_from([0, len(shape) + 1]))
    options.valuesCount = len(inputs)
    b.op("PACK", inputs, out, options)


def unpack(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(2, 4))
    axis = draw(st.integers(0, len(shape) - 1))
    scale, zero_point = draw(scales), draw(zero_points)
    x = b.input(shape, scale, zero_point)
    left = (*shape[:axis], *shape[axis + 1 :])
    options = schema.UnpackOptionsT()
    options.axis = axis - draw(st.sampled_from([0, len(shape)]))
    options.num = shape[axis]
    b.op("UNPACK", [x], [b.tensor(left, scale, zero_point) for _ in range(shape[axis])], options)


def split(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    axis, parts = draw(st.integers(0, len(shape) - 1)), draw(small(1, 4))
    scale, zero_point = draw(scales), draw(zero_points)
    x = b.input((*shape[:axis], shape[axis] * parts, *shape[axis + 1 :]), scale, zero_point)
    given = b.numbers([axis - draw(st.sampled_from([0, len(shape)]))])
    options = schema.SplitOptionsT()
    options.numSplits = parts
    outs = [b.tensor(shape, scale, zero_point) for _ in range(parts)]
    b.op("SPLIT", [given, x], outs, options)


def split_v(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    axis = draw(st.integers(0, len(shape) - 1))
    lengths = draw(st.lists(small(1, 5), min_size=1, max_size=4))
    scale, zero_point = draw(scales), draw(zero_points)
    parts = [(*shape[:axis], n, *shape[axis + 1 :]) for n in lengths]
    x = b.input((*shape[:axis], sum(lengths), *shape[axis + 1 :]), scale, zero_point)
    given = b.numbers([axis - draw(st.sampled_from([0, len(shape)]))])
    options = schema.SplitVOptionsT()
    options.numSplits = len(parts)
    outs = [b.tensor(part, scale, zero_point) for part in parts]
    b.op("SPLIT_V", [x, b.numbers(lengths), given], outs, options)


def pad(name: str) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        shape = draw(shapes(1, 4))
        scale, zero_point = draw(scales), draw(zero_points)
        margins = [draw(small(0, 3)) for _ in range(2 * len(shape))]
        x = b.input(shape, scale, zero_point)
        table = np.array(margins, np.int32).reshape(-1, 2)
        inputs = [x, b.tensor(table.shape, dtype="int32", data=table)]
        if name == "PADV2":
            value = np.array([draw(st.integers(-128, 127))], np.int8)
            inputs.append(b.tensor((1,), scale, zero_point, data=value))
        padded = tuple(n + int(row.sum()) for n, row in zip(shape, table, strict=True))
        b.op(name, inputs, b.tensor(padded, scale, zero_point))

    return add


def gather(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    axis = draw(st.integers(0, len(shape) - 1))
    batch_dims = draw(st.integers(0, axis))
    places = draw(st.lists(small(1, 4), max_size=2).map(tuple))
    scale, zero_point = draw(scales), draw(zero_points)
    position_shape = (*shape[:batch_dims], *places)
    rng = np.random.default_rng(draw(seeds))
    positions = np.asarray(rng.integers(0, shape[axis], position_shape), np.int32)
    x = b.input(shape, scale, zero_point)
    given = b.tensor(position_shape, dtype="int32", data=positions)
    out = b.tensor((*shape[:axis], *places, *shape[axis + 1 :]), scale, zero_point)
    options = schema.GatherOptionsT()
    options.axis = axis - draw(st.sampled_from([0, len(shape)]))
    options.batchDims = batch_dims
    b.op("GATHER", [x, given], out, options)


CASES: dict[str, AddOp] = {
    "CONCATENATION": concatenation,
    "EXPAND_DIMS": expand_dims,
    "GATHER": gather,
    "PACK": pack,
    "PAD": pad("PAD"),
    "PADV2": pad("PADV2"),
    "RESHAPE": reshape,
    "SLICE": slice_,
    "SPLIT": split,
    "SPLIT_V": split_v,
    "SQUEEZE": squeeze,
    "STRIDED_SLICE": strided_slice,
    "TRANSPOSE": transpose,
    "UNPACK": unpack,
}
