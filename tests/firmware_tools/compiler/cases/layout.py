"""Ops that only move values, on each of the types that the op table lists for them."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from midfuse.core.ops import OPS
from tests.firmware_tools.compiler.cases.strategies import (
    AddOp,
    Draw,
    scales,
    seeds,
    shapes,
    small,
    zero_point_of,
)
from tests.support.tflite_builder import TFLiteBuilder, schema


@dataclass(frozen=True)
class Kind:
    """The type and quantisation that all tensors of an op share."""

    dtype: str
    scale: float | None
    zero_point: int

    def input(self, b: TFLiteBuilder, shape: tuple[int, ...]) -> int:
        return b.input(shape, self.scale, self.zero_point, dtype=self.dtype)

    def tensor(self, b: TFLiteBuilder, shape: tuple[int, ...]) -> int:
        return b.tensor(shape, self.scale, self.zero_point, dtype=self.dtype)

    def constant(self, b: TFLiteBuilder, draw: Draw, shape: tuple[int, ...]) -> int:
        values = np.random.default_rng(draw(seeds)).integers(-128, 128, shape).astype(self.dtype)
        return b.tensor(shape, self.scale, self.zero_point, dtype=self.dtype, data=values)

    def source(self, b: TFLiteBuilder, draw: Draw, shape: tuple[int, ...]) -> int:
        """A constant now and then, else an input."""
        return self.constant(b, draw, shape) if draw(few) else self.input(b, shape)


few = st.integers(0, 7).map(lambda n: n == 0)


def kind(draw: Draw, name: str) -> Kind:
    """Any type of the op's; int8 as often as all others together."""
    types = [str(entry) for entry in OPS[name].types]
    dtype = draw(st.sampled_from([*types, *["int8"] * (len(types) - 2)]))
    if dtype in ("int8", "int16"):
        return Kind(dtype, draw(scales), zero_point_of(draw, dtype))
    return Kind(dtype, None, 0)


def reshape(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    k = kind(draw, "RESHAPE")
    flat = (int(np.prod(shape)),)
    x = k.source(b, draw, shape)
    b.op("RESHAPE", [x, b.numbers(list(flat))], k.tensor(b, flat))


def squeeze(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    k = kind(draw, "SQUEEZE")
    ones = [axis for axis, n in enumerate(shape) if n == 1]
    options = schema.SqueezeOptionsT()
    options.squeezeDims = draw(st.lists(st.sampled_from(ones), unique=True)) if ones else []
    dropped = options.squeezeDims or ones
    kept = tuple(n for i, n in enumerate(shape) if i not in dropped)
    x = k.source(b, draw, shape)
    b.op("SQUEEZE", [x], k.tensor(b, kept), options)


def expand_dims(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 3))
    k = kind(draw, "EXPAND_DIMS")
    axis = draw(st.integers(0, len(shape)))
    x = k.source(b, draw, shape)
    out = k.tensor(b, (*shape[:axis], 1, *shape[axis:]))
    given = axis - draw(st.sampled_from([0, len(shape) + 1]))
    b.op("EXPAND_DIMS", [x, b.numbers([given])], out)


def transpose(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 5))
    order = draw(st.permutations(range(len(shape))))
    k = kind(draw, "TRANSPOSE")
    x = k.source(b, draw, shape)
    out = k.tensor(b, tuple(shape[axis] for axis in order))
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
        masked = draw(st.sampled_from(["plain", "plain", "begin", "end", "shrink"]))
        if masked == "shrink" and stride > 0:
            options.shrinkAxisMask |= 1 << axis
            continue
        if masked == "begin":
            options.beginMask |= 1 << axis
            first = 0 if stride > 0 else n - 1
        if masked == "end":
            options.endMask |= 1 << axis
            last = n - 1 if stride > 0 else 0
        kept.append(len(range(first, last + (1 if stride > 0 else -1), stride)))
    k = kind(draw, "STRIDED_SLICE")
    x = k.source(b, draw, shape)
    bounds = [b.numbers(v) for v in (begin, end, step)]
    b.op("STRIDED_SLICE", [x, *bounds], k.tensor(b, tuple(kept)), options)


def slice_(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 5))
    begin = [draw(st.integers(0, n - 1)) for n in shape]
    sizes = [draw(st.integers(1, n - first)) for n, first in zip(shape, begin, strict=True)]
    to_end = [draw(st.booleans()) and n == m + k
              for n, m, k in zip(shape, begin, sizes, strict=True)]  # fmt: skip
    given = [-1 if open_ else n for n, open_ in zip(sizes, to_end, strict=True)]
    k = kind(draw, "SLICE")
    x = k.source(b, draw, shape)
    out = k.tensor(b, tuple(sizes))
    b.op("SLICE", [x, b.numbers(begin), b.numbers(given)], out)


def concatenation(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    axis = draw(st.integers(0, len(shape) - 1))
    k = kind(draw, "CONCATENATION")
    lengths = draw(st.lists(small(1, 5), min_size=1, max_size=4))
    parts = [(*shape[:axis], n, *shape[axis + 1 :]) for n in lengths]
    inputs = [k.source(b, draw, part) for part in parts]
    out = k.tensor(b, (*shape[:axis], sum(lengths), *shape[axis + 1 :]))
    options = schema.ConcatenationOptionsT()
    options.axis = axis - draw(st.sampled_from([0, len(shape)]))
    b.op("CONCATENATION", inputs, out, options)


def pack(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 3))
    axis = draw(st.integers(0, len(shape)))
    k = kind(draw, "PACK")
    inputs = [k.source(b, draw, shape) for _ in range(draw(small(1, 4)))]
    out = k.tensor(b, (*shape[:axis], len(inputs), *shape[axis:]))
    options = schema.PackOptionsT()
    options.axis = axis - draw(st.sampled_from([0, len(shape) + 1]))
    options.valuesCount = len(inputs)
    b.op("PACK", inputs, out, options)


def unpack(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(2, 4))
    axis = draw(st.integers(0, len(shape) - 1))
    k = kind(draw, "UNPACK")
    x = k.source(b, draw, shape)
    left = (*shape[:axis], *shape[axis + 1 :])
    options = schema.UnpackOptionsT()
    options.axis = axis - draw(st.sampled_from([0, len(shape)]))
    options.num = shape[axis]
    b.op("UNPACK", [x], [k.tensor(b, left) for _ in range(shape[axis])], options)


def split(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    axis, parts = draw(st.integers(0, len(shape) - 1)), draw(small(1, 4))
    k = kind(draw, "SPLIT")
    x = k.source(b, draw, (*shape[:axis], shape[axis] * parts, *shape[axis + 1 :]))
    given = b.numbers([axis - draw(st.sampled_from([0, len(shape)]))])
    options = schema.SplitOptionsT()
    options.numSplits = parts
    outs = [k.tensor(b, shape) for _ in range(parts)]
    b.op("SPLIT", [given, x], outs, options)


def split_v(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    axis = draw(st.integers(0, len(shape) - 1))
    lengths = draw(st.lists(small(1, 5), min_size=1, max_size=4))
    k = kind(draw, "SPLIT_V")
    parts = [(*shape[:axis], n, *shape[axis + 1 :]) for n in lengths]
    x = k.source(b, draw, (*shape[:axis], sum(lengths), *shape[axis + 1 :]))
    given = b.numbers([axis - draw(st.sampled_from([0, len(shape)]))])
    options = schema.SplitVOptionsT()
    options.numSplits = len(parts)
    outs = [k.tensor(b, part) for part in parts]
    b.op("SPLIT_V", [x, b.numbers(lengths), given], outs, options)


def pad(name: str) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        shape = draw(shapes(1, 5))
        k = kind(draw, name)
        margins = [draw(small(0, 3)) for _ in range(2 * len(shape))]
        x = k.source(b, draw, shape)
        table = np.array(margins, np.int32).reshape(-1, 2)
        inputs = [x, b.tensor(table.shape, dtype="int32", data=table)]
        if name == "PADV2":
            inputs.append(k.constant(b, draw, (1,)))
        padded = tuple(n + int(row.sum()) for n, row in zip(shape, table, strict=True))
        b.op(name, inputs, k.tensor(b, padded))

    return add


def positions(b: TFLiteBuilder, draw: Draw, shape: tuple[int, ...], length: int) -> int:
    """Positions along an axis of that length: constants, or what an ARG_MAX finds at run time."""
    if draw(st.booleans()):
        values = np.random.default_rng(draw(seeds)).integers(0, length, shape)
        return b.tensor(shape, dtype="int32", data=np.asarray(values, np.int32))
    found = b.tensor(shape, dtype="int32")
    options = schema.ArgMaxOptionsT()
    options.outputType = schema.TensorType.INT32
    axis = b.numbers([len(shape)])
    b.op("ARG_MAX", [b.input((*shape, length), 0.5, 0), axis], found, options)
    return found


def gather(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    axis = draw(st.integers(0, len(shape) - 1))
    batch_dims = draw(st.integers(0, axis))
    places = draw(st.lists(small(1, 4), max_size=2).map(tuple))
    k = kind(draw, "GATHER")
    position_shape = (*shape[:batch_dims], *places)
    x = k.source(b, draw, shape)
    given = positions(b, draw, position_shape, shape[axis])
    out = k.tensor(b, (*shape[:axis], *places, *shape[axis + 1 :]))
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
