"""The public Python API: lazy, silent, typed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import midfuse
from firmware_tools.measure.windows import draw_windows
from midfuse.core.errors import InputError
from midfuse.core.results import Evaluation, Image, Profile
from midfuse.core.tflite_file import read_tflite
from tests.boards.conftest import need_oracle
from tests.support.paths import DATA, STUDENT

MODEL = DATA / "cnn_har_int8.tflite"


def test_importing_midfuse_is_instant_and_loads_nothing_heavy() -> None:
    """Bare Python's own start is part of both."""
    code = "import sys, time; t = time.perf_counter(); import midfuse;"
    code += "print(time.perf_counter() - t, *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, *modules = done.stdout.split()
    assert float(seconds) < 0.1
    assert not {"torch", "tensorflow", "numpy", "click", "rich"} & set(modules)


def test_every_name_is_there() -> None:
    for name in midfuse.__all__:
        assert callable(getattr(midfuse, name))
        assert name in dir(midfuse)
    with pytest.raises(AttributeError, match="reserved"):
        _ = midfuse.stream
    with pytest.raises(AttributeError, match="no attribute 'steam'"):
        _ = midfuse.steam


def test_build_evaluate_profile(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    need_oracle()
    windows = draw_windows(read_tflite(MODEL), 2)
    arrays = {"0": windows[0], "labels": np.array([0, 1])}
    image = midfuse.build(MODEL, "native", tmp_path)
    assert isinstance(image, Image)
    evaluation = midfuse.evaluate(MODEL, "native", arrays, tmp_path)
    assert isinstance(evaluation, Evaluation)
    assert (evaluation.windows, evaluation.differing_bytes) == (2, 0)
    assert evaluation.accuracy is not None
    kept = Evaluation.model_validate_json((tmp_path / "evaluation.json").read_bytes())
    assert kept == evaluation
    profile = midfuse.profile(str(MODEL), "native", out=tmp_path)
    assert isinstance(profile, Profile)
    assert Profile.model_validate_json((tmp_path / "profile.json").read_bytes()) == profile
    assert capfd.readouterr() == ("", "")


def test_load_card() -> None:
    assert midfuse.load_card(STUDENT / "student.json").name == "student"


def test_errors_name_the_parameter(tmp_path: Path) -> None:
    arrays = {"0": draw_windows(read_tflite(MODEL), 1)[0]}
    with pytest.raises(InputError, match="`per_op` builds its own image") as raised:
        midfuse.evaluate(MODEL, "native", arrays, tmp_path, per_op=True, port="/dev/null")
    assert "--" not in str(raised.value)
