"""Both studies for real, on recordings small enough to train on in seconds (6 minutes)."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.conftest import own_recordings, write_folder

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(
        not all(map(shutil.which, ("arm-none-eabi-gcc", "qemu-system-arm"))),
        reason="needs arm-none-eabi-gcc and qemu-system-arm (make setup)",
    ),
]


def study(name: str, own: Path, out: Path, *arguments: str) -> dict[str, Any]:
    line = [sys.executable, "-m", "midfuse", "study", name, "--dataset", "folder", "--data"]
    line += [str(own), "--student", "student-s", "--out", str(out), *arguments, "--json"]
    answer = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(answer.stdout)
    assert found == json.loads((out / f"{name}.json").read_text())
    assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    return found


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(own_recordings(), tmp_path_factory.mktemp("recordings") / "own")


def test_effectiveness(own: Path, tmp_path: Path) -> None:
    options = ("--seeds", "2", "--compare", "cnn,student-alone")
    found = study("effectiveness", own, tmp_path, *options)
    models = found["models"]
    assert list(models) == [
        "trees", "cnn", "mid_fusion", "teacher", "student_alone", "student_float",
        "student_int8_untuned", "student_int8_host", "on_device",
    ]  # fmt: skip
    for name, figures in models.items():
        # Three paces, clearly apart: anything that learns finds most of them.
        assert min(figures["accuracy"]["by_seed"]) > 0.6, name
    assert models["on_device"] == models["student_int8_host"]
    assert models["teacher"]["macs"] > models["student_float"]["macs"] > 0
    assert found["board"]["differing_bytes"] == 0
    assert found["board"]["instructions_per_inference"] > 0

    # Only what is gone is run again, and it gives the same.
    shutil.rmtree(tmp_path / "split-0-seed-1" / "board")
    kept = list(tmp_path.rglob("answer.json"))
    before = [path.stat().st_mtime_ns for path in kept]
    assert study("effectiveness", own, tmp_path, *options) == found
    assert [path.stat().st_mtime_ns for path in kept] == before
    assert (tmp_path / "split-0-seed-1" / "board" / "outputs.npz").is_file()


def test_scalability(own: Path, tmp_path: Path) -> None:
    found = study("scalability", own, tmp_path)["axes"]
    assert {axis: [point["label"] for point in points] for axis, points in found.items()} == {
        "modalities": ["acc", "gyro", "acc + gyro"],
        "window": ["64 samples", "128 samples", "256 samples"],
        "width": ["student-s", "student-m", "student-l"],
    }
    # The usual point is on every axis, trained once.
    assert found["modalities"][2] == found["window"][1] | {"label": "acc + gyro"}
    assert found["modalities"][2] == found["width"][0] | {"label": "acc + gyro"}
    assert len(list(tmp_path.glob("*/*/train"))) == 7
    for axis in ("window", "width"):
        for figure in ("macs", "instructions", "flash_bytes"):
            counts = [point["student"][figure] for point in found[axis]]
            assert counts == sorted(counts), (axis, figure)
    one, both = found["modalities"][0], found["modalities"][2]
    for model in ("teacher", "student"):
        assert both[model]["macs"] > one[model]["macs"]
        assert both[model]["accuracy"]["mean"] > 0.6
    assert all(p["student"]["differing_bytes"] == 0 for axis in found.values() for p in axis)
    widths = [point["teacher"] for point in found["width"]]
    assert widths[0] == widths[1] == widths[2]
