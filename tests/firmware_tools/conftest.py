"""Images of the toy model, and the firmware's codec and server as a program of this computer."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_tools.board import FIRMWARE, RUNTIME, read_board
from firmware_tools.build import C_FLAGS, SANITIZE, Image, link_firmware
from tests.firmware_tools.toy import TOY_MODEL, TOY_SHA256

HERE = Path(__file__).parent
FirmwareRun = Callable[..., bytes]


def toy_image(board: str, out: Path, *, sanitize: bool = False) -> Image:
    return link_firmware(
        read_board(board), [TOY_MODEL], out, model_sha256=TOY_SHA256, sanitize=sanitize
    )


@pytest.fixture(scope="session")
def toy_native(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Under address and undefined-behaviour sanitizers."""
    return toy_image("native", tmp_path_factory.mktemp("native"), sanitize=True)


@pytest.fixture(scope="session")
def toy_qemu(tmp_path_factory: pytest.TempPathFactory) -> Image:
    for program in ("qemu-system-arm", "arm-none-eabi-gcc"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    return toy_image("qemu-mps2-an386", tmp_path_factory.mktemp("qemu"))


@pytest.fixture(scope="session")
def firmware_run(tmp_path_factory: pytest.TempPathFactory) -> FirmwareRun:
    """Runs board_harness.c (modes: see there) with the firmware's codec and server, under
    sanitizers: standard input and arguments in, standard output out."""
    folder = tmp_path_factory.mktemp("harness")
    (folder / "board_config.h").write_text(
        '#define MF_BOARD_NAME "harness"\n'
        '#define MF_FIRMWARE_VERSION "0"\n'
        "#define MF_CLOCK_HZ 0u\n"
        "#define MF_TICKS_PER_SECOND 1u\n"
        "#define MF_INSTRUCTIONS_PER_1000_TICKS 0u\n"
        "#define MF_WRITE_BYTES 256\n"
        "#define MF_READ_BYTES 1024\n"
    )
    program = folder / "harness"
    sources = [
        *(HERE / name for name in ("board_harness.c", "toy_model.c")),
        *(FIRMWARE / name for name in ("server.c", "frame.c")),
    ]
    includes = [f"-I{path}" for path in (folder, FIRMWARE, RUNTIME)]
    command = ["gcc", *C_FLAGS, *SANITIZE, *includes, *map(str, sources), "-o", str(program)]
    subprocess.run(command, check=True)

    def run(received: bytes, *arguments: str) -> bytes:
        done = subprocess.run(
            [str(program), *arguments], input=received, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run
