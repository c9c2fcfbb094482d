"""Random graphs of ops that follow each other: passes and memory plans keep TFLM's bytes, and the
arena is as small as what lives at once.

The ordinary build alone: it is the one that passes work on and whose tensors share storage.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_tools.compiler import CompiledModel, compile_model
from midfuse.core.tflite_file import TFLiteModel
from tests.support.host_build import random_windows, run_compiled, run_oracle

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.support.random_graph import RandomGraph


def check(model: TFLiteModel, seed: int) -> CompiledModel:
    windows = random_windows(model, 3, np.random.default_rng(seed))
    with TemporaryDirectory() as folder:
        ours = run_compiled(model, windows, Path(folder), observable=False)
        compiled = compile_model(model, Path(folder))
    np.testing.assert_array_equal(ours, run_oracle(model, windows, observable=False))
    plan = compiled.plan
    assert plan.lives.peak <= plan.size <= max(1.05 * plan.lives.peak, plan.lives.peak + 64)
    return compiled


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_graph_equals_tflm(data: st.DataObject, seed: int) -> None:
    check(RandomGraph(data.draw).model(data.draw(st.integers(1, 40))), seed)


def test_attention_equals_tflm() -> None:
    """Row by row, where the scores set the peak; a test without any of these would show nothing."""
    looped = []

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data(), seed=st.integers(0, 2**32 - 1))
    def attention(data: st.DataObject, seed: int) -> None:
        compiled = check(RandomGraph(data.draw).attention_model(), seed)
        looped.append(any(step.loops for step in compiled.program.steps))

    attention()
    assert sum(looped) >= 12
