"""Kernels written for an instruction set, on the emulated core itself: every byte TFLM's.

Random products, graphs and attentions, by semihosting: a model takes half a second. Where a test is
of certain variants, it sees to it that they were chosen, or it would witness nothing.
"""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from firmware_tools.board.registry import Board, read_board
from midfuse.core.tflite_file import TFLiteModel, parse_tflite
from tests.boards.conftest import need
from tests.support.core_build import run_on_core
from tests.support.host_build import extreme_windows, random_windows, run_oracle

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.firmware_tools.compiler.cases.strategies import Draw, zero_points
from tests.support.random_graph import RandomGraph
from tests.support.tflite_builder import TFLiteBuilder, schema

CORES = {"cortex-m4": "qemu-mps2-an386", "cortex-m55": "qemu-mps3-an547"}
VARIANT = ("_dsp", "_mve")
SETTINGS = settings(
    phases=[Phase.generate],  # models of this size shrink for minutes
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(params=list(CORES.values()), ids=list(CORES))
def core(request: pytest.FixtureRequest) -> Board:
    return need(read_board(request.param))


def check(core: Board, model: TFLiteModel, seed: int, *, observable: bool) -> Counter[str]:
    """The functions that the model's calls are of, after comparing its bytes."""
    windows = random_windows(model, 2, np.random.default_rng(seed)) + extreme_windows(model)
    with TemporaryDirectory() as folder:
        compiled, ours = run_on_core(core, model, windows, Path(folder), observable=observable)
    np.testing.assert_array_equal(ours, run_oracle(model, windows, observable=observable))
    return Counter(call.function for call in compiled.program.calls)


def test_products_of_activations(core: Board) -> None:
    """Odd sizes, edges of every block, either adjoint, scales up to the limits."""
    chosen: Counter[str] = Counter()

    @settings(SETTINGS, max_examples=25)
    @given(data=st.data(), seed=st.integers(0, 2**32 - 1))
    def products(data: st.DataObject, seed: int) -> None:
        b = TFLiteBuilder()
        for _ in range(10):
            _product(b, data.draw)
        model = parse_tflite(b.content(), Path("products.tflite"))
        chosen.update(check(core, model, seed, observable=True))

    products()
    assert sum(count for name, count in chosen.items() if name.endswith(VARIANT)) >= 60, chosen


def _product(b: TFLiteBuilder, draw: Draw) -> None:
    rows, depth, columns = (
        draw(st.integers(low, high)) for low, high in ((7, 20), (1, 70), (1, 21))
    )
    batch = draw(st.lists(st.integers(1, 3), max_size=2).map(tuple))
    options = schema.BatchMatMulOptionsT()
    options.adjX, options.adjY = draw(st.integers(0, 5)) == 0, draw(st.booleans())
    lhs_shape = (depth, rows) if options.adjX else (rows, depth)
    rhs_shape = (columns, depth) if options.adjY else (depth, columns)
    lhs = b.input((*batch, *lhs_shape), 0.5, draw(zero_points))
    rhs = b.input((*batch, *rhs_shape), 0.5, draw(zero_points))
    # 2^-e and a little more: the rounding division's shift is e, or e - 1.
    ratio = 2.0 ** draw(st.integers(-1, 24)) * draw(st.floats(0.5, 1.0, exclude_min=True))
    out = b.tensor((*batch, rows, columns), ratio / 4, draw(zero_points))
    b.op("BATCH_MATMUL", [lhs, rhs], out, options)


def test_random_graphs(core: Board) -> None:
    @settings(SETTINGS, max_examples=50)
    @given(data=st.data(), seed=st.integers(0, 2**32 - 1))
    def graphs(data: st.DataObject, seed: int) -> None:
        model = RandomGraph(data.draw).model(data.draw(st.integers(1, 40)))
        check(core, model, seed, observable=False)

    graphs()


def test_random_attentions(core: Board) -> None:
    """Those that loop are one kernel."""
    chosen: Counter[str] = Counter()

    @settings(SETTINGS, max_examples=60)
    @given(data=st.data(), seed=st.integers(0, 2**32 - 1))
    def attentions(data: st.DataObject, seed: int) -> None:
        chosen.update(check(core, RandomGraph(data.draw).attention_model(), seed, observable=False))

    attentions()
    assert chosen["mf_attention_dsp"] + chosen["mf_attention_mve"] >= 5, chosen
