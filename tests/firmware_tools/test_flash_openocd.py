"""OpenOCD, the program itself: without a probe, and with the adapter and target that need none."""

import shutil
from pathlib import Path

import pytest

from firmware_tools.board import Board
from firmware_tools.board_file import OpenOcdEntry
from firmware_tools.flash.flow import flash_image
from firmware_tools.flash.openocd import OpenOcd
from firmware_tools.flash.usb import serial_numbers
from firmware_tools.image import Image
from midfuse.errors import CheckFailed, DeviceError, InputError, MidfuseError
from tests.firmware_tools.flash_boards import board_with

needs_openocd = pytest.mark.skipif(
    shutil.which("openocd") is None, reason="openocd is not installed"
)

# OpenOCD's own stand-ins: an adapter without wires, a target that does nothing, flash in a buffer.
STAND_IN = """
adapter driver dummy
transport select jtag
adapter speed 1000
jtag newtap toy cpu -irlen 4
target create toy.cpu testee -chain-position toy.cpu
flash bank toy.flash faux 0 0x10000 0 0 toy.cpu
"""


def board_of(*config: str, folder: Path | None = None, core: str = "other") -> Board:
    entry = OpenOcdEntry(backend="openocd", config=list(config))
    return board_with(entry, folder, core=core)


def refused(error: type[MidfuseError], image: Image, board: Board, probe: str | None = None) -> str:
    entry = board.flash[0]
    assert isinstance(entry, OpenOcdEntry)
    with pytest.raises(error) as caught:
        flash_image(image, board, OpenOcd(board, entry), probe=probe)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@needs_openocd
@pytest.mark.parametrize(
    ("adapter", "words"),
    [("cmsis-dap", "unable to find a matching CMSIS-DAP device"), ("stlink", "open failed")],
)
def test_no_probe(toy_qemu: Image, adapter: str, words: str) -> None:
    board = board_of(f"interface/{adapter}.cfg", "target/stm32f4x.cfg", core="cortex-m4")
    message = refused(DeviceError, toy_qemu, board)
    assert message.startswith(f"no board answers OpenOCD ({words}); check the cable")


@needs_openocd
def test_a_probe_without_a_board(toy_qemu: Image) -> None:
    board = board_of("interface/dummy.cfg", "target/stm32f4x.cfg", core="cortex-m4")
    assert "no board answers OpenOCD" in refused(DeviceError, toy_qemu, board)


@needs_openocd
def test_a_configuration_that_is_not_there(toy_qemu: Image) -> None:
    message = refused(InputError, toy_qemu, board_of("target/none.cfg"))
    assert "board.toml: flash.config: Can't find target/none.cfg" in message


@needs_openocd
def test_what_is_written_and_cannot_be_verified_has_failed(toy_qemu: Image, tmp_path: Path) -> None:
    """The stand-in takes the image and cannot be read."""
    (tmp_path / "stand_in.cfg").write_text(STAND_IN)
    message = refused(CheckFailed, toy_qemu, board_of("stand_in.cfg", folder=tmp_path))
    assert "verify failed: Target toy.cpu doesn't support checksum_memory; run" in message


def test_openocd_is_missing(toy_qemu: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert refused(DeviceError, toy_qemu, board_of("interface/dummy.cfg")) == (
        "openocd, which flashes qemu-mps2-an386, is not installed;"
        " sudo apt-get install --no-install-recommends openocd"
    )


def test_two_probes_of_the_board(
    toy_qemu: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As sysfs shows them: two of ours, another kind, and a hub's interface, which has no ids."""
    for name, vendor, product, serial in [
        ("1-1", "1209", "f00d", "B2"),
        ("1-2", "1209", "f00d", "A1"),
        ("1-3", "0483", "374b", "C3"),
    ]:
        (tmp_path / name).mkdir()
        for key, value in [("idVendor", vendor), ("idProduct", product), ("serial", serial)]:
            (tmp_path / name / key).write_text(f"{value}\n")
    (tmp_path / "1-0:1.0").mkdir()
    assert serial_numbers(["1209:f00d"], tmp_path) == ["A1", "B2"]
    monkeypatch.setattr(
        "firmware_tools.flash.openocd.serial_numbers", lambda ids: serial_numbers(ids, tmp_path)
    )
    board = board_of("interface/dummy.cfg")
    assert isinstance(board.flash[0], OpenOcdEntry)
    with pytest.raises(DeviceError) as caught:
        OpenOcd(board, board.flash[0]).find(None)
    assert str(caught.value) == (
        "2 probes for qemu-mps2-an386 found: A1, B2; nothing was written; choose one with --probe"
    )
    assert OpenOcd(board, board.flash[0]).find("A1") == "A1"
