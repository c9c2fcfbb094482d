"""What is installed from a wheel, away from the checkout, lists boards and builds firmware."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content in an empty folder."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def midfuse(installed: Path, *arguments: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "midfuse", *arguments, "--json"],
        cwd=installed.parent,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_boards_come_from_the_wheel(installed: Path) -> None:
    boards = midfuse(installed, "boards")["boards"]
    assert isinstance(boards, list)
    assert {"native", "qemu-mps2-an386"} <= {board["name"] for board in boards}
    assert all(Path(board["folder"]).is_relative_to(installed) for board in boards)
    assert not (installed / "tests").exists()


def test_firmware_is_built_from_the_wheel(installed: Path) -> None:
    model = ROOT / "tests" / "data" / "cnn_har_int8.tflite"
    built = midfuse(installed, "build", str(model), "--board", "native", "--out", "built")
    assert Path(installed.parent / str(built["elf"])).is_file()
