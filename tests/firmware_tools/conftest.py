"""The firmware's codec and server as a program of this computer."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_tools.board import FIRMWARE, RUNTIME
from firmware_tools.build import C_FLAGS, SANITIZE

HERE = Path(__file__).parent
FirmwareRun = Callable[..., bytes]


@pytest.fixture(scope="session")
def firmware_run(tmp_path_factory: pytest.TempPathFactory) -> FirmwareRun:
    """Runs board_harness.c (modes: see there) with the firmware's codec and server, under
    sanitizers: standard input and arguments in, standard output out."""
    folder = tmp_path_factory.mktemp("harness")
    (folder / "board_config.h").write_text(
        '#define MF_BOARD_NAME "harness"\n'
        '#define MF_FIRMWARE_VERSION "0"\n'
        "#define MF_IMAGE_ID {0xA0, 0xA1}\n"
        "#define MF_CLOCK_HZ 0u\n"
        "#define MF_TICKS_PER_SECOND 1u\n"
        "#define MF_WRITE_BYTES 256\n"
        "#define MF_READ_BYTES 1024\n"
    )
    program = folder / "harness"
    sources = [
        *(HERE / name for name in ("board_harness.c", "toy_model.c")),
        *(FIRMWARE / name for name in ("server.c", "steps.c", "frame.c", "image_id.c")),
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
