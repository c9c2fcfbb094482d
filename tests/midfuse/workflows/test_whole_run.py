"""The main job for real, as `make demo` does it: recordings to predictions on a board."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from midfuse.core.macs import model_macs
from midfuse.core.tflite_file import read_tflite

NEEDED = ("arm-none-eabi-gcc", "qemu-system-arm")


@pytest.mark.skipif(
    not all(map(shutil.which, NEEDED)), reason=f"needs {' and '.join(NEEDED)} (make setup)"
)
def test_recordings_to_predictions_on_a_board(tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
    line = [sys.executable, "-m", "midfuse", "run", "--out", str(tmp_path), "--json"]
    answer = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True)
    summary = json.loads(answer.stdout)
    assert summary == json.loads((tmp_path / "summary.json").read_text())
    accuracy = summary["accuracy"]
    assert summary["windows"] >= 500
    assert summary["differing_bytes"] == 0
    assert accuracy["on_device"] == accuracy["student_int8_host"]
    assert abs(accuracy["student_int8_host"] - accuracy["student_float"]) <= 0.01
    # Seven classes; a model that learnt nothing is right one time in seven.
    assert min(accuracy.values()) > 0.7
    assert summary["instructions_per_inference"] > 0
    assert summary["flash_bytes"] > summary["ram_bytes"] > 0
    # Counted in PyTorch before anything is exported, and in what was.
    figures = json.loads((tmp_path / "train" / "figures.json").read_text())
    exported = read_tflite(tmp_path / "convert" / "student_int8.tflite")
    assert figures["macs"]["student"] == model_macs(exported)
    card = json.loads((tmp_path / "convert" / "student.json").read_text())
    held_out = set(card["training"]["split"]["test"])
    assert held_out.isdisjoint(card["training"]["split"]["train"])
    assert held_out.isdisjoint(card["training"]["split"]["validation"])
