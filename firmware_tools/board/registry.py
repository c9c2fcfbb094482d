"""Boards are data: one folder each, with a `board.toml` and, where needed, C of its own."""

import difflib
import os
import tomllib
from pathlib import Path

from pydantic import ValidationError

from firmware_tools.board.schema import BoardFile, QemuEntry, explain
from midfuse.core.errors import InputError

_PACKAGE = Path(__file__).parents[1]
FIRMWARE = _PACKAGE / "firmware"
RUNTIME = _PACKAGE / "runtime"
# A folder with the user's own boards.
OWN_BOARDS = "MIDFUSE_BOARDS"


class Board(BoardFile):
    """A board: its file, its name and the folder that both come from."""

    name: str
    folder: Path

    @property
    def sources(self) -> list[Path]:
        """Its C: what `[firmware]` lists, the UART's driver and the tick counter's."""
        names = [*self.firmware.sources, f"ticks/{self.ticks.source}.c"]
        if self.uart:
            names.append(f"uart/{self.uart.driver}.c")
        return [self.source(name) for name in names]

    @property
    def instructions_per_tick(self) -> float:
        """As the emulator counts them; 0 on hardware, where ticks are time."""
        if isinstance(self.emulator, QemuEntry) and self.emulator.nanoseconds_per_instruction:
            tick = 1_000_000_000 / self.ticks.per_second
            return tick / self.emulator.nanoseconds_per_instruction
        return 0.0

    def on_hardware(self) -> "Board":
        """The board behind a port: not an emulated one, unless it can be nothing else."""
        return self.model_copy(update={"emulator": None}) if self.flash else self

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
    """All boards, ours and the user's, sorted.

    Raises:
        InputError: as `board_files`.
    """
    return sorted(board_files())


def board_files() -> dict[str, Path]:
    """The `board.toml` of each board by its name: ours, and those in $MIDFUSE_BOARDS.

    Raises:
        InputError: $MIDFUSE_BOARDS is no folder, or has a board of the same name as ours.
    """
    files = _files_in(boards_folder())
    named = os.environ.get(OWN_BOARDS)
    if not named:
        return files
    if not Path(named).is_dir():
        raise InputError(
            f"{OWN_BOARDS}: {named} is no folder", "name a folder with a folder a board in it"
        )
    own = _files_in(Path(named))
    for name in sorted(files.keys() & own.keys()):
        raise InputError(
            f"{own[name]}: Midfuse has a board {name!r} already", "give its folder another name"
        )
    return files | own


def _files_in(folder: Path) -> dict[str, Path]:
    return {file.parent.name: file for file in folder.glob("*/board.toml")}


def read_board(name: str) -> Board:
    """A board by its name.

    Raises:
        InputError: no such board, or its file has a wrong key or value.
    """
    files = board_files()
    if name not in files:
        names = sorted(files)
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names
        raise InputError(f"no board {name!r}", f"near names: {', '.join(near)}")
    return read_board_file(files[name])


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
        raise explain(path, error) from None
    board = Board(name=path.parent.name, folder=path.parent, **dict(file))
    _check_file(board, "ticks.source", "ticks", board.ticks.source)
    if board.uart:
        _check_file(board, "uart.driver", "uart", board.uart.driver)
    for source in [*board.firmware.sources, *board.firmware.includes]:
        board.source(source)
    return board


def _check_file(board: Board, key: str, folder: str, name: str) -> None:
    """Refuse the name of a driver that neither the board's folder nor ours has."""
    if not any((root / folder / f"{name}.c").is_file() for root in (board.folder, FIRMWARE)):
        known = sorted(path.stem for path in (FIRMWARE / folder).glob("*.c"))
        raise InputError(
            f"{board.folder / 'board.toml'}: {key}: no {name!r}",
            f"known: {', '.join(known)}; or put {folder}/{name}.c beside the file",
        )
