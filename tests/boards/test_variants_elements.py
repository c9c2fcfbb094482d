"""Fast kernels of what is no matrix product, on the emulated Cortex-M4: every byte TFLM's.

Each test puts many independent ops of one kind into a model, of sizes around the blocks that the
kernels work in, and looks that most were given to the kernels that it is about.
"""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

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
from tests.firmware_tools.compiler.cases.strategies import AddOp, Draw, scales, zero_points
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
