"""Models with int16 activations, by tensorflow's converter, have TFLM's bytes on host and M4."""

from pathlib import Path

import numpy as np
import pytest

from firmware_tools.board.registry import read_board
from firmware_tools.measure.compare import compare_ops
from firmware_tools.runtimes.midfuse import Midfuse
from tests.boards.conftest import need
from tests.support.host_build import run_compiled, run_oracle
from tests.zoo.conftest import Specimen

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")


def test_every_tensor_on_the_host(int16_specimen: Specimen, tmp_path: Path) -> None:
    model = int16_specimen.model
    assert {model.tensors[i].dtype for op in model.ops for i in op.outputs} == {"int16"}
    windows = [[window] for window in int16_specimen.windows]
    for observable in (True, False):
        ours = run_compiled(model, windows, tmp_path, observable=observable)
        np.testing.assert_array_equal(ours, run_oracle(model, windows, observable=observable))
        assert not observable or len(np.unique(ours.view(np.int16))) > 100


def test_every_tensor_on_the_m4(int16_specimen: Specimen, tmp_path: Path) -> None:
    model, board = int16_specimen.model, need(read_board("qemu-mps2-an386"))
    rows = compare_ops(model, board, [int16_specimen.windows], tmp_path, Midfuse())
    assert sum(row.bytes for row in rows) == sum(
        model.tensors[index].bytes for op in model.ops for index in op.outputs
    )
    assert [row for row in rows if row.differing_bytes] == []
