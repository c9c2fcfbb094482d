"""500 random op instances of every kind on the emulated Cortex-M4: every byte TFLM's."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from firmware_tools.board.registry import read_board
from firmware_tools.measure.compare import compare_ops
from firmware_tools.runtimes.midfuse import Midfuse
from tests.boards.conftest import need
from tests.support.host_build import random_windows

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.firmware_tools.compiler.cases import CASES
from tests.support.random_ops import independent_ops


def test_five_hundred_random_ops_have_tflm_s_bytes() -> None:
    board = need(read_board("qemu-mps2-an386"))
    seen: set[int] = set()

    @settings(
        max_examples=13,
        phases=[Phase.generate],  # models of this size shrink for minutes
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data(), seed=st.integers(0, 2**32 - 1))
    def check(data: st.DataObject, seed: int) -> None:
        """One op of every kind a model; hypothesis begins with the simplest of each."""
        model = independent_ops(list(CASES), data.draw, seen)
        windows = random_windows(model, 1, np.random.default_rng(seed))
        inputs = [np.stack(values) for values in zip(*windows, strict=True)]
        with TemporaryDirectory() as folder:
            rows = compare_ops(model, board, inputs, Path(folder), Midfuse())
        assert {row.op for row in rows} == set(range(len(model.ops)))
        assert [row for row in rows if row.differing_bytes] == []

    check()
    assert len(seen) >= 500
