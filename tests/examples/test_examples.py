"""Every example runs as its README says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.boards.conftest import need_oracle
from tests.converter.conftest import random_student, sensor_windows
from tests.support.paths import DATA, ROOT, STUDENT

EXAMPLES = ROOT / "examples"
MODEL = DATA / "cnn_har_int8.tflite"
BIN = Path(sys.executable).parent


def run(*command: object, cwd: Path, **variables: str) -> str:
    """A command that must succeed; what it prints."""
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=os.environ | {"PATH": path} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_lists_every_example() -> None:
    linked = set(re.findall(r"\]\(([\w./]+)\)", (EXAMPLES / "README.md").read_text()))
    there = {
        path.name
        for path in EXAMPLES.iterdir()
        if path.name not in ("README.md", "__init__.py", "__pycache__")
    }
    assert linked == there


def test_to_a_board(tmp_path: Path) -> None:
    """Ten lines: convert, build, evaluate on an emulated board, print the accuracy."""
    need_oracle()
    script = EXAMPLES / "to_a_board.py"
    statements = [
        line
        for line in script.read_text().splitlines()
        if line and not line.startswith(('"""', "import", "from", " ", ")"))
    ]
    assert len(statements) <= 10
    random_student(tmp_path)
    np.savez(tmp_path / "calibration.npz", **sensor_windows(64, seed=1))
    np.savez(tmp_path / "test.npz", **sensor_windows(12, seed=2), labels=np.arange(12) % 3)
    printed = run(sys.executable, script, tmp_path, cwd=tmp_path)
    assert re.search(r"\d+ bytes of flash, 0 differing bytes", printed)
    assert re.search(r"accuracy [01]\.\d{4} over 12 windows", printed)


@pytest.mark.parametrize("board", ["", "qemu-mps2-an386"])
def test_own_firmware(board: str, tmp_path: Path) -> None:
    options = [f"BOARD={board}"] if board else []
    printed = run(
        "make", "-C", EXAMPLES / "own_firmware", f"MODEL={MODEL}", f"OUT={tmp_path}", *options,
        cwd=tmp_path,
    )  # fmt: skip
    if not board:
        assert re.search(r"^class \d+$", printed, re.MULTILINE)
    else:
        assert (tmp_path / "main.o").is_file()


def test_own_recordings(tmp_path: Path) -> None:
    run(sys.executable, EXAMPLES / "own_recordings" / "record.py", tmp_path / "own", cwd=tmp_path)
    command = ("midfuse", "data", "folder", "--data", tmp_path / "own", "--out", tmp_path / "out")
    shown = run(*command, cwd=tmp_path)
    assert "eve, finn" in shown
    assert re.search(r"slow\W+6\W", shown)


def test_hardware_in_the_loop(tmp_path: Path) -> None:
    need_oracle()
    windows = np.random.default_rng(1).normal(size=(4, 128, 3)).astype(np.float32)
    model = STUDENT / "student_int8.tflite"
    predicted = _classes(model, windows)
    np.savez(tmp_path / "windows.npz", **{"0": windows, "1": windows}, labels=predicted)
    printed = run(
        "pytest", EXAMPLES / "hardware_in_the_loop", "--midfuse-board", "native",
        "-p", "no:cacheprovider", cwd=tmp_path, MODEL=str(model),
        WINDOWS=str(tmp_path / "windows.npz"),
    )  # fmt: skip
    assert "1 passed" in printed
    assert "1.0000" in printed


def _classes(path: Path, windows: "np.typing.NDArray[np.float32]") -> "np.typing.NDArray[np.int64]":
    """What TFLM answers when both of the student's sensors give these windows."""
    from firmware_tools.measure.inputs import match_inputs
    from midfuse.core.oracle import run_windows
    from midfuse.core.scores import classes
    from midfuse.core.tflite_file import read_tflite

    model = read_tflite(path)
    arrays = {str(i): windows for i in range(len(model.inputs))}
    return classes(run_windows(model, match_inputs(arrays, model, path))[0])
