"""Each fix by itself: what it changes, and that it changes nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.checks.per_op import quantise_inputs
from converter.fixes.bias import correct_biases
from converter.fixes.equalise import equalise
from converter.fixes.judge import Judge
from converter.fixes.ranges import Histogram, clipped_ranges, least_squares, percentile
from converter.fixes.wide import rounding_costs
from converter.lowering.float_model import FloatModel, activations
from converter.quantising.quantise import quantise_model
from converter.quantising.ranges import minmax_ranges
from converter.reading.windows import FloatArray, Windows
from midfuse.core.numeric import dequantise, quantise
from midfuse.core.oracle import run_windows
from midfuse.core.tflite_file import TFLiteModel, parse_tflite
from tests.support.tflite_builder import TFLiteBuilder, schema

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")

Weights = npt.NDArray[np.float64]

_PATH = Path("float.tflite")
_RELU = schema.ActivationFunctionType.RELU


class FloatBuilder(TFLiteBuilder):
    """Adds float ops on (1, 1, steps, channels); each returns its output."""

    def constant_of(self, values: npt.NDArray[Any]) -> int:
        return self.tensor(values.shape, dtype="float32", data=values.astype(np.float32))

    def _out(self, shape: tuple[int, ...]) -> int:
        return self.tensor(shape, dtype="float32")

    def shape(self, index: int) -> tuple[int, ...]:
        return tuple(self.tensors[index].shape)

    def fully_connected(
        self, x: int, weights: Weights, bias: Weights | None, relu: bool = False
    ) -> int:
        options = schema.FullyConnectedOptionsT()
        options.keepNumDims = True
        options.fusedActivationFunction = _RELU if relu else 0
        inputs = [x, self.constant_of(weights)]
        inputs += [] if bias is None else [self.constant_of(bias)]
        out = self._out((*self.shape(x)[:-1], len(weights)))
        self.op("FULLY_CONNECTED", inputs, out, options)
        return out

    def convolution(self, x: int, weights: Weights, bias: Weights, relu: bool) -> int:
        """Weights (out, 1, taps, in); (1, 1, taps, channels) make it depthwise."""
        deep = weights.shape[0] > 1
        options = schema.Conv2DOptionsT() if deep else schema.DepthwiseConv2DOptionsT()
        options.strideW = options.strideH = options.dilationWFactor = options.dilationHFactor = 1
        options.fusedActivationFunction = _RELU if relu else 0
        if not deep:
            options.depthMultiplier = 1
        out = self._out((*self.shape(x)[:-1], len(bias)))
        inputs = [x, self.constant_of(weights), self.constant_of(bias)]
        self.op("CONV_2D" if deep else "DEPTHWISE_CONV_2D", inputs, out, options)
        return out

    def binary(self, name: str, a: int, b: int) -> int:
        out = self._out(max(self.shape(a), self.shape(b), key=len))
        self.op(name, [a, b], out, getattr(schema, f"{name.capitalize()}OptionsT")())
        return out

    def unary(self, name: str, x: int) -> int:
        out = self._out(self.shape(x))
        self.op(name, [x], out)
        return out

    def mean_over_steps(self, x: int) -> int:
        out = self._out((1, self.shape(x)[-1]))
        self.op("MEAN", [x, self.numbers([1, 2])], out, schema.ReducerOptionsT())
        return out

    def model(self) -> TFLiteModel:
        return parse_tflite(self.content(), _PATH)


def _random_model(rng: np.random.Generator) -> TFLiteModel:
    """A chain of ops with residuals, the channels between them of very different sizes."""
    graph = FloatBuilder()
    x = graph.input((1, 1, 8, 4), None, 0, dtype="float32")
    for _ in range(int(rng.integers(2, 6))):
        channels = graph.shape(x)[-1]
        width = int(rng.choice([channels, 3, 8]))
        sizes = 10 ** -rng.uniform(0, 3, width)
        kind = rng.choice(["dense", "convolution", "depthwise", "residual", "gain"])
        if kind == "dense":
            weights = rng.standard_normal((width, channels)) * sizes[:, None]
            x = graph.fully_connected(x, weights, sizes, relu=bool(rng.integers(2)))
        elif kind == "convolution":
            weights = rng.standard_normal((width, 1, 3, channels)) * sizes[:, None, None, None]
            x = graph.convolution(x, weights, sizes, relu=bool(rng.integers(2)))
        elif kind == "depthwise":
            weights = rng.standard_normal((1, 1, 3, channels)) * 10 ** -rng.uniform(0, 3, channels)
            x = graph.convolution(x, weights, np.ones(channels), relu=bool(rng.integers(2)))
        elif kind == "residual":
            weights = rng.standard_normal((channels, channels))
            y = graph.fully_connected(x, weights, None, relu=True)
            x = graph.binary("ADD", x, y)
        else:
            x = graph.binary("MUL", x, graph.constant_of(10 ** -rng.uniform(0, 3, channels)))
            x = graph.binary("ADD", x, graph.constant_of(rng.standard_normal(channels)))
        if rng.integers(3) == 0:
            x = graph.unary("RELU", x)
    x = graph.mean_over_steps(x)
    graph.fully_connected(x, rng.standard_normal((5, graph.shape(x)[-1])), np.ones(5))
    return graph.model()


def _windows(count: int, rng: np.random.Generator, shape: tuple[int, ...]) -> Windows:
    return Windows([rng.standard_normal((count, *shape)).astype(np.float32)])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_equalisation_keeps_the_function_to_the_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model, windows = _random_model(rng), _windows(20, rng, (1, 1, 8, 4))
    before, after = FloatModel(model), FloatModel(equalise(model, windows))
    for at in range(len(windows)):
        (exact,), (found,) = before.run(windows.window(at)), after.run(windows.window(at))
        np.testing.assert_array_equal(exact, found)


def _uneven(rng: np.random.Generator) -> TFLiteModel:
    """Two linear ops, the 16 channels between them spread over three decades."""
    sizes = np.geomspace(1, 1e-3, 16)
    graph = FloatBuilder()
    x = graph.input((1, 1, 8, 4), None, 0, dtype="float32")
    first = rng.standard_normal((16, 4)) * sizes[:, None]
    hidden = graph.fully_connected(x, first, sizes, relu=True)
    second = rng.standard_normal((5, 16)) / sizes
    graph.fully_connected(graph.mean_over_steps(hidden), second, np.ones(5))
    return graph.model()


def test_equalisation_evens_channels_out_and_int8_gains_by_it() -> None:
    rng = np.random.default_rng(0)
    model, windows = _uneven(rng), _windows(200, rng, (1, 1, 8, 4))
    evened = equalise(model, windows)
    scores = []
    for each in (model, evened):
        float_model, peaks = FloatModel(each), np.zeros(16)
        for at in range(len(windows)):
            float_model.run(windows.window(at))
            hidden = float_model.tensor(each.ops[0].outputs[0])
            peaks = np.maximum(peaks, hidden.reshape(-1, 16).max(axis=0))
        scores.append((peaks.max() / peaks.min(), _sqnr_db(each, windows)))
    (spread, before), (spread_after, after) = scores
    assert spread > 500
    assert spread_after < 10
    assert after > before + 10


def _sqnr_db(model: TFLiteModel, windows: Windows, wide: tuple[str, ...] = ()) -> float:
    int8 = quantise_model(model, minmax_ranges(model, windows), _PATH, "model", wide)
    return Judge(model, windows).score(int8).sqnr_db


def test_what_cannot_be_resized_is_left_alone() -> None:
    """A channel that a sigmoid reads, or an output, has the size it has."""
    rng = np.random.default_rng(0)
    graph = FloatBuilder()
    x = graph.input((1, 1, 8, 4), None, 0, dtype="float32")
    x = graph.fully_connected(
        x, rng.standard_normal((6, 4)) * np.geomspace(1, 1e-3, 6)[:, None], None
    )
    x = graph.unary("LOGISTIC", x)
    graph.fully_connected(x, rng.standard_normal((5, 6)), None)
    model = graph.model()
    assert equalise(model, _windows(5, rng, (1, 1, 8, 4))) is model


def _error(values: FloatArray, low: float, high: float) -> float:
    """Mean squared error of int8 codes over a range."""
    scale = (high - low) / 255
    zero_point = round(-128 - low / scale)
    codes = quantise(values, scale, zero_point)
    return float(np.square(dequantise(codes, scale, zero_point) - values).mean())


def _histogram(values: FloatArray) -> Histogram:
    histogram = Histogram()
    for part in np.array_split(values, 7):
        histogram.add(part)
    return histogram


@pytest.mark.parametrize(
    ("draw", "gain"),
    [
        (lambda rng: rng.standard_t(3, 20_000), 1.01),
        (lambda rng: np.abs(rng.laplace(size=20_000)), 1.0),
        (lambda rng: rng.standard_normal(20_000), 1.02),
        (lambda rng: rng.uniform(-1, 3, 20_000), 0.99),
    ],
    ids=["heavy tails", "one-sided", "normal", "no tails"],
)
def test_least_squares_are_the_best_range_there_is(
    draw: Callable[[np.random.Generator], FloatArray], gain: float
) -> None:
    """Against smallest and largest value, and against a grid of all ranges inside these."""
    values = draw(np.random.default_rng(0)).astype(np.float32)
    low, high = min(float(values.min()), 0.0), float(values.max())
    found = _error(values, *least_squares(_histogram(values)))
    parts = np.linspace(0.3, 1, 15)
    grid = min(_error(values, low * a, high * b) for a in parts for b in parts)
    assert found < 1.05 * grid
    assert found * gain < _error(values, low, high)


@given(
    share=st.sampled_from([90.0, 99.0, 99.9]),
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
)
@settings(max_examples=20, deadline=None)
def test_percentiles_are_numpys_to_the_histograms_precision(
    share: float, seed: int, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    values = (scale * rng.standard_normal(20_000)).astype(np.float32)
    low, high = percentile(share)(_histogram(values))
    # No more than the tail lies beyond either end, and the tail does a hundredth further in.
    tail = 1 - share / 100
    for end, outward in ((low, -values), (high, values)):
        assert np.mean(outward > 1.01 * abs(end)) <= tail
        assert np.mean(outward >= 0.99 * abs(end)) >= tail


def test_a_clipped_input_no_longer_widens_the_tensors_after_it() -> None:
    """One glitch in 200 windows is 1 value of 6,400 at the input, but 1 of 200 behind the mean."""
    rng = np.random.default_rng(0)
    model, windows = _uneven(rng), _windows(200, rng, (1, 1, 8, 4))
    clean = minmax_ranges(model, windows)
    windows.inputs[0][17, 0, 0, 3, 2] = 1000
    spoilt = minmax_ranges(model, windows)
    clipped = clipped_ranges(model, windows, percentile(99.9))
    for index in activations(model):
        name = model.tensors[index].name
        assert spoilt[name][1] - spoilt[name][0] > 10 * (clean[name][1] - clean[name][0])
        assert clipped[name][1] - clipped[name][0] <= 1.1 * (clean[name][1] - clean[name][0])


def test_bias_correction_takes_off_the_mean_error() -> None:
    """Inputs far from 0 on average times weights of few codes: the means are off, until mended."""
    rng = np.random.default_rng(0)
    graph = FloatBuilder()
    x = graph.input((1, 1, 8, 16), None, 0, dtype="float32")
    weights = rng.standard_normal((6, 16))
    weights[:, 0] *= 40  # takes nearly all codes of its row
    hidden = graph.convolution(x, weights.reshape(6, 1, 1, 16), np.ones(6), relu=False)
    graph.fully_connected(hidden, rng.standard_normal((5, 6)), np.ones(5))
    model = graph.model()
    values = rng.uniform(0, 1, (300, 1, 1, 8, 16)).astype(np.float32)
    values[..., 0] *= 0.02
    windows = Windows([values])
    ranges = minmax_ranges(model, windows)
    plain = quantise_model(model, ranges, _PATH, "model")
    corrected = quantise_model(correct_biases(model, plain, windows), ranges, _PATH, "model")
    before, after = (_mean_error(model, int8, windows) for int8 in (plain, corrected))
    assert np.abs(after).max() < np.abs(before).max() / 4


def _mean_error(model: TFLiteModel, int8: TFLiteModel, windows: Windows) -> npt.NDArray[np.float64]:
    """A channel's mean of int8 under TFLM less float, at the output."""
    (codes,) = run_windows(int8, quantise_inputs(int8, windows.inputs))
    tensor = int8.tensors[int8.outputs[0]]
    found = dequantise(codes, tensor.scale, tensor.zero_point)
    float_model = FloatModel(model)
    exact = [float_model.run(windows.window(at))[0] for at in range(len(windows))]
    channels = found.shape[-1]
    return (found - np.stack(exact)).reshape(-1, channels).mean(axis=0, dtype=np.float64)


def test_the_tensor_that_int8_cannot_hold_costs_most_and_int16_holds_it() -> None:
    """A large offset is added and taken off again: what lies between has no codes for the rest."""
    rng = np.random.default_rng(0)
    graph = FloatBuilder()
    x = graph.input((1, 1, 8, 4), None, 0, dtype="float32")
    x = graph.fully_connected(x, rng.standard_normal((6, 4)), np.ones(6))
    offset = np.full(6, 500.0)
    high = graph.binary("ADD", x, graph.constant_of(offset))
    x = graph.binary("SUB", high, graph.constant_of(offset))
    graph.fully_connected(x, rng.standard_normal((5, 6)), np.ones(5))
    model, windows = graph.model(), _windows(200, rng, (1, 1, 8, 4))
    costs = rounding_costs(model, minmax_ranges(model, windows), windows.spread(32))
    assert costs[0].tensors == (model.tensors[high].name,)
    assert costs[0].noise > 100 * costs[1].noise
    assert _sqnr_db(model, windows, costs[0].tensors) > _sqnr_db(model, windows) + 20


def test_the_judge_counts_windows_not_sizes_and_outputs_that_are_no_classes() -> None:
    """One window with an enormous answer moves neither measure; a sequence has no class, labels or
    not."""
    rng = np.random.default_rng(0)
    model, windows = _uneven(rng), _windows(100, rng, (1, 1, 8, 4))
    int8 = quantise_model(model, minmax_ranges(model, windows), _PATH, "model")
    plain = Judge(model, windows).score(int8)
    windows.inputs[0][50] *= 1000
    spoilt = Judge(model, windows).score(int8)
    assert plain.agreement is not None
    assert spoilt.agreement is not None
    assert abs(spoilt.sqnr_db - plain.sqnr_db) < 1
    assert abs(spoilt.agreement - plain.agreement) < 0.011
    labelled = Windows(windows.inputs, np.zeros(100, np.int64))
    assert Judge(model, labelled).score(int8).accuracy is not None

    graph = FloatBuilder()
    x = graph.input((1, 1, 8, 4), None, 0, dtype="float32")
    graph.fully_connected(x, rng.standard_normal((4, 4)), np.ones(4))
    sequence = graph.model()
    score = Judge(sequence, labelled).score(
        quantise_model(sequence, minmax_ranges(sequence, windows), _PATH, "model")
    )
    assert score.agreement is None
    assert score.accuracy is None
