"""Every malformed input ends in one line and exit code 2, soon, small, and with nothing left."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.converter.conftest import sensor_windows
from tests.converter.malformed import CASES, sound, windows

SECONDS = 20
PEAK_BYTES = 2_000_000_000

Job = dict[str, Any]


@pytest.fixture(scope="module")
def convert() -> Iterator[Callable[[Job], Job]]:
    """`midfuse convert` in a fork of a process that has imported it."""
    command = [sys.executable, "-m", "tests.converter.forkserver"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None

        def run(job: Job) -> Job:
            print(json.dumps(job), file=server.stdin, flush=True)
            assert server.stdout is not None
            answer: Job = json.loads(server.stdout.readline())
            return answer

        yield run
        server.stdin.close()


@pytest.fixture(scope="module")
def untouched(student_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    (folder / "m.onnx").write_bytes(sound().SerializeToString())
    np.savez(folder / "c.npz", **windows())
    for suffix in (".json", ".safetensors"):
        shutil.copyfile(student_file.with_suffix(suffix), folder / f"student{suffix}")
    np.savez(folder / "s.npz", **sensor_windows(4, seed=0))
    return folder


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("name", CASES)
def test_malformed_input(
    name: str, convert: Callable[[Job], Job], untouched: Path, tmp_path: Path
) -> None:
    folder, temp = tmp_path / "folder", tmp_path / "temp"
    shutil.copytree(untouched, folder)
    temp.mkdir()
    model, calibration, says = CASES[name](folder)
    before = _files(folder)
    arguments = [model, "--calibration", calibration, "--out", "out"]
    answer = convert({"arguments": arguments, "folder": str(folder), "temp": str(temp)})
    printed = (folder / "stderr").read_text()
    lines = [line for line in printed.splitlines() if line.startswith("error: ")]
    print(printed)
    assert answer["code"] == 2, printed
    assert len(lines) == 1, printed
    assert says in lines[0]
    # The net below all checks; whatever falls into it was not foreseen.
    assert "the conversion failed" not in lines[0]
    assert lines[0].startswith((f"error: {model.partition(':')[0]}", f"error: {calibration}")) or (
        "student." in lines[0]
    )
    assert len(lines[0]) < 1500
    assert "Traceback" not in printed
    assert (folder / "stdout").read_text() == ""
    assert answer["seconds"] < SECONDS
    assert answer["peak_bytes"] < PEAK_BYTES
    left = {name for name in _files(folder) - before if not name.startswith("__pycache__")}
    assert left == {"stdout", "stderr"}
    assert _files(temp) == set()


def test_there_are_fifty_of_them_and_what_they_spoil_is_sound(
    convert: Callable[[Job], Job], untouched: Path, tmp_path: Path
) -> None:
    assert len(CASES) >= 50
    arguments = ["m.onnx", "--calibration", "c.npz", "--out", str(tmp_path / "out")]
    job = {"arguments": arguments, "folder": str(untouched), "temp": str(tmp_path)}
    assert convert(job)["code"] == 0, (untouched / "stderr").read_text()
