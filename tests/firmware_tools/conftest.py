"""The firmware's codec and server as a program of this computer."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_tools.board.registry import FIRMWARE, RUNTIME, boards_folder
from firmware_tools.image.elf import C_FLAGS, SANITIZE

HERE = Path(__file__).parent
FirmwareRun = Callable[..., bytes]
# The ids of the debugger on many boards of ST.
ST_LINK = "0483:374b"


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
        *(
            FIRMWARE / name
            for name in ("server.c", "requests.c", "steps.c", "frame.c", "image_id.c")
        ),
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


@pytest.fixture
def hardware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A user's board with the chip of qemu-mps2-an386, an ST-LINK, and no emulator."""
    text = (boards_folder() / "qemu-mps2-an386" / "board.toml").read_text(encoding="utf-8")
    text = text[: text.index("[emulator]")]
    text += f"""
[connection]
cable = "a USB cable to its ST-LINK"
usb = ["{ST_LINK}"]
dtr_rts = "nothing"

[[flash]]
backend = "openocd"
config = ["board/st_nucleo_f4.cfg"]

[[flash]]
backend = "gdb"
"""
    folder = tmp_path / "boards" / "real"
    folder.mkdir(parents=True)
    (folder / "board.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("MIDFUSE_BOARDS", str(folder.parent))
    return "real"
