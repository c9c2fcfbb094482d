"""What is installed from a wheel, away from the checkout, lists boards and builds firmware."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import DATA, ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what it needs, no extras, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    install = [str(environment / "bin" / "python"), "-m", "pip", "install", "-q", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    return environment


def midfuse(installed: Path, *arguments: str) -> dict[str, object]:
    done = subprocess.run(
        [installed / "bin" / "midfuse", *arguments, "--json"],
        cwd=installed.parent,
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
    (packages,) = (installed / "lib").glob("python*/site-packages")
    assert not (packages / "tests").exists()
    assert not (packages / "torch").exists()
    assert not (packages / "tensorflow").exists()


def test_firmware_is_built_from_the_wheel(installed: Path) -> None:
    model = DATA / "cnn_har_int8.tflite"
    built = midfuse(installed, "build", str(model), "--board", "native", "--out", "built")
    assert Path(installed.parent / str(built["elf"])).is_file()


def test_source_is_written_from_the_wheel(installed: Path) -> None:
    model = DATA / "cnn_har_int8.tflite"
    midfuse(installed, "build", str(model), "--source-only", "--report", "--out", "source")
    assert (installed.parent / "source" / "README.md").is_file()
    assert (installed.parent / "source" / "memory.html").is_file()


@pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None or shutil.which("qemu-system-arm") is None,
    reason="arm-none-eabi-gcc or qemu-system-arm is not installed",
)
def test_models_are_benched_from_the_wheel(installed: Path) -> None:
    """Under a name that no target is for."""
    pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
    model = installed.parent / "mine.tflite"
    shutil.copy(DATA / "cnn_har_int8.tflite", model)
    options = ("--board", "qemu-mps2-an386", "--inferences", "2", "--out", "benched")
    cells = midfuse(installed, "bench", str(model), *options)["cells"]
    assert isinstance(cells, list)
    assert [cell["targets"] for cell in cells] == [[]]
    assert (installed.parent / "benched" / "bench.svg").is_file()
