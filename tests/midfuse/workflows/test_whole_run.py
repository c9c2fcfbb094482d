"""The main job for real: recordings to predictions on a board."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from midfuse.core.card import read_card
from midfuse.core.macs import model_macs
from midfuse.core.results import RunResult, TrainResult
from midfuse.core.tflite_file import read_tflite
from tests.trainer.conftest import own_recordings, write_folder

NEEDED = ("arm-none-eabi-gcc", "qemu-system-arm")

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, NEEDED)), reason=f"needs {' and '.join(NEEDED)} (make setup)"
)


def run(out: Path, *options: str) -> RunResult:
    """`midfuse run`, and what holds of every run."""
    pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
    line = [sys.executable, "-m", "midfuse", "run", *options, "--out", str(out), "--json"]
    answer = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True)
    summary = RunResult.model_validate_json(answer.stdout)
    assert summary == RunResult.model_validate_json((out / "summary.json").read_bytes())
    assert summary.differing_bytes == 0
    assert summary.accuracy["on_device"] == summary.accuracy["student_int8_host"]
    assert summary.instructions_per_inference
    assert summary.flash_bytes is not None
    assert summary.ram_bytes is not None
    assert summary.flash_bytes > summary.ram_bytes > 0
    # Counted in PyTorch before anything is exported, and in what was.
    trained = TrainResult.model_validate_json((out / "train" / "summary.json").read_bytes())
    exported = read_tflite(out / "convert" / "student_int8.tflite")
    assert trained.trainings[0].macs["student"] == model_macs(exported)
    split = read_card(out / "convert" / "student.json").training.split
    assert set(split["test"]).isdisjoint({*split["train"], *split["validation"]})
    return summary


def test_a_small_set_to_predictions_on_a_board(tmp_path: Path) -> None:
    data = write_folder(own_recordings(), tmp_path / "recordings")
    summary = run(tmp_path / "out", "--dataset", "folder", "--data", str(data))
    # Three classes that differ in pace alone.
    assert min(summary.accuracy.values()) > 0.6


@pytest.mark.full
def test_the_demo(tmp_path: Path) -> None:
    summary = run(tmp_path)
    assert summary.windows >= 500
    accuracy = summary.accuracy
    assert abs(accuracy["student_int8_host"] - accuracy["student_float"]) <= 0.01
    # Seven classes; a model that learnt nothing is right one time in seven.
    assert min(accuracy.values()) > 0.7
