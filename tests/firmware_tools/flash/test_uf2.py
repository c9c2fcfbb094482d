"""UF2: the format, the drive, and a boot loader that takes what is copied onto it."""

import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firmware_tools.board.schema import Region, Uf2Entry
from firmware_tools.commands.flash import in_words
from firmware_tools.flash import uf2
from firmware_tools.flash.flow import flash_image
from firmware_tools.flash.uf2 import INFO, Uf2
from midfuse.core.errors import DeviceError, InputError, MidfuseError
from midfuse.core.results import Image
from tests.firmware_tools.flash.flash_boards import board_with

FAMILY = 0x57755A57
ENTRY = Uf2Entry(backend="uf2", board_id="MPS2-", family_id=FAMILY)
BOARD = board_with(ENTRY)
BACKEND = Uf2(BOARD, ENTRY)


def drive(folder: Path, board_id: str = "MPS2-AN386-v1") -> Path:
    folder.mkdir()
    text = f"UF2 Bootloader v1.0\r\nModel: a board\r\nBoard-ID: {board_id}\r\nDate: today\r\n"
    (folder / INFO).write_text(text, newline="")
    return folder


def blocks_of(content: bytes) -> dict[int, bytes]:
    """Address and bytes of each block, read as the specification says."""
    found = {}
    count = len(content) // 512
    assert len(content) == 512 * count
    for number in range(count):
        block = content[512 * number :][:512]
        words = struct.unpack_from("<8I", block)
        assert words[:3] == (0x0A324655, 0x9E5D5157, 0x2000)
        assert words[4:] == (256, number, count, FAMILY)
        assert words[3] % 256 == 0
        assert struct.unpack_from("<I", block, 508) == (0x0AB16F30,)
        found[words[3]] = block[32 : 32 + 256]
    return found


@contextmanager
def boot_loader(folder: Path) -> Iterator[dict[int, bytes]]:
    """Waits for a whole file, keeps its blocks and takes the drive away, as a reset does."""
    written: dict[int, bytes] = {}
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.02):
            for file in folder.glob("*.UF2"):
                content = file.read_bytes()
                if (
                    len(content) >= 512
                    and len(content) == 512 * struct.unpack_from("<I", content, 24)[0]
                ):
                    written.update(blocks_of(content))
                    (folder / INFO).unlink()
                    return

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield written
    finally:
        stop.set()
        thread.join()


def mounts(monkeypatch: pytest.MonkeyPatch, table: Path, *drives: Path) -> None:
    """A table of mounts as Linux writes it."""
    escaped = [str(each).replace(" ", "\\040") for each in drives]
    lines = [f"/dev/null {each} vfat rw,relatime 0 0\n" for each in escaped]
    table.write_text("proc /proc proc rw 0 0\n" + "".join(lines))
    monkeypatch.setattr(uf2, "_MOUNTS", table)


def refused(error: type[MidfuseError], image: Image, probe: Path | None) -> str:
    with pytest.raises(error) as caught:
        flash_image(image, BOARD, BACKEND, probe=None if probe is None else str(probe))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_boot_loader_gets_the_image(
    toy_qemu: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found among the mounted drives, beside another kind of board's."""
    ours = drive(tmp_path / "my drive")
    mounts(monkeypatch, tmp_path / "mounts", drive(tmp_path / "other", "Pico"), ours)
    with boot_loader(ours) as written:
        done = flash_image(toy_qemu, BOARD, BACKEND)
    assert toy_qemu.binary is not None
    content = b"".join(written[address] for address in sorted(written))
    binary = toy_qemu.binary.read_bytes()
    assert sorted(written) == list(range(0, len(content), 256))
    assert content == binary.ljust(len(content), b"\xff")
    assert (done.probe, done.verified, done.identified) == (str(ours), False, False)
    assert "is written by uf2; not yet identified: give --port" in in_words(done)


def test_no_drive_and_two_drives(
    toy_qemu: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts(monkeypatch, tmp_path / "mounts")
    assert refused(DeviceError, toy_qemu, None).startswith(
        "no UF2 drive for qemu-mps2-an386 found; connect the board"
    )
    two = [drive(tmp_path / "a"), drive(tmp_path / "b")]
    mounts(monkeypatch, tmp_path / "mounts", *two)
    message = refused(DeviceError, toy_qemu, None)
    assert message == (
        f"2 UF2 drives for qemu-mps2-an386 found: {two[0]}, {two[1]}; nothing was"
        " written; choose one as `probe`"
    )
    assert [list(each.iterdir()) for each in two] == [[each / INFO] for each in two]
    with boot_loader(two[1]) as written:
        flash_image(toy_qemu, BOARD, BACKEND, probe=str(two[1]))
    assert written
    assert list(two[0].iterdir()) == [two[0] / INFO]


def test_another_board_s_drive_and_none(toy_qemu: Image, tmp_path: Path) -> None:
    other = drive(tmp_path / "other", "RPI-RP2")
    message = refused(DeviceError, toy_qemu, other)
    assert "wrong chip" in message
    assert "says 'RPI-RP2', and a qemu-mps2-an386 says 'MPS2-'; nothing was written" in message
    assert list(other.iterdir()) == [other / INFO]
    assert "no UF2 drive, as it has no INFO_UF2.TXT" in refused(DeviceError, toy_qemu, tmp_path)


def test_a_drive_that_stays_or_fills_up_is_an_interrupted_flash(
    toy_qemu: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody takes the blocks; then nobody can: the file's place is a folder."""
    monkeypatch.setattr(uf2, "_LEAVE_SECONDS", 0.1)
    there = drive(tmp_path / "drive")
    message = refused(DeviceError, toy_qemu, there)
    assert "interrupted while its flash was written" in message
    assert f"({there} is still there after 0.1 s)" in message
    (there / "MIDFUSE.UF2").unlink()
    (there / "MIDFUSE.UF2").mkdir()
    assert f"({there}: Is a directory)" in refused(DeviceError, toy_qemu, there)
    (there / "MIDFUSE.UF2").rmdir()
    with boot_loader(there) as written:
        flash_image(toy_qemu, BOARD, BACKEND, probe=str(there))
    assert written


def test_a_start_that_no_boot_loader_can_write(toy_qemu: Image, tmp_path: Path) -> None:
    from firmware_tools.flash.payload import Payload

    odd = Payload(toy_qemu.elf, 0x80, b"x")
    with pytest.raises(InputError, match="start 0x80 is no multiple of 256"):
        BACKEND.plan(odd, None)


def test_an_image_that_does_not_fit(toy_qemu: Image, tmp_path: Path) -> None:
    there = drive(tmp_path / "drive")
    assert BOARD.memory is not None
    small = BOARD.memory.model_copy(update={"flash": Region(start=0, bytes=0x800)})
    board = BOARD.model_copy(update={"memory": small})
    with pytest.raises(InputError, match=r"\d+ bytes do not fit qemu-mps2-an386's flash of 2048"):
        flash_image(toy_qemu, board, Uf2(board, ENTRY), probe=str(there))
    assert list(there.iterdir()) == [there / INFO]
