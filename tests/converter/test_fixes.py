"""`--fix` wins back what int8 lost, for three reasons, and leaves a healthy model alone."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from converter.checks.per_op import quantise_inputs
from converter.fixes.score import (
    GAIN_AGREEMENT,
    GAIN_DB,
    HEALTHY_AGREEMENT,
    HEALTHY_SQNR_DB,
    SLACK_AGREEMENT,
    SLACK_DB,
    Score,
    helps,
)
from converter.fixes.search import Fixed, fix
from converter.quantising.quantise import quantise_model
from converter.quantising.ranges import minmax_ranges
from converter.reading.windows import Windows
from midfuse.core.errors import InputError
from tests.converter import fixable
from tests.converter.fixable import Case
from tests.support.host_build import random_windows, run_compiled, run_oracle
from tests.support.paths import DOCS

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")


@pytest.fixture(scope="session")
def recordings() -> fixable.Recordings:
    return fixable.recordings()


@pytest.fixture(scope="session")
def uneven(recordings: fixable.Recordings, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Channels of very different sizes between layers."""
    return fixable.case("uneven channels", recordings, tmp_path_factory.mktemp("uneven"))


@pytest.fixture(scope="session")
def glitches(recordings: fixable.Recordings, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Glitches of the sensor in the calibration windows."""
    return fixable.case("glitches", recordings, tmp_path_factory.mktemp("glitches"))


@pytest.fixture(scope="session")
def outlier(recordings: fixable.Recordings, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A channel of a transformer's residual stream far larger than all others."""
    return fixable.case("outlier channel", recordings, tmp_path_factory.mktemp("outlier"))


@pytest.fixture(scope="session")
def fixed_outlier(outlier: Case) -> Fixed:
    return outlier.fixed()


def _kept(fixed: Fixed) -> list[str]:
    return [item.name for item in fixed.items if item.kept]


def _won_back(case: Case, fixed: Fixed) -> None:
    """At least 80 % of the accuracy that plain int8 loses on people it has never seen."""
    exact, plain = case.float_accuracy(), case.int8_accuracy(case.int8)
    assert len(case.test) > 2000
    assert exact - plain > 0.02
    assert (case.int8_accuracy(fixed.int8) - plain) / (exact - plain) >= 0.8


def test_uneven_channels_are_evened_out(uneven: Case) -> None:
    fixed = uneven.fixed()
    _won_back(uneven, fixed)
    assert "cross-layer equalisation" in _kept(fixed)
    assert fixed.wide == ()


def test_glitches_are_clipped(glitches: Case) -> None:
    fixed = glitches.fixed()
    _won_back(glitches, fixed)
    assert any("percentile" in name for name in _kept(fixed))
    assert fixed.float_model is glitches.float_model
    assert fixed.wide == ()


def test_a_residual_streams_outlier_gets_int16(outlier: Case, fixed_outlier: Fixed) -> None:
    _won_back(outlier, fixed_outlier)
    (kept,) = [name for name in _kept(fixed_outlier) if "int16" in name]
    assert kept == f"int16 for {len(fixed_outlier.wide)} tensors"
    types = [fixed_outlier.int8.tensors[op.outputs[0]].dtype for op in fixed_outlier.int8.ops]
    assert 0 < types.count("int16") < types.count("int8")
    ends = (*fixed_outlier.int8.inputs, *fixed_outlier.int8.outputs)
    assert {fixed_outlier.int8.tensors[index].dtype for index in ends} == {"int8"}


def test_a_model_of_both_types_has_tflms_bytes(
    outlier: Case, fixed_outlier: Fixed, tmp_path: Path
) -> None:
    """Every tensor, on real windows and on random bytes."""
    model = fixed_outlier.int8
    (codes,) = quantise_inputs(model, outlier.test.spread(10).inputs)
    windows = [[window] for window in codes]
    windows += random_windows(model, 10, np.random.default_rng(0))
    for observable in (True, False):
        ours = run_compiled(model, windows, tmp_path, observable=observable)
        np.testing.assert_array_equal(ours, run_oracle(model, windows, observable=observable))


def test_every_tensor_in_int16_has_tflms_bytes(outlier: Case, tmp_path: Path) -> None:
    names = [tensor.name for tensor in outlier.float_model.tensors if tensor.data is None]
    ranges = minmax_ranges(outlier.float_model, outlier.calibration.spread(50))
    model = quantise_model(outlier.float_model, ranges, tmp_path / "wide.tflite", "model", names)
    assert {model.tensors[op.outputs[0]].dtype for op in model.ops[:-1]} == {"int16"}
    windows = random_windows(model, 10, np.random.default_rng(0))
    ours = run_compiled(model, windows, tmp_path, observable=True)
    np.testing.assert_array_equal(ours, run_oracle(model, windows, observable=True))


def test_a_healthy_model_keeps_its_bytes(glitches: Case, recordings: fixable.Recordings) -> None:
    """The same network on windows without glitches."""
    clean = Windows([recordings.training[:, None]], recordings.training_labels)
    ranges = minmax_ranges(glitches.float_model, clean)
    plain = quantise_model(glitches.float_model, ranges, glitches.int8.path, "model")
    fixed = fix(glitches.float_model, clean, glitches.int8.path, "model")
    assert fixed.int8.content == plain.content
    assert fixed.items == []
    assert fixed.ranges == ranges


def test_the_command_fixes_and_says_what_it_did(uneven: Case, tmp_path: Path) -> None:
    onnx = next((uneven.folder / "plain").glob("*.onnx"))
    calibration = tmp_path / "calibration.npz"
    np.savez(calibration, x=uneven.calibration.inputs[0][:, 0])
    command = [sys.executable, "-m", "midfuse", "convert", str(onnx), "--fix", "--json"]
    command += ["--calibration", str(calibration), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    (item,) = [i for i in json.loads(done.stdout)["fixes"] if i["name"].startswith("cross-layer")]
    assert item["kept"]
    assert item["after"]["sqnr_db"] > item["before"]["sqnr_db"] + 6
    assert "Fixes" in done.stderr


def test_too_few_windows_to_judge_by_are_refused(glitches: Case) -> None:
    with pytest.raises(InputError, match="19 calibration windows are too few"):
        fix(glitches.float_model, glitches.calibration.spread(19), Path("m.tflite"), "model")


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        (Score(10, 0.9), Score(11.5, 0.9), True),
        (Score(10, 0.9), Score(10.5, 0.9), False),
        (Score(10, 0.9), Score(10, 0.93), True),
        (Score(10, 0.9), Score(15, 0.88), False),
        (Score(10, 0.9), Score(8, 0.95), False),
        (Score(10, 0.9, 0.8), Score(15, 0.9, 0.78), False),
        (Score(10), Score(11.5), True),
    ],
)
def test_a_fix_is_kept_for_a_gain_without_a_loss(before: Score, after: Score, kept: bool) -> None:
    assert helps(before, after) is kept


def test_the_docs_page_states_the_thresholds() -> None:
    page = (DOCS / "convert-to-tflite.md").read_text()
    assert f"reach {HEALTHY_SQNR_DB:g} dB in nine windows of ten" in page
    assert f"float's class in {HEALTHY_AGREEMENT:.0%}".replace("%", " %") in page
    gain = f"gains {GAIN_DB:g} dB or the agreement {100 * GAIN_AGREEMENT:g} points"
    loss = f"({SLACK_DB:g} dB, {100 * SLACK_AGREEMENT:g} point;"
    assert gain in page
    assert loss in page
