"""What cannot be converted beside malformed files: one line, exit code 2, nothing left."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from converter.commands.convert import convert
from converter.guard import guarded
from midfuse.core.errors import InputError
from tests.converter.conftest import STANDIN, sensor_windows

MODULE = f"{STANDIN}:two_sensors"


def _run(model: str | Path, calibration: Path, out: Path, *more: str) -> Result:
    options = ["--calibration", str(calibration), "--out", str(out), *more]
    return CliRunner().invoke(convert, [str(model), *options])


def _refused(result: Result, out: Path, *words: str) -> None:
    """One line, exit code 2, the words in it, and no folder made."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert result.exit_code == 2, result.output
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in lines[0]
    assert not out.exists()


def test_labels_of_another_length(student_file: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "calibration.npz", **sensor_windows(4, seed=0))
    np.savez(tmp_path / "test.npz", **sensor_windows(4, seed=0), labels=np.zeros(3, np.int64))
    test = ("--test", str(tmp_path / "test.npz"))
    result = _run(student_file, tmp_path / "calibration.npz", tmp_path / "out", *test)
    _refused(result, tmp_path / "out", "test.npz", "labels has the shape (3,)")


def test_out_that_is_a_file(calibration_file: Path, tmp_path: Path) -> None:
    result = _run(MODULE, calibration_file, calibration_file)
    assert result.exit_code == 2
    assert "is a file" in result.stderr


UNUSED = """
from torch import nn
class Unused(nn.Module):
    def forward(self, acc, gyro):
        return acc.relu()
"""


def test_a_module_that_ignores_an_input(calibration_file: Path, tmp_path: Path) -> None:
    (tmp_path / "modules.py").write_text(UNUSED)
    result = _run(f"{tmp_path}/modules.py:Unused", calibration_file, tmp_path / "out")
    _refused(result, tmp_path / "out", "modules.py", "input gyro is used by no op")


def test_what_nobody_foresaw_is_one_line_too_and_keeps_its_traceback() -> None:
    def work() -> int:
        raise ValueError("odd")

    with pytest.raises(
        InputError, match=r"m.onnx: the conversion failed \(ValueError: odd\)"
    ) as got:
        guarded(work, "m.onnx")
    assert "in work" in got.value.details
    assert guarded(lambda: [1, "two"], "m.onnx") == [1, "two"]


def test_command_line_alone_answers_a_wrong_name_quickly(tmp_path: Path) -> None:
    """torch takes seconds to import; a file that is not there needs none of it."""
    code = "import sys; sys.argv[0] = 'midfuse'; from midfuse.cli.main import main\n"
    code += "try:\n main()\nfinally:\n assert 'torch' not in sys.modules"
    arguments = ["convert", "none.safetensors", "--calibration", "none.npz"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: none.json")
    assert done.stderr.count("\n") == 1
