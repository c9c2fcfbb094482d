"""UF2: a boot loader that shows up as a drive, and writes what is copied onto it into flash."""

import os
import re
import time
from pathlib import Path
from typing import BinaryIO

from firmware_tools.board.registry import Board
from firmware_tools.board.schema import Uf2Entry
from firmware_tools.flash.payload import Payload
from firmware_tools.flash.programmer import Capabilities, choose, half_written
from firmware_tools.flash.uf2_file import BLOCK_BYTES, uf2_blocks
from midfuse.core.errors import DeviceError, InputError
from midfuse.core.progress import SILENT, Progress

INFO = "INFO_UF2.TXT"
_BOARD_ID = re.compile(r"^Board-ID:\s*(\S.*?)\s*$", re.MULTILINE)
_LONGEST_INFO = 4096
_MOUNTS = Path("/proc/self/mounts")
# How long a boot loader takes from the last block to its reset.
_LEAVE_SECONDS = 10.0
_CHUNK = 64 * BLOCK_BYTES


class Uf2:
    """Copies an image onto the drive. The boot loader resets the board when it has every block,
    which takes the drive away: that is its only answer.
    """

    name = "uf2"
    capabilities = Capabilities(
        erase=True, verify=False, identify=True, reset=True, probe="the drive's folder"
    )

    def __init__(self, board: Board, entry: Uf2Entry) -> None:
        self._board = board
        self._entry = entry

    def require(self) -> None:
        """Needs no program."""

    def find(self, probe: str | None) -> str:
        """See `Programmer`; without `probe`, among the mounted drives of this kind of board."""
        if probe is not None:
            self._check(Path(probe))
            return probe
        ours = [str(drive) for drive in mounted() if self._is_ours(board_id(drive / INFO) or "")]
        remedy = (
            "connect the board, start its boot loader (often by pressing reset twice) and mount"
            " its drive, or name the drive's folder as `probe`"
        )
        return choose(ours, None, "UF2 drive", self._board.name, remedy)

    def plan(self, payload: Payload, probe: str | None) -> list[str]:
        """See `Programmer`."""
        blocks = self._blocks(payload)
        return [
            f"write {len(blocks)} bytes ({len(blocks) // BLOCK_BYTES} blocks from"
            f" {payload.start:#010x}, family {self._entry.family_id:#010x})"
            f" to {self._file(Path(probe or 'DRIVE'))}"
        ]

    def write(self, payload: Payload, probe: str, progress: Progress = SILENT) -> None:
        """See `Programmer`."""
        drive = Path(probe)
        self._check(drive)
        blocks = self._blocks(payload)
        device = mounted().get(drive.resolve())
        with half_written(self._board.name), progress.task("write flash", len(blocks)) as task:
            try:
                with self._file(drive).open("wb") as file:
                    for at in range(0, len(blocks), _CHUNK):
                        file.write(blocks[at : at + _CHUNK])
                        _sync(file, last=at + _CHUNK >= len(blocks))
                        task.advance(len(blocks[at : at + _CHUNK]))
            except OSError as error:
                raise DeviceError(f"{drive}: {error.strerror}") from None
            self._await_reset(drive, device)

    def _await_reset(self, drive: Path, device: Path | None) -> None:
        give_up = time.monotonic() + _LEAVE_SECONDS
        # A file may still be read from memory when its device is gone.
        while board_id(drive / INFO) is not None and (device is None or device.exists()):
            if time.monotonic() > give_up:
                raise DeviceError(f"{drive} is still there after {_LEAVE_SECONDS:g} s")
            time.sleep(0.05)

    def _check(self, drive: Path) -> None:
        found = board_id(drive / INFO)
        if found is None:
            raise DeviceError(
                f"`probe` {drive}: no UF2 drive, as it has no {INFO} with a Board-ID",
                "start the board's boot loader and mount its drive",
            )
        if not self._is_ours(found):
            raise DeviceError(
                f"wrong chip: {drive / INFO} says {found!r}, and a {self._board.name} says"
                f" {self._entry.board_id!r}; nothing was written",
                "check which board is connected, and `board` and `probe`",
            )

    def _is_ours(self, found: str) -> bool:
        return re.match(self._entry.board_id, found) is not None

    def _blocks(self, payload: Payload) -> bytes:
        try:
            return uf2_blocks(payload.start, payload.data, self._entry.family_id)
        except ValueError as error:
            raise InputError(
                f"{payload.elf}: start {error}", "correct memory.flash.start in its board.toml"
            ) from None

    def _file(self, drive: Path) -> Path:
        return drive / "MIDFUSE.UF2"


def mounted() -> dict[Path, Path]:
    """The folders at which FAT drives are mounted, and their devices (on Linux; elsewhere none)."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return {}
    mounts = [line.split() for line in lines]
    return {_path(folder): _path(device) for device, folder, kind, *_ in mounts if kind == "vfat"}


def _path(text: str) -> Path:
    """Blanks in a name stand in the table of mounts in octal."""
    return Path(re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), text))


def board_id(info: Path) -> str | None:
    """The Board-ID in an INFO_UF2.TXT, or None where there is no such file."""
    try:
        with info.open("rb") as file:
            text = file.read(_LONGEST_INFO).decode(errors="replace")
    except OSError:
        return None
    found = _BOARD_ID.search(text.replace("\r\n", "\n"))
    return found[1] if found else None


def _sync(file: BinaryIO, last: bool) -> None:
    """Past the computer's own memory; the board may be gone with the last block."""
    file.flush()
    try:
        os.fsync(file.fileno())
    except OSError:
        if not last:
            raise
