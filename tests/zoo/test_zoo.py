"""Models of the kinds that people bring have TFLM's bytes: every tensor on the host build and on
the Cortex-M4, the outputs on all seven cores."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.zoo import ZOO
from firmware_tools.board.registry import Board, read_board
from firmware_tools.compiler import compile_model
from firmware_tools.measure.compare import compare_ops
from firmware_tools.measure.evaluate import evaluate_model
from firmware_tools.runtimes.midfuse import Midfuse
from midfuse.core.tflite_file import read_tflite
from tests.boards.conftest import need
from tests.support.host_build import run_compiled, run_oracle
from tests.zoo.conftest import Specimen

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")

CORES = {
    "cortex-m0": "qemu-mps2-an385-m0",
    "cortex-m3": "qemu-mps2-an385",
    "cortex-m4": "qemu-mps2-an386",
    "cortex-m7": "qemu-mps2-an500",
    "cortex-m33": "qemu-mps2-an505",
    "cortex-m55": "qemu-mps3-an547",
    "rv32imac": "qemu-virt-rv32",
}
OPS = (
    "ADD AVERAGE_POOL_2D BATCH_MATMUL CONCATENATION CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED "
    "HARD_SWISH LEAKY_RELU LOGISTIC MAX_POOL_2D MEAN MUL PAD PRELU REDUCE_MAX RESHAPE RSQRT "
    "SOFTMAX SPLIT SQUARED_DIFFERENCE STRIDED_SLICE SUB TANH TRANSPOSE TRANSPOSE_CONV"
)


@pytest.fixture(scope="session", params=list(CORES.values()), ids=list(CORES))
def core(request: pytest.FixtureRequest) -> Board:
    return need(read_board(request.param))


def test_what_the_zoo_is_made_of(zoo_folder: Path) -> None:
    """Another converter may choose other ops; then the zoo witnesses less than it claims."""
    models = [read_tflite(path) for path in sorted(zoo_folder.glob("*.tflite"))]
    assert tuple(model.path.stem for model in models) == ZOO
    assert {op.name for model in models for op in model.ops} >= set(OPS.split())


def test_every_tensor_on_the_host(specimen: Specimen, tmp_path: Path) -> None:
    """Under sanitizers, and not trivially: the values of a model are many."""
    windows = [[window] for window in specimen.windows]
    for observable in (True, False):
        ours = run_compiled(specimen.model, windows, tmp_path, observable=observable)
        oracle = run_oracle(specimen.model, windows, observable=observable)
        np.testing.assert_array_equal(ours, oracle)
        assert not observable or len(np.unique(ours)) > 100


def test_arena_is_as_small_as_what_lives_at_once(specimen: Specimen, tmp_path: Path) -> None:
    plan = compile_model(specimen.model, tmp_path).plan
    assert plan.lives.peak <= plan.size <= max(1.05 * plan.lives.peak, plan.lives.peak + 64)


def test_every_tensor_on_the_m4(specimen: Specimen, tmp_path: Path) -> None:
    model = specimen.model
    rows = compare_ops(
        model, need(read_board(CORES["cortex-m4"])), [specimen.windows], tmp_path, Midfuse()
    )
    assert [(row.op, row.bytes) for row in rows] == [
        (op.index, model.tensors[index].elements) for op in model.ops for index in op.outputs
    ]
    assert [row for row in rows if row.differing_bytes] == []


def test_outputs_on_every_core(core: Board, specimen: Specimen, tmp_path: Path) -> None:
    found, outputs = evaluate_model(specimen.model, core, [specimen.windows], tmp_path, Midfuse())
    assert found.differing_bytes == 0
    assert found.windows == 2
    # Two windows that are answered alike would witness nothing.
    assert (outputs[0][0] != outputs[0][1]).any()
