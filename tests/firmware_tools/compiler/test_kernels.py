"""Every kernel against TFLM, on random shapes, scales, zero points and edge values.

One example is a model of many independent ops of a kind, so that one compilation and one run check
them all; the C runs under address and undefined-behaviour sanitizers. What is counted as a case is
an op instance that differs from all others in its shapes, types, scales, constants or options;
each runs on random inputs, on inputs of the lowest code alone and of the highest alone.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from midfuse.core.ops import OPS
from midfuse.core.tflite_file import parse_tflite
from tests.support.host_build import extreme_windows, random_windows, run_compiled, run_oracle

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.firmware_tools.compiler.cases import CASES, conversion, layout
from tests.support.random_ops import independent_ops
from tests.support.tflite_builder import TFLiteBuilder, schema

# Hypothesis begins with the simplest example and repeats one now and then.
EXAMPLES, EXAMPLES_IN_FULL, OPS_A_MODEL = 2, 6, 85
WINDOWS = 2
SEEN: dict[str, set[int]] = {}
thorough = settings(
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # models of this size shrink for minutes
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


def test_every_form_of_the_op_table_has_a_case() -> None:
    """The cases of some families draw any form of their ops; others are a case a form."""
    wanted = {*layout.CASES, *conversion.CASES}
    for name in set(OPS) - wanted:
        wanted |= {name if form == "int8" else f"{name} {form}" for form in OPS[name].forms}
    assert set(CASES) == wanted


@pytest.mark.parametrize("kind", CASES)
@settings(thorough, max_examples=EXAMPLES)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_kernel_equals_tflm(kind: str, data: st.DataObject, seed: int) -> None:
    _compare(kind, data, seed, set())


@pytest.mark.full
@pytest.mark.parametrize("kind", CASES)
@settings(thorough, max_examples=EXAMPLES_IN_FULL)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_kernel_equals_tflm_in_many_cases(kind: str, data: st.DataObject, seed: int) -> None:
    _compare(kind, data, seed, SEEN.setdefault(kind, set()))


def _compare(kind: str, data: st.DataObject, seed: int, seen: set[int]) -> None:
    """A model of ops of one kind against TFLM; what was `seen` is not counted again."""
    model = independent_ops([kind] * OPS_A_MODEL, data.draw, seen)
    windows = random_windows(model, WINDOWS, np.random.default_rng(seed)) + extreme_windows(model)
    with TemporaryDirectory() as folder:
        ours = run_compiled(model, windows, Path(folder), observable=False)
    np.testing.assert_array_equal(ours, run_oracle(model, windows, observable=False))


@pytest.mark.full
def test_there_were_twenty_thousand_cases() -> None:
    if set(SEEN) != set(CASES):
        pytest.skip("not every kind of op was tested")
    assert sum(map(len, SEEN.values())) >= 20_000


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


@pytest.mark.parametrize("depth", [512, 600, 8191])
def test_softmax_of_many_equal_values_is_nothing(depth: int, tmp_path: Path) -> None:
    """Less than half a unit each. TFLM stops there; a board has no such way out."""
    builder = TFLiteBuilder()
    x = builder.input((depth,), 0.1, 0)
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    builder.op("SOFTMAX", [x], builder.tensor((depth,), 1 / 256, -128), options)
    model = parse_tflite(builder.content(), tmp_path / "softmax.tflite")
    found = run_compiled(model, [[np.full(depth, 5, np.int8)]], tmp_path, observable=False)
    np.testing.assert_array_equal(found.view(np.int8), np.full_like(found.view(np.int8), -128))
