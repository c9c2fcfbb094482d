"""Random models of ops that follow each other, to try graph passes and memory plans on.

Every op takes tensors that are there already, most often the newest, so that chains, fans and
joins come about; scales follow the values, so that few results saturate.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from midfuse.core.tflite_file import TFLiteModel, parse_tflite
from tests.firmware_tools.compiler.cases.strategies import Draw, activations, int8, seeds
from tests.support.tflite_builder import TFLiteBuilder, schema

MAX_ELEMENTS = 600
MAX_RANK = 4


class Value(NamedTuple):
    """An int8 tensor of the model that is being made."""

    tensor: int
    shape: tuple[int, ...]
    scale: float
    zero_point: int

    @property
    def quantization(self) -> tuple[float, int]:
        return self.scale, self.zero_point


class RandomGraph:
    """Adds ops; each method is one, and adds none where it finds nothing to work on."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.b = TFLiteBuilder()
        self.values: list[Value] = []

    def model(self, ops: int) -> TFLiteModel:
        """So many ops of any kind, on one or two inputs."""
        for _ in range(self.draw(st.integers(1, 2))):
            self.input(tuple(self.draw(st.lists(st.integers(1, 6), min_size=2, max_size=4))))
        for _ in range(ops):
            self.draw(st.sampled_from(OPS))(self)
        return self.finished()

    def attention_model(self) -> TFLiteModel:
        """One attention of several rows, whose scores are the largest tensor; heads are split off
        by a TRANSPOSE or are there already."""
        heads, rows, depth = (self.draw(st.integers(low, 12)) for low in (1, 6, 1))
        if self.draw(st.booleans()):
            self.input((rows, heads, depth))
            self.transpose_by([1, 0, 2])
        else:
            self.input((heads, rows, depth))
        self.attention()
        if self.draw(st.booleans()):
            self.transpose_by([1, 0, 2])
        return self.finished()

    def input(self, shape: tuple[int, ...]) -> None:
        scale, zero_point = self.scale(0.05), self.zero_point()
        index = self.b.input(shape, scale, zero_point)
        self.values.append(Value(index, shape, scale, zero_point))

    def finished(self) -> TFLiteModel:
        """Its outputs are what no op reads, and some of what is read."""
        read = {index for op in self.b.ops for index in op.inputs}
        made = [index for op in self.b.ops for index in op.outputs]
        kept = [index for index in made if index not in read or self.draw(st.integers(0, 7)) == 0]
        self.b.outputs = kept or [self.values[0].tensor]
        return parse_tflite(self.b.content(), Path("graph.tflite"))

    def take(self, fits: Callable[[Value], bool] = lambda value: True) -> Value | None:
        """A tensor that fits, the newest in two draws of three."""
        found = [value for value in self.values if fits(value)]
        if not found:
            return None
        return found[-1] if self.draw(st.integers(0, 2)) else self.draw(st.sampled_from(found))

    def scale(self, near: float) -> float:
        """A scale around this one, within what every op takes."""
        factor = self.draw(st.sampled_from([1.0, 1.0, 0.5, 2.0, 0.7, 1.3]))
        return float(np.float32(min(1.0, max(2.0**-12, near * factor))))

    def zero_point(self) -> int:
        return int(self.draw(st.sampled_from([-128, 0, 127, -5, 40])))

    def make(
        self,
        name: str,
        inputs: list[int],
        shape: tuple[int, ...],
        quantization: tuple[float, int],
        options: Any = None,
    ) -> None:
        index = self.b.tensor(shape, *quantization)
        self.b.op(name, inputs, index, options)
        self.values.append(Value(index, shape, *quantization))

    def rescaled(self, near: float) -> tuple[float, int]:
        return self.scale(near), self.zero_point()

    # One value in, one of its shape out.

    def unary(self) -> None:
        x = self.take()
        name = self.draw(st.sampled_from(["RELU", "RELU6", "LEAKY_RELU", "ABS", "QUANTIZE",
                                          "LOGISTIC", "TANH", "HARD_SWISH"]))  # fmt: skip
        if x is None:
            return
        options, quantization = None, self.rescaled(x.scale)
        if name == "LEAKY_RELU":
            options = schema.LeakyReluOptionsT()
            options.alpha = self.draw(st.sampled_from([0.1, 0.3, -0.5]))
        elif name == "RELU6":
            quantization = x.quantization
        elif name in _FIXED:
            quantization = _FIXED[name]
        elif name == "HARD_SWISH":
            quantization = (x.scale, self.zero_point())
        self.make(name, [x.tensor], x.shape, quantization, options)

    def softmax(self) -> None:
        if x := self.take():
            options = schema.SoftmaxOptionsT()
            options.beta = 1.0
            self.make("SOFTMAX", [x.tensor], x.shape, (1 / 256, -128), options)

    # Two values in.

    def binary(self) -> None:
        x = self.take()
        if x is None:
            return
        name = self.draw(st.sampled_from(["ADD", "ADD", "SUB", "MUL", "SQUARED_DIFFERENCE",
                                          "MAXIMUM", "MINIMUM", "PRELU"]))  # fmt: skip
        same = name in ("MAXIMUM", "MINIMUM")
        y = self.partner(x, same_scale=same)
        near = max(x.scale, y.scale)
        if name in ("MUL", "SQUARED_DIFFERENCE"):
            near = 60 * near * y.scale
        shape = np.broadcast_shapes(x.shape, y.shape)
        quantization = x.quantization if same else self.rescaled(near)
        inputs = [x.tensor, y.tensor]
        if name != "PRELU" and self.draw(st.booleans()):
            inputs.reverse()
        options = _BINARY_OPTIONS.get(name, lambda: None)()
        if hasattr(options, "fusedActivationFunction"):
            options.fusedActivationFunction = self.draw(activations)
        self.make(name, inputs, shape, quantization, options)

    def partner(self, x: Value, *, same_scale: bool) -> Value:
        """A tensor that broadcasts onto x's shape, or a constant that does."""

        def fits(y: Value) -> bool:
            padded = (1,) * (len(x.shape) - len(y.shape)) + y.shape
            return (
                len(padded) == len(x.shape)
                and all(n in (1, m) for n, m in zip(padded, x.shape, strict=True))
                and (not same_scale or y.quantization == x.quantization)
            )

        if self.draw(st.integers(0, 2)) and (y := self.take(fits)):
            return y
        shape = tuple(1 if self.draw(st.booleans()) else n for n in x.shape)
        quantization = x.quantization if same_scale else self.rescaled(x.scale)
        data = int8(self.draw(seeds), shape, low=-128)
        return Value(self.b.tensor(shape, *quantization, data=data), shape, *quantization)

    def batch_matmul(self) -> None:
        x = self.take(lambda value: len(value.shape) >= 2)
        y = x and self.take(
            lambda value: value.shape[:-2] == x.shape[:-2] and value.shape[-1:] == x.shape[-1:]
            and len(value.shape) >= 2
        )  # fmt: skip
        if x is None or y is None:
            return
        self.product(x, y, (*x.shape[:-1], y.shape[-2]), adjoint=True)

    def attention(self) -> None:
        """Scores, perhaps scaled or masked, softmax, weighted sum, perhaps the input added; the
        three that are multiplied may be the same tensor."""
        x = self.take(lambda value: len(value.shape) >= 2 and value.shape[-2] <= 12)
        if x is None:
            return
        q, k, v = (self.projected(x) if self.draw(st.booleans()) else x for _ in range(3))
        if q.shape != k.shape:
            q = k
        rows = x.shape[-2]
        self.product(q, k, (*x.shape[:-1], rows), adjoint=True)
        scores = self.values[-1]
        if self.draw(st.booleans()):
            mask = self.partner(scores, same_scale=False)
            name = self.draw(st.sampled_from(["ADD", "MUL"]))
            near = scores.scale if name == "ADD" else 60 * scores.scale * mask.scale
            self.make(name, [scores.tensor, mask.tensor], scores.shape, self.rescaled(near),
                      _BINARY_OPTIONS[name]())  # fmt: skip
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
        self.make("SOFTMAX", [self.values[-1].tensor], scores.shape, (1 / 256, -128), options)
        self.product(self.values[-1], v, (*x.shape[:-1], v.shape[-1]), adjoint=False)
        out = self.values[-1]
        if out.shape == x.shape and self.draw(st.booleans()):
            self.make("ADD", [out.tensor, x.tensor], x.shape, self.rescaled(x.scale),
                      schema.AddOptionsT())  # fmt: skip

    def product(self, x: Value, y: Value, shape: tuple[int, ...], *, adjoint: bool) -> None:
        options = schema.BatchMatMulOptionsT()
        options.adjX, options.adjY = False, adjoint
        near = x.scale * y.scale * 70 * math.sqrt(x.shape[-1])
        self.make("BATCH_MATMUL", [x.tensor, y.tensor], shape, self.rescaled(near), options)

    # Layers with weights.

    def fully_connected(self) -> None:
        if x := self.take():
            self.projected(x)

    def projected(self, x: Value) -> Value:
        channels = self.draw(st.integers(1, 9))
        options = schema.FullyConnectedOptionsT()
        options.keepNumDims = True
        self.layer(
            "FULLY_CONNECTED", x, (channels, x.shape[-1]), (*x.shape[:-1], channels), options
        )
        return self.values[-1]

    def conv_2d(self) -> None:
        if x := self.take(lambda value: len(value.shape) == 4):
            channels, size = self.draw(st.integers(1, 6)), self.draw(st.sampled_from([1, 3]))
            options = schema.Conv2DOptionsT()
            shape = self.window(options, x.shape)
            options.dilationHFactor = options.dilationWFactor = self.draw(st.sampled_from([1, 2]))
            self.layer("CONV_2D", x, (channels, size, size, x.shape[3]), (*shape, channels),
                       options)  # fmt: skip

    def depthwise_conv_2d(self) -> None:
        if x := self.take(lambda value: len(value.shape) == 4):
            options = schema.DepthwiseConv2DOptionsT()
            shape = self.window(options, x.shape)
            options.depthMultiplier = self.draw(st.sampled_from([1, 1, 2]))
            options.dilationHFactor = options.dilationWFactor = 1
            channels = x.shape[3] * options.depthMultiplier
            self.layer("DEPTHWISE_CONV_2D", x, (1, 3, 3, channels), (*shape, channels), options)

    def window(self, options: Any, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Strides of a window with SAME padding; batch, height and width of what it gives."""
        options.padding = schema.Padding.SAME
        options.strideH, options.strideW = (self.draw(st.integers(1, 2)) for _ in range(2))
        return shape[0], -(-shape[1] // options.strideH), -(-shape[2] // options.strideW)

    def layer(
        self, name: str, x: Value, weights: tuple[int, ...], shape: tuple[int, ...], options: Any
    ) -> None:
        options.fusedActivationFunction = self.draw(activations)
        axis = 3 if name == "DEPTHWISE_CONV_2D" else 0
        channels, w_scale = weights[axis], float(np.float32(0.01))
        depth = math.prod(weights) // channels
        w = self.b.tensor(weights, w_scale, data=int8(self.draw(seeds), weights), axis=axis)
        values = np.random.default_rng(self.draw(seeds)).integers(-2000, 2000, channels)
        scale = float(np.float32(x.scale) * np.float32(w_scale))
        bias = self.b.tensor((channels,), scale, dtype="int32", data=values.astype(np.int32))
        near = x.scale * w_scale * 70 * math.sqrt(depth)
        self.make(name, [x.tensor, w, bias], shape, self.rescaled(near), options)

    def pool(self) -> None:
        if x := self.take(lambda value: len(value.shape) == 4):
            options = schema.Pool2DOptionsT()
            shape = self.window(options, x.shape)
            options.filterHeight, options.filterWidth = 2, 2
            options.fusedActivationFunction = self.draw(activations)
            name = self.draw(st.sampled_from(["MAX_POOL_2D", "AVERAGE_POOL_2D"]))
            self.make(name, [x.tensor], (*shape, x.shape[3]), x.quantization, options)

    def reduction(self) -> None:
        if x := self.take():
            axis = self.draw(st.integers(0, len(x.shape) - 1))
            options = schema.ReducerOptionsT()
            options.keepDims = len(x.shape) == 1 or self.draw(st.booleans())
            one = (1,) if options.keepDims else ()
            shape = (*x.shape[:axis], *one, *x.shape[axis + 1 :])
            name = self.draw(st.sampled_from(["MEAN", "SUM", "REDUCE_MAX"]))
            same = name == "REDUCE_MAX" or self.draw(st.booleans())
            quantization = x.quantization if same else self.rescaled(x.scale)
            self.make(name, [x.tensor, self.b.numbers([axis])], shape, quantization, options)

    # Ops that only move values.

    def reshape(self) -> None:
        if x := self.take():
            count = math.prod(x.shape)
            first = self.draw(st.sampled_from([n for n in range(1, count + 1) if count % n == 0]))
            shape = self.draw(st.sampled_from([(count,), (first, count // first),
                                               (1, first, 1, count // first)]))  # fmt: skip
            self.make("RESHAPE", [x.tensor, self.b.numbers(list(shape))], shape, x.quantization)

    def transpose(self) -> None:
        if x := self.take():
            self.values.append(x)
            self.transpose_by(list(self.draw(st.permutations(range(len(x.shape))))))

    def transpose_by(self, order: list[int]) -> None:
        """The newest tensor turned."""
        x = self.values[-1]
        shape = tuple(x.shape[axis] for axis in order)
        self.make("TRANSPOSE", [x.tensor, self.b.numbers(order)], shape, x.quantization)

    def slice_(self) -> None:
        if x := self.take():
            begin = [self.draw(st.integers(0, n - 1)) for n in x.shape]
            sizes = [self.draw(st.integers(1, n - m)) for n, m in zip(x.shape, begin, strict=True)]
            inputs = [x.tensor, self.b.numbers(begin), self.b.numbers(sizes)]
            self.make("SLICE", inputs, tuple(sizes), x.quantization)

    def strided_slice(self) -> None:
        if x := self.take():
            steps = [self.draw(st.integers(1, 2)) for _ in x.shape]
            bounds = [[0] * len(steps), list(x.shape), steps]
            shape = tuple(-(-n // step) for n, step in zip(x.shape, steps, strict=True))
            inputs = [x.tensor, *map(self.b.numbers, bounds)]
            self.make("STRIDED_SLICE", inputs, shape, x.quantization,
                      schema.StridedSliceOptionsT())  # fmt: skip

    def concatenation(self) -> None:
        x = self.take()
        if x is None or math.prod(x.shape) * 3 > MAX_ELEMENTS:
            return
        axis = self.draw(st.integers(0, len(x.shape) - 1))

        def without(shape: tuple[int, ...]) -> tuple[int, ...]:
            return (*shape[:axis], *shape[axis + 1 :])

        parts = [x]
        for _ in range(self.draw(st.integers(0, 2))):
            found = self.take(lambda y: y.quantization == x.quantization
                              and len(y.shape) == len(x.shape)
                              and without(y.shape) == without(x.shape))  # fmt: skip
            parts.append(found or x)
        shape = (*x.shape[:axis], sum(p.shape[axis] for p in parts), *x.shape[axis + 1 :])
        options = schema.ConcatenationOptionsT()
        options.axis = axis
        order = self.draw(st.permutations(parts))
        self.make("CONCATENATION", [p.tensor for p in order], shape, x.quantization, options)

    def split(self) -> None:
        x = self.take(lambda value: any(n > 1 for n in value.shape))
        if x is None:
            return
        axis = self.draw(st.sampled_from([i for i, n in enumerate(x.shape) if n > 1]))
        parts = self.draw(st.sampled_from([n for n in range(2, x.shape[axis] + 1)
                                           if x.shape[axis] % n == 0]))  # fmt: skip
        shape = (*x.shape[:axis], x.shape[axis] // parts, *x.shape[axis + 1 :])
        outs = [self.b.tensor(shape, *x.quantization) for _ in range(parts)]
        options = schema.SplitOptionsT()
        options.numSplits = parts
        self.b.op("SPLIT", [self.b.numbers([axis]), x.tensor], outs, options)
        self.values += [Value(index, shape, *x.quantization) for index in outs]

    def pack(self) -> None:
        x = self.take(lambda value: len(value.shape) < MAX_RANK
                      and math.prod(value.shape) * 2 <= MAX_ELEMENTS)  # fmt: skip
        if x is None:
            return
        y = self.take(lambda y: y.shape == x.shape and y.quantization == x.quantization) or x
        options = schema.PackOptionsT()
        options.axis, options.valuesCount = self.draw(st.integers(0, len(x.shape))), 2
        shape = (*x.shape[: options.axis], 2, *x.shape[options.axis :])
        self.make("PACK", [x.tensor, y.tensor], shape, x.quantization, options)

    def pad(self) -> None:
        x = self.take(lambda value: math.prod(n + 2 for n in value.shape) <= MAX_ELEMENTS)
        if x is None:
            return
        margins = np.array([[self.draw(st.integers(0, 1)) for _ in range(2)] for _ in x.shape])
        table = self.b.tensor(margins.shape, dtype="int32", data=margins.astype(np.int32))
        shape = tuple(n + int(row.sum()) for n, row in zip(x.shape, margins, strict=True))
        self.make("PAD", [x.tensor, table], shape, x.quantization)

    def gather(self) -> None:
        if x := self.take():
            axis = self.draw(st.integers(0, len(x.shape) - 1))
            places = self.draw(st.lists(st.integers(0, x.shape[axis] - 1), min_size=1, max_size=4))
            options = schema.GatherOptionsT()
            options.axis, options.batchDims = axis, 0
            shape = (*x.shape[:axis], len(places), *x.shape[axis + 1 :])
            if math.prod(shape) <= MAX_ELEMENTS:
                self.make("GATHER", [x.tensor, self.b.numbers(places)], shape, x.quantization,
                          options)  # fmt: skip


_FIXED = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
_BINARY_OPTIONS = {
    "ADD": schema.AddOptionsT,
    "SUB": schema.SubOptionsT,
    "MUL": schema.MulOptionsT,
    "MAXIMUM": schema.MaximumMinimumOptionsT,
    "MINIMUM": schema.MaximumMinimumOptionsT,
}
# Named often: what passes work on.
OPS: list[Callable[[RandomGraph], None]] = [
    *4 * [RandomGraph.unary],
    *3 * [RandomGraph.binary],
    *2 * [RandomGraph.reshape, RandomGraph.transpose, RandomGraph.slice_, RandomGraph.split],
    *2 * [RandomGraph.concatenation, RandomGraph.fully_connected, RandomGraph.conv_2d],
    *2 * [RandomGraph.attention],
    RandomGraph.batch_matmul,
    RandomGraph.depthwise_conv_2d,
    RandomGraph.gather,
    RandomGraph.pack,
    RandomGraph.pad,
    RandomGraph.pool,
    RandomGraph.reduction,
    RandomGraph.softmax,
    RandomGraph.strided_slice,
]
