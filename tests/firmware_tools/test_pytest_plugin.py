"""The plugin in a pytest run of its own, as a user's project would have it."""

from pathlib import Path

import numpy as np
import pytest

from midfuse.oracle import run_windows
from midfuse.tflite_file import read_tflite

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
MODEL = Path(__file__).parents[1] / "data" / "transformer_relu_int8.tflite"


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Three tests and a recording of 20 windows, 15 of them labelled right."""
    model = read_tflite(MODEL)
    random = np.random.default_rng(2)
    inputs = [
        random.integers(-128, 128, (20, *model.tensors[index].shape), dtype=np.int8)
        for index in model.inputs
    ]
    expected = run_windows(model, inputs)
    labels = expected[0].reshape(20, -1).argmax(axis=1)
    labels[:5] += 1
    np.savez(pytester.path / "windows.npz", a=inputs[0], b=inputs[1], labels=labels, out=expected)
    pytester.makepyfile(
        f"""
        import numpy as np
        import pytest

        DATA = np.load("windows.npz")
        INPUTS = [DATA["a"], DATA["b"]]

        @pytest.fixture
        def model(midfuse_board):
            return midfuse_board.load({str(MODEL)!r})

        def test_bytes(model):
            assert np.array_equal(model.run(INPUTS), DATA["out"])

        def test_good_enough(model):
            assert model.assert_accuracy(INPUTS, DATA["labels"], at_least=0.75) == 0.75

        def test_too_bad(model):
            model.assert_accuracy({{"0": INPUTS[0], "1": INPUTS[1]}}, DATA["labels"], at_least=0.8)
        """
    )
    return pytester


def test_a_board_for_a_user_s_tests(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--midfuse-board", "native")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*accuracy on native is 0.7500 (15 of 20 windows), wanted at least 0.8*"]
    )


def test_without_a_board_they_are_skipped(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("-rs")
    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines(["*needs a board: pytest --midfuse-board NAME*"])


def test_an_unknown_board_is_wrong_use(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("--midfuse-board", "nativ")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no board 'nativ'; near names: native*"])


def test_other_runs_import_nothing_of_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            assert not {"numpy", "serial", "pydantic", "click"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess("-p", "no:hypothesispytest").assert_outcomes(passed=1)
