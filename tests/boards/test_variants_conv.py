"""The DSP extension's convolutions and matrix products on the emulated Cortex-M4: TFLM's bytes.

Shapes around the kernels' blocks: any rest of channels, of a row's inputs and of output rows, edges
on every side, weights of 8 bits and widened ones. Most instances must get a fast kernel, or the
test would witness the portable ones.
"""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from firmware_tools.board.registry import read_board
from firmware_tools.compiler import compile_model
from firmware_tools.compiler.variants import InstructionSet
from firmware_tools.measure.compare import compare_ops
from firmware_tools.runtimes.midfuse import Midfuse
from midfuse.core.tflite_file import parse_tflite
from tests.boards.conftest import need
from tests.support.host_build import random_windows

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.firmware_tools.compiler.cases.strategies import (
    Draw,
    activations,
    bias,
    f32,
    int8,
    seeds,
    zero_points,
)
from tests.firmware_tools.compiler.cases.window import Axis, window_options
from tests.support.tflite_builder import TFLiteBuilder, schema

# Those on small images use each weight too seldom to be widened.
KINDS = (
    *2 * ("depthwise",),
    *2 * ("depthwise, 3x3",),
    *2 * ("grouped",),
    *2 * ("dense",),
    *2 * ("dense, dilated",),
    *4 * ("dense, small",),
    *3 * ("fully connected",),
)


def edge(draw: Draw, padding: int, length: int, kind: str) -> Axis:
    """A window along an axis that fits at least once, up to 7 long or 3 at stride 1."""
    same = padding == schema.Padding.SAME
    three = "3x3" in kind
    stride = 1 if three else draw(st.sampled_from([1, 1, 2, 3]))
    dilation = draw(st.integers(1, 3)) if "dilated" in kind else 1
    most = 7 if same else (length - 1) // dilation + 1
    size = 3 if three else draw(st.integers(1, most))
    reach = (size - 1) * dilation + 1
    steps = -(-length // stride) if same else (length - reach) // stride + 1
    return Axis(length, size, stride, dilation, steps)


def filters(draw: Draw, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Mostly of the range that converters use; -128 does not fit the kernels for bytes."""
    return int8(draw(seeds), shape, low=draw(st.sampled_from([-127, -127, -128])))


def scales(draw: Draw, channels: int, taps: int) -> tuple[float, list[float], float]:
    """Of the input, the weights, and an output that the sums fill: few saturate, none is alone."""
    factors = st.floats(2.0**-9, 2.0**-6, width=32)
    x_scale = draw(st.floats(2.0**-6, 1.0, width=32))
    weights = draw(st.lists(factors, min_size=channels, max_size=channels))
    spread = 3 * 74 * 74 * taps**0.5 * x_scale * 0.01 / 127
    return x_scale, weights, float(np.float32(spread * draw(st.floats(0.5, 2.0))))


def convolution(b: TFLiteBuilder, draw: Draw, kind: str) -> None:
    """A CONV_2D, one with a group a channel, or a DEPTHWISE_CONV_2D."""
    padding = draw(st.sampled_from([schema.Padding.SAME, schema.Padding.VALID]))
    longest = 3 if kind == "dense, small" else 9
    lengths = st.integers(3 if "3x3" in kind else 1, longest)
    h, w = (edge(draw, padding, draw(lengths), kind) for _ in range(2))
    depthwise = kind.startswith("depthwise")
    dense = not depthwise and kind != "grouped"
    depth = draw(st.integers(1 if dense else 4, 11))
    depth = draw(st.sampled_from([4, 8])) if "dilated" in kind else depth
    channels = draw(st.integers(1, 9)) if dense else depth
    taps = h.size * w.size * (depth if dense else 1)
    x_scale, w_scales, out_scale = scales(draw, channels, taps)
    batches = draw(st.integers(1, 2))
    x = b.input((batches, h.length, w.length, depth), x_scale, draw(zero_points))
    shape = (channels, h.size, w.size, depth if dense else 1)
    if depthwise:
        shape = (1, h.size, w.size, channels)
    axis = 3 if depthwise else 0
    weights = b.tensor(shape, w_scales, data=filters(draw, shape), axis=axis)
    extra = bias(b, draw, channels, f32(w_scales, x_scale))
    out = b.tensor((batches, h.steps, w.steps, channels), out_scale, draw(zero_points))
    options = schema.DepthwiseConv2DOptionsT() if axis else schema.Conv2DOptionsT()
    options.dilationHFactor, options.dilationWFactor = h.dilation, w.dilation
    if axis:
        options.depthMultiplier = 1
    name = "DEPTHWISE_CONV_2D" if axis else "CONV_2D"
    inputs = [x, weights, extra] if extra >= 0 else [x, weights]
    b.op(name, inputs, out, window_options(options, draw, h, w, padding))


def fully_connected(b: TFLiteBuilder, draw: Draw) -> None:
    rows, depth, channels = (draw(st.integers(1, most)) for most in (12, 40, 13))
    x_scale, w_scales, out_scale = scales(draw, channels, depth)
    x = b.input((rows, depth), x_scale, draw(zero_points))
    weights = b.tensor((channels, depth), w_scales, data=filters(draw, (channels, depth)))
    extra = bias(b, draw, channels, f32(w_scales, x_scale))
    out = b.tensor((rows, channels), out_scale, draw(zero_points))
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = draw(activations)
    b.op("FULLY_CONNECTED", [x, weights, extra], out, options)


def test_random_convolutions_have_tflm_s_bytes() -> None:
    board = need(read_board("qemu-mps2-an386"))
    kernels: Counter[str] = Counter()

    @settings(
        max_examples=14,
        phases=[Phase.generate],  # models of this size shrink for minutes
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data(), seed=st.integers(0, 2**32 - 1))
    def check(data: st.DataObject, seed: int) -> None:
        b = TFLiteBuilder()
        for kind in KINDS:
            if kind == "fully connected":
                fully_connected(b, data.draw)
            else:
                convolution(b, data.draw, kind)
        model = parse_tflite(b.content(), Path("convolutions.tflite"))
        windows = random_windows(model, 2, np.random.default_rng(seed))
        inputs = [np.stack(values) for values in zip(*windows, strict=True)]
        with TemporaryDirectory() as folder:
            rows = compare_ops(model, board, inputs, Path(folder), Midfuse())
            compiled = compile_model(
                model, Path(folder), observable=True, instruction_set=InstructionSet.DSP
            )
        kernels.update(call.function for call in compiled.program.calls)
        assert [row for row in rows if row.differing_bytes] == []

    check()
    fast = {kernel: count for kernel, count in kernels.items() if kernel.endswith("_dsp")}
    assert sum(fast.values()) > 0.9 * kernels.total(), kernels
    assert len(fast) == 6, kernels
    assert min(fast.values()) >= 10, kernels
