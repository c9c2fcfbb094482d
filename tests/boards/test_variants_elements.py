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

from firmware_tools.board import read_board
from firmware_tools.compiler.lowering import lower
from firmware_tools.compiler.variants import InstructionSet, choose_variants
from firmware_tools.evaluate import compare_ops
from midfuse.tflite_file import parse_tflite
from tests.boards.conftest import need
from tests.support.host_build import random_windows

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.firmware_tools.compiler.cases.strategies import (
    AddOp,
    Draw,
    codes,
    scales,
    seeds,
    zero_points,
)
from tests.support.tflite_builder import TFLiteBuilder, schema

OPS, MODELS, WINDOWS = 40, 3, 2


def check_on_board(case: AddOp, kernels: set[str], *, least: float) -> None:
    """So many models of this case; the kernels take at least this share of the calls: in the first
    model all are the simplest, which may be a form that they leave alone."""
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
        windows = random_windows(model, WINDOWS, np.random.default_rng(seed))
        inputs = [np.stack(values) for values in zip(*windows, strict=True)]
        program = choose_variants(lower(model), InstructionSet.DSP)
        taken.update(call.function in kernels for call in program.calls)
        with TemporaryDirectory() as folder:
            rows = compare_ops(model, board, inputs, Path(folder))
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
    either a constant. The output's scale is near what the inputs' call for."""
    outer, rows, depth = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(4, 39))
    shape = (outer, rows, depth)
    other = draw(
        st.sampled_from([shape, shape, (outer, rows, 1), (1, 1, depth), (outer, 1, depth), (1,)])
    )
    a_scale = draw(st.floats(2.0**-7, 0.125, width=32))
    b_scale = float(np.float32(a_scale * draw(st.floats(0.1, 10))))
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
    out_scale = float(np.float32(natural * draw(st.floats(0.6, 4))))
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
