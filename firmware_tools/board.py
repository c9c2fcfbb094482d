"""Boards are data: one folder each, with a `board.toml` and, where needed, C of its own."""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from midfuse.errors import InputError

_PACKAGE = Path(__file__).parent
FIRMWARE = _PACKAGE / "firmware"
RUNTIME = _PACKAGE / "runtime"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Toolchain(_Strict):
    """The GCC that builds for the board, and the Debian packages that bring it."""

    prefix: str
    packages: str
    cpu_flags: list[str]
    link_flags: list[str]
    linker_script: str | None = None

    def program(self, name: str) -> str:
        """The full name of one of its programs, such as `gcc` or `objcopy`."""
        return self.prefix + name


class Firmware(_Strict):
    """C sources and folders of headers beside the common ones; see `Board.source`."""

    sources: list[str]
    includes: list[str] = []
    write_bytes: int = Field(gt=0, le=0x4000)
    read_bytes: int = Field(gt=0, le=0x4000)


class Region(_Strict):
    """A stretch of the address space."""

    start: int = Field(ge=0)
    bytes: int = Field(gt=0)


class Memory(_Strict):
    """Where code and data go; the stack is reserved at the bottom of `ram`."""

    flash: Region
    ram: Region
    stack_bytes: int = Field(gt=0, multiple_of=8)


class Ticks(_Strict):
    """The counter an inference is measured with; 0 instructions a tick where it counts time."""

    source: str
    width_bits: int = Field(gt=0, le=64)
    per_second: int = Field(gt=0)
    instructions_per_tick: float = Field(ge=0)


class Uart(_Strict):
    """The serial port that carries the protocol."""

    driver: str
    base: int = Field(ge=0)
    irq: int = Field(ge=0)
    baud: int = Field(gt=0)


class EmulatorFlash(_Strict):
    """QEMU: the image is handed to it at its start."""

    backend: Literal["emulator"]
    program: str
    packages: str
    arguments: list[str]


class ProcessFlash(_Strict):
    """The image is a program of this computer."""

    backend: Literal["process"]


class BoardFile(_Strict):
    """What `board.toml` says."""

    title: str
    core: str
    clock_hz: int = Field(ge=0)
    seen: str
    toolchain: Toolchain
    firmware: Firmware
    memory: Memory | None = None
    ticks: Ticks
    uart: Uart | None = None
    flash: list[Annotated[EmulatorFlash | ProcessFlash, Field(discriminator="backend")]] = Field(
        min_length=1
    )


class Board(BoardFile):
    """A board: its file, its name and the folder that both come from."""

    name: str
    folder: Path

    def source(self, name: str) -> Path:
        """A source, linker script or folder of headers, the board's own before the common one.

        Raises:
            InputError: neither has it.
        """
        for folder in (self.folder, FIRMWARE):
            if (folder / name).exists():
                return folder / name
        raise InputError(
            f"{self.folder / 'board.toml'}: {name}: no such file",
            f"put it into {self.folder} or name one of {FIRMWARE}",
        )


def boards_folder() -> Path:
    """The boards of the installed wheel, or else of the checkout."""
    installed = _PACKAGE / "_boards"
    return installed if installed.is_dir() else _PACKAGE.parent / "boards"


def board_names() -> list[str]:
    """All boards, sorted."""
    return sorted(file.parent.name for file in boards_folder().glob("*/board.toml"))


def read_board(name: str) -> Board:
    """A board by its name.

    Raises:
        InputError: no such board, or its file has a wrong key or value.
    """
    names = board_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names
        raise InputError(f"no board {name!r}", f"near names: {', '.join(near)}")
    return read_board_file(boards_folder() / name / "board.toml")


def read_board_file(path: Path) -> Board:
    """Read and validate one `board.toml`; the folder's name is the board's.

    Raises:
        InputError: not readable, not TOML, or a key that is wrong.
    """
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror})", "name a board.toml"
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: not TOML ({error})", "correct the line") from None
    try:
        file = BoardFile.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {key}: {first['msg']}", "correct the key") from None
    return Board(name=path.parent.name, folder=path.parent, **dict(file))
