"""Every kernel against TFLM, on random shapes, scales, zero points and edge values.

One example is a model of several independent ops of a kind, so that one compilation and one run
check them all; the C runs under address and undefined-behaviour sanitizers.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midfuse.ops import OPS
from midfuse.tflite_file import parse_tflite
from tests.support.host_build import random_windows, run_compiled, run_oracle

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.firmware_tools.compiler.cases import CASES, conversion, layout
from tests.support.tflite_builder import TFLiteBuilder

OPS_A_MODEL = 20
WINDOWS = 3


def test_every_form_of_the_op_table_has_a_case() -> None:
    """The cases of some families draw any form of their ops; others are a case a form."""
    wanted = {*layout.CASES, *conversion.CASES}
    for name in set(OPS) - wanted:
        wanted |= {name if form == "int8" else f"{name} {form}" for form in OPS[name].forms}
    assert set(CASES) == wanted


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_kernel_equals_tflm(name: str, data: st.DataObject, seed: int) -> None:
    builder = TFLiteBuilder()
    for _ in range(OPS_A_MODEL):
        CASES[name](builder, data.draw)
    if not builder.inputs:  # a model must have one
        scale = float(np.float32(0.5))
        builder.op("RELU", [builder.input((4,), scale, 0)], builder.tensor((4,), scale, 0))
    model = parse_tflite(builder.content(), Path(f"{name}.tflite"))
    windows = random_windows(model, WINDOWS, np.random.default_rng(seed))
    with TemporaryDirectory() as folder:
        ours = run_compiled(model, windows, Path(folder), observable=False)
    np.testing.assert_array_equal(ours, run_oracle(model, windows, observable=False))


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_rsqrt_below_zero_is_that_of_zero(dtype: str, tmp_path: Path) -> None:
    """TFLM stops there; a board has no such way out."""
    builder = TFLiteBuilder()
    x = builder.input((4,), 0.01, 0, dtype=dtype)
    builder.op("RSQRT", [x], builder.tensor((4,), 0.1, 0, dtype=dtype))
    model = parse_tflite(builder.content(), tmp_path / "rsqrt.tflite")
    codes = np.array([np.iinfo(dtype).min, -1, 0, 9], dtype)
    found = run_compiled(model, [[codes]], tmp_path, observable=False).view(dtype)
    above = run_oracle(model, [[np.maximum(codes, 0)]], observable=False).view(dtype)
    np.testing.assert_array_equal(found, above)
