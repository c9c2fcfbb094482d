"""Fast kernels of what is no matrix product, on the emulated Cortex-M4: every byte TFLM's.

Each test puts many independent ops of one kind into a model, of sizes around the blocks that the
kernels work in, and looks that most were given to the kernels that it is about.
"""

from collections import Counter
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from firmware_tools.board.registry import read_board
from firmware_tools.compiler.lowering import lower
from firmware_tools.compiler.variants import InstructionSet, choose_variants
from firmware_tools.measure.compare import compare_ops
from firmware_tools.runtimes.midfuse import Midfuse
from midfuse.core.tflite_file import parse_tflite
from tests.boards.conftest import need
from tests.support.host_build import random_windows

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.firmware_tools.compiler.cases.strategies import (
    AddOp,
    Draw,
    codes,
    scales,
    seeds,
    small,
    zero_points,
)
from tests.firmware_tools.compiler.cases.window import windows
from tests.support.tflite_builder import TFLiteBuilder, schema

OPS, MODELS, WINDOWS = 40, 3, 2


def check_on_board(case: AddOp, kernels: set[str], *, least: float) -> None:
    """So many models of this case; the kernels take at least this share of the calls."""
    board = need(read_board("qemu-mps2-an386"))
    taken: Counter[bool] = Counter()

    @settings(
        max_examples=MODELS,
        phases=[Phase.generate],
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data(), seed=st.integers(0, 2**32 - 1))
    def check(data: st.DataObject, seed: int) -> None:
        b = TFLiteBuilder()
        for _ in range(OPS):
            case(b, data.draw)
        model = parse_tflite(b.content(), Path("ops.tflite"))
        drawn = random_windows(model, WINDOWS, np.random.default_rng(seed))
        inputs = [np.stack(values) for values in zip(*drawn, strict=True)]
        program = choose_variants(lower(model), InstructionSet.DSP)
        taken.update(call.function in kernels for call in program.calls)
        with TemporaryDirectory() as folder:
            rows = compare_ops(model, board, inputs, Path(folder), Midfuse())
        assert [row for row in rows if row.differing_bytes] == []

    check()
    assert taken[True] >= least * taken.total(), taken


def softmax(b: TFLiteBuilder, draw: Draw) -> None:
    """Rows around four, around 512, where the kernel ends, and between."""
    depth = draw(st.one_of(st.integers(1, 9), st.integers(1, 130), st.sampled_from([511, 512])))
    shape = (draw(st.integers(1, 3)), depth)
    options = schema.SoftmaxOptionsT()
    options.beta = draw(st.sampled_from([1.0, 0.25, 0.01]))
    x = b.input(shape, draw(scales), draw(zero_points))
    b.op("SOFTMAX", [x], b.tensor(shape, 1 / 256, -128), options)


def test_softmax() -> None:
    check_on_board(softmax, {"mf_softmax_s8_dsp"}, least=0.6)


def binary(name: str, options: Any, b: TFLiteBuilder, draw: Draw) -> None:
    """Two whole tensors, or one of them a number a row, a row, a column of rows; either first,
    either a constant. The output's scale is near what the inputs' call for, and round ratios
    between scales, where results lie on ties, are rare."""
    outer, rows, depth = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(4, 39))
    shape = (outer, rows, depth)
    other = draw(
        st.sampled_from([shape, shape, (outer, rows, 1), (1, 1, depth), (outer, 1, depth), (1,)])
    )
    a_scale = draw(st.floats(2.0**-7, 0.125, width=32))
    b_scale = float(np.float32(a_scale * draw(st.floats(0.123457, 10))))
    natural = max(a_scale, b_scale)
    if name == "MUL":
        natural = a_scale * b_scale * 128
    elif name == "SQUARED_DIFFERENCE":
        natural = natural * natural * 256
    first = b.input(shape, a_scale, draw(zero_points))
    data = codes(draw(seeds), other, "int8") if draw(st.integers(0, 3)) == 0 else None
    second = b.tensor(other, b_scale, draw(zero_points), data=data)
    if data is None:
        b.inputs.append(second)
    operands = [first, second] if draw(st.booleans()) else [second, first]
    out_scale = float(np.float32(natural * draw(st.floats(0.617283, 4))))
    out = b.tensor(shape, out_scale, draw(zero_points))
    b.op(name, operands, out, options and options())


@pytest.mark.parametrize(
    ("name", "options", "kernel"),
    [
        ("ADD", schema.AddOptionsT, "add"),
        ("SUB", schema.SubOptionsT, "add"),
        ("MUL", schema.MulOptionsT, "mul"),
        ("SQUARED_DIFFERENCE", None, "squared_difference"),
    ],
)
def test_two_inputs(name: str, options: Any, kernel: str) -> None:
    kernels = {f"mf_{kernel}{alike}_s8_dsp" for alike in ("", "_alike")}
    check_on_board(partial(binary, name, options), kernels, least=0.6)


def reduction(name: str, b: TFLiteBuilder, draw: Draw) -> None:
    """Over the last axis or the one before it, around the words and the 255 that sums are taken
    in."""
    last = draw(st.booleans())
    long = draw(st.sampled_from([255, 256, 520]) if draw(st.integers(0, 9)) == 9 else small(4, 35))
    short, outer = draw(st.integers(4, 7)), draw(st.integers(1, 2))
    shape = (outer, short, long) if last else (outer, long, short)
    axis = 2 if last else 1
    scale = draw(st.floats(2.0**-7, 0.125, width=32))
    x = b.input(shape, scale, draw(zero_points))
    factor = draw(st.floats(0.75, 4)) * (long if name == "SUM" else 1)
    own = (float(np.float32(scale * factor)), draw(zero_points))
    options = schema.ReducerOptionsT()
    options.keepDims = draw(st.booleans())
    left = tuple(
        1 if at == axis else n for at, n in enumerate(shape) if options.keepDims or at != axis
    )
    b.op(name, [x, b.numbers([axis])], b.tensor(left, *own), options)


@pytest.mark.parametrize("name", ["MEAN", "SUM"])
def test_sums(name: str) -> None:
    kernels = {"mf_sum_rows_s8_dsp", "mf_sum_columns_s8_dsp"}
    check_on_board(partial(reduction, name), kernels, least=0.9)


def pool(name: str, b: TFLiteBuilder, draw: Draw) -> None:
    """Windows that hang over the edges, of channels around the words."""
    height, width, padding = windows(draw, dilated=False)
    shape = (draw(st.integers(1, 2)), height.length, width.length, draw(st.integers(4, 23)))
    own = (draw(scales), draw(zero_points))
    out = b.tensor((shape[0], height.steps, width.steps, shape[3]), *own)
    options = schema.Pool2DOptionsT()
    options.padding, options.strideH, options.strideW = padding, height.stride, width.stride
    options.filterHeight, options.filterWidth = height.size, width.size
    b.op(name, [b.input(shape, *own)], out, options)


@pytest.mark.parametrize("name", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
def test_pools(name: str) -> None:
    check_on_board(partial(pool, name), {f"mf_{name.lower()}_s8_dsp"}, least=1.0)
