"""The kernels for MVE on the emulated Cortex-M55, at shapes that end in every part of a block.

Each case is a model of random instances of one kind of operator. Every byte is TFLM's, and the
kernels that the case is about were chosen for nearly all of them.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firmware_tools.board.registry import RUNTIME, read_board
from midfuse.core.tflite_file import parse_tflite
from tests.boards.conftest import need
from tests.support.core_build import run_on_core
from tests.support.host_build import extreme_windows, random_windows, run_oracle

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.support.tflite_builder import TFLiteBuilder, schema

INSTANCES = 150
CHOSEN = 0.9

Add = Callable[[TFLiteBuilder, np.random.Generator], None]


def some_scale(rng: np.random.Generator) -> float:
    return float(np.float32(2.0 ** rng.uniform(-9, 0)))


def zero_point(rng: np.random.Generator) -> int:
    return int(rng.choice([-128, 0, 127, rng.integers(-128, 128)]))


def activation(rng: np.random.Generator) -> int:
    kind = schema.ActivationFunctionType
    return int(rng.choice([kind.NONE, kind.NONE, kind.RELU, kind.RELU6]))


def filters(
    b: TFLiteBuilder,
    rng: np.random.Generator,
    shape: tuple[int, ...],
    x_scale: float,
    axis: int = 0,
) -> tuple[list[int], float]:
    """Weights and a bias, and an output scale on which few sums saturate."""
    channels = shape[axis]
    scales = [float(np.float32(v)) for v in rng.uniform(0.001, 0.004, channels)]
    codes = rng.integers(-127, 128, shape)
    codes.flat[rng.integers(codes.size)] = rng.choice([-127, 127])
    weights = b.tensor(shape, scales, data=codes.astype(np.int8), axis=axis)
    depth = codes.size // channels
    bias = rng.integers(-(1 << 14), 1 << 14, channels).astype(np.int32)
    products = [float(np.float32(x_scale) * np.float32(s)) for s in scales]
    spread = 5000 * depth**0.5 * rng.uniform(1, 4)
    return [weights, b.tensor((channels,), products, dtype="int32", data=bias)], float(
        np.float32(max(products) * spread / 128)
    )


def fully_connected(b: TFLiteBuilder, rng: np.random.Generator) -> None:
    rows, channels = int(rng.integers(1, 8)), int(rng.integers(4, 22))
    depth = int(rng.choice([16, rng.integers(1, 17), rng.integers(1, 70)]))
    x_scale = some_scale(rng)
    x = b.input((rows, depth), x_scale, zero_point(rng))
    inputs, out_scale = filters(b, rng, (channels, depth), x_scale)
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = activation(rng)
    out = b.tensor((rows, channels), out_scale, zero_point(rng))
    b.op("FULLY_CONNECTED", [x, *inputs], out, options)


def window(options: Any, rng: np.random.Generator, *, most: int) -> tuple[list[int], ...]:
    """Lengths, sizes and steps of a window along two axes; padding and strides into `options`."""
    same = bool(rng.integers(2))
    options.padding = schema.Padding.SAME if same else schema.Padding.VALID
    sizes = [int(n) for n in rng.integers(1, most + 1, 2)]
    if rng.integers(3) == 0:
        sizes[0] = 1
    lengths = [int(rng.integers(1 if same else size, 14)) for size in sizes]
    strides = [int(n) for n in rng.integers(1, 4, 2)]
    options.strideH, options.strideW = strides
    steps = [
        -(-length // stride) if same else (length - size) // stride + 1
        for length, size, stride in zip(lengths, sizes, strides, strict=True)
    ]
    options.fusedActivationFunction = activation(rng)
    return lengths, sizes, steps


def conv_2d(b: TFLiteBuilder, rng: np.random.Generator) -> None:
    options = schema.Conv2DOptionsT()
    options.dilationHFactor = options.dilationWFactor = 1
    lengths, sizes, steps = window(options, rng, most=4)
    if rng.integers(4) == 0:  # pixel by pixel
        lengths, sizes, steps, options.strideH, options.strideW = lengths, [1, 1], lengths, 1, 1
    depth = int(rng.choice([1, 3, 8, rng.integers(1, 40)]))
    batches, channels = int(rng.integers(1, 3)), int(rng.integers(4, 18))
    x_scale = some_scale(rng)
    x = b.input((batches, *lengths, depth), x_scale, zero_point(rng))
    inputs, out_scale = filters(b, rng, (channels, *sizes, depth), x_scale)
    out = b.tensor((batches, *steps, channels), out_scale, zero_point(rng))
    b.op("CONV_2D", [x, *inputs], out, options)


def depthwise_conv_2d(b: TFLiteBuilder, rng: np.random.Generator) -> None:
    """As such, or as a CONV_2D with as many groups as channels."""
    as_groups = bool(rng.integers(2))
    options = schema.Conv2DOptionsT() if as_groups else schema.DepthwiseConv2DOptionsT()
    options.dilationHFactor = options.dilationWFactor = 1
    lengths, sizes, steps = window(options, rng, most=5)
    batches, channels = int(rng.integers(1, 3)), 2 * int(rng.integers(4, 20))
    x_scale = some_scale(rng)
    x = b.input((batches, *lengths, channels), x_scale, zero_point(rng))
    shape = (channels, *sizes, 1) if as_groups else (1, *sizes, channels)
    inputs, out_scale = filters(b, rng, shape, x_scale, axis=0 if as_groups else 3)
    out = b.tensor((batches, *steps, channels), out_scale, zero_point(rng))
    if not as_groups:
        options.depthMultiplier = 1
    b.op("CONV_2D" if as_groups else "DEPTHWISE_CONV_2D", [x, *inputs], out, options)


def softmax(b: TFLiteBuilder, rng: np.random.Generator) -> None:
    shape = (int(rng.integers(1, 4)), int(rng.choice([rng.integers(1, 40), 255, 510, 511])))
    x = b.input(shape, some_scale(rng), zero_point(rng))
    options = schema.SoftmaxOptionsT()
    options.beta = float(rng.choice([1.0, 0.25, 3.0]))
    b.op("SOFTMAX", [x], b.tensor(shape, 1 / 256, -128), options)


def logistic(b: TFLiteBuilder, rng: np.random.Generator) -> None:
    shape = (int(rng.integers(1, 70)),)
    x = b.input(shape, some_scale(rng), zero_point(rng))
    b.op("LOGISTIC", [x], b.tensor(shape, 1 / 256, -128))


def two_inputs(name: str, options: type[Any]) -> Add:
    """Both of a shape, one broadcast along some axes, one a constant; results that fill a byte."""

    def add(b: TFLiteBuilder, rng: np.random.Generator) -> None:
        shape = tuple(int(n) for n in rng.integers(1, 8, rng.integers(0, 3)))
        shape = (*shape, int(rng.integers(2, 40)))
        shapes = [shape, shape]
        which = int(rng.integers(2))
        if rng.integers(2):
            shapes[which] = tuple(int(n) if rng.integers(2) else 1 for n in shape)
        scales = [some_scale(rng), some_scale(rng)]
        if rng.integers(3) == 0:
            scales[1] = scales[0]
        inputs = [b.input(shapes[1 - which], scales[1 - which], zero_point(rng))]
        if rng.integers(3) == 0:
            data = rng.integers(-128, 128, shapes[which]).astype(np.int8)
            inputs.append(b.tensor(shapes[which], scales[which], zero_point(rng), data=data))
        else:
            inputs.append(b.input(shapes[which], scales[which], zero_point(rng)))
        reach = {
            "MUL": 128 * scales[0] * scales[1],
            "SQUARED_DIFFERENCE": 128 * max(scales) ** 2,
        }.get(name, max(scales))
        out = b.tensor(shape, float(np.float32(reach * rng.uniform(0.5, 4))), zero_point(rng))
        chosen = options()
        chosen.fusedActivationFunction = activation(rng)
        b.op(name, inputs[:: 1 - 2 * which], out, chosen)

    return add


def mean(b: TFLiteBuilder, rng: np.random.Generator) -> None:
    """Over the last axis, one before it or all before it."""
    shape = tuple(
        int(n) for n in (*rng.integers(1, 6, rng.integers(0, 3)), *rng.integers(1, 40, 2))
    )
    last = len(shape) - 1
    axes = [[last], [last - 1], list(range(last))][int(rng.integers(3))]
    x_scale = some_scale(rng)
    x = b.input(shape, x_scale, zero_point(rng))
    options = schema.ReducerOptionsT()
    options.keepDims = True
    kept = tuple(1 if axis in axes else n for axis, n in enumerate(shape))
    # The scale may grow a little, which the kernel for columns leaves to others.
    scale = float(np.float32(x_scale * rng.uniform(0.2, 2)))
    b.op("MEAN", [x, b.numbers(axes)], b.tensor(kept, scale, zero_point(rng)), options)


def max_pool_2d(b: TFLiteBuilder, rng: np.random.Generator) -> None:
    options = schema.Pool2DOptionsT()
    lengths, sizes, steps = window(options, rng, most=4)
    options.filterHeight, options.filterWidth = sizes
    batches, channels = int(rng.integers(1, 3)), int(rng.integers(1, 40))
    scale, zero = some_scale(rng), zero_point(rng)
    x = b.input((batches, *lengths, channels), scale, zero)
    b.op("MAX_POOL_2D", [x], b.tensor((batches, *steps, channels), scale, zero), options)


CASES: dict[str, tuple[Add, set[str]]] = {
    "FULLY_CONNECTED": (
        fully_connected,
        {"mf_fully_connected_mve", "mf_fully_connected_short_mve"},
    ),
    "CONV_2D": (
        conv_2d,
        {"mf_conv_2d_mve", "mf_fully_connected_mve", "mf_fully_connected_short_mve"},
    ),
    "DEPTHWISE_CONV_2D": (depthwise_conv_2d, {"mf_depthwise_conv_2d_mve"}),
    "ADD": (two_inputs("ADD", schema.AddOptionsT), {"mf_add_mve", "mf_add_constant_mve"}),
    "SUB": (two_inputs("SUB", schema.SubOptionsT), {"mf_add_mve", "mf_add_constant_mve"}),
    "MUL": (two_inputs("MUL", schema.MulOptionsT), {"mf_mul_mve"}),
    "SQUARED_DIFFERENCE": (
        two_inputs("SQUARED_DIFFERENCE", schema.SquaredDifferenceOptionsT),
        {"mf_squared_difference_mve"},
    ),
    "MEAN": (mean, {"mf_sum_rows_mve", "mf_sum_columns_mve"}),
    "MAX_POOL_2D": (max_pool_2d, {"mf_max_pool_2d_mve"}),
    "SOFTMAX": (softmax, {"mf_softmax_s8_mve"}),
    "LOGISTIC": (logistic, {"mf_lookup_s8_mve"}),
}


@pytest.mark.parametrize("kind", CASES)
def test_kernels_have_tflm_s_bytes_at_random_shapes(kind: str, tmp_path: Path) -> None:
    board = need(read_board("qemu-mps3-an547"))
    add, kernels = CASES[kind]
    rng = np.random.default_rng(sorted(CASES).index(kind))
    b = TFLiteBuilder()
    for _ in range(INSTANCES):
        add(b, rng)
    model = parse_tflite(b.content(), Path("random.tflite"))
    windows = random_windows(model, 4, rng) + extreme_windows(model)
    compiled, ours = run_on_core(board, model, windows, tmp_path, observable=True)
    functions = [{call.function for call in step.calls} for step in compiled.program.steps]
    assert set.union(*functions) >= kernels
    assert np.mean([bool(names & kernels) for names in functions]) >= CHOSEN
    np.testing.assert_array_equal(ours, run_oracle(model, windows, observable=True))


def test_kernels_compile_without_optimisation(tmp_path: Path) -> None:
    """As somebody who debugs their firmware does; assembly's operands then find fewer registers."""
    board = need(read_board("qemu-mps3-an547"))
    includes = [f"-I{path}" for path in (RUNTIME, RUNTIME / "dsp", RUNTIME / "mve")]
    sources = [str(path) for path in sorted((RUNTIME / "mve").glob("*.c"))]
    command = [board.toolchain.program("gcc"), *board.toolchain.cpu_flags, "-std=c99", *includes]
    subprocess.run([*command, "-O0", "-c", *sources], check=True, cwd=tmp_path)
