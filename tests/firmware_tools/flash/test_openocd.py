"""OpenOCD, the program itself: without a probe, and with a chip that is simulated behind JTAG."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from firmware_tools.board.registry import Board
from firmware_tools.board.schema import ChipId, OpenOcdEntry, Region
from firmware_tools.commands.flash import in_words
from firmware_tools.flash import programmer_for, usb
from firmware_tools.flash.flow import flash_image
from firmware_tools.flash.openocd import OpenOcd
from midfuse.core.errors import CheckFailed, DeviceError, InputError, Interrupted, MidfuseError
from midfuse.core.results import Image
from tests.firmware_tools.flash.flash_boards import board_with
from tests.firmware_tools.flash.jtag_line import JtagLine, jtag_line
from tests.firmware_tools.flash.simulated_chip import FLASH, PAGE_BYTES, SimulatedChip, elf_at

needs_openocd = pytest.mark.skipif(
    shutil.which("openocd") is None, reason="openocd is not installed"
)

# The simulated chip runs no code, so OpenOCD gets no RAM for any.
SIMULATED = """
adapter driver remote_bitbang
remote_bitbang host {line}
remote_bitbang port 0
transport select jtag
jtag newtap toy cpu -irlen 4 -expected-id 0x4ba00477
dap create toy.dap -chain-position toy.cpu
target create toy.cpu cortex_m -dap toy.dap
cortex_m reset_config sysresetreq
flash bank toy.flash stm32f1x 0x08000000 0 0 0 toy.cpu
"""
CHIP_ID = ChipId(address=0xE004_2000, mask=0xFFF, value=0x410)
# The chip takes two bytes at a time, and each pin's change is a character.
CONTENT = bytes(range(1, 9))


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


@pytest.fixture
def image(toy_qemu: Image, tmp_path: Path) -> Image:
    """A few bytes for the simulated chip's flash."""
    elf = tmp_path / "firmware.elf"
    elf.write_bytes(elf_at(FLASH, CONTENT))
    return toy_qemu.model_copy(update={"elf": elf})


@contextmanager
def simulated(chip: SimulatedChip, folder: Path) -> Iterator[tuple[Board, JtagLine]]:
    with jtag_line(chip, folder / "line") as line:
        (folder / "simulated.cfg").write_text(SIMULATED.format(line=line.path))
        entry = OpenOcdEntry(backend="openocd", config=["simulated.cfg"])
        board = board_with(entry, folder, core="cortex-m3", chip_id=CHIP_ID)
        assert board.memory is not None
        memory = board.memory.model_copy(update={"flash": Region(start=FLASH, bytes=0x10000)})
        yield board.model_copy(update={"memory": memory}), line


@needs_openocd
def test_another_chip_is_not_written(image: Image, tmp_path: Path) -> None:
    chip = SimulatedChip(device_id=0x421)
    with simulated(chip, tmp_path) as (board, _):
        message = refused(DeviceError, image, board)
    assert "the chip id at 0xe0042000 is 0x421, not 0x410; nothing was written" in message
    assert set(chip.flash) == {0x55}


@needs_openocd
def test_a_damaged_write_is_caught(image: Image, tmp_path: Path) -> None:
    chip = SimulatedChip(spoil=lambda address, data: bytes(len(data)) if address & 4 else data)
    with simulated(chip, tmp_path) as (board, _):
        assert "verify failed: " in refused(CheckFailed, image, board)


@needs_openocd
def test_a_pulled_cable_and_ctrl_c_are_told_and_a_second_try_mends_it(
    image: Image, tmp_path: Path
) -> None:
    chip = SimulatedChip()
    with simulated(chip, tmp_path) as (board, line):

        def pull(address: int, data: bytes) -> bytes:
            line.cut = address == FLASH + 4
            return data

        chip.spoil = pull
        message = refused(DeviceError, image, board)
        assert "interrupted while its flash was written, so it holds no whole image" in message
        assert chip.flash[: len(CONTENT)] != CONTENT

        def press(address: int, data: bytes) -> bytes:
            if address == FLASH + 4:
                os.kill(os.getpid(), signal.SIGINT)
                line.cut = True
            return data

        chip.spoil = press
        message = refused(Interrupted, image, board)
        assert "stopped while its flash was written" in message
        chip.spoil = lambda _, data: data
        resets = chip.resets
        done = flash_image(image, board, programmer_for(board, "openocd"))
    assert chip.flash[: len(CONTENT)] == CONTENT
    assert chip.flash[len(CONTENT) : PAGE_BYTES] == b"\xff" * (PAGE_BYTES - len(CONTENT))
    assert chip.flash[PAGE_BYTES:] == b"\x55" * (len(chip.flash) - PAGE_BYTES)
    assert chip.resets == resets + 2  # before and after
    assert (done.written_bytes, done.verified, done.identified) == (len(CONTENT), True, False)
    assert "is written and verified by openocd; not yet identified: give --port" in in_words(done)


def test_openocd_is_missing(toy_qemu: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert refused(DeviceError, toy_qemu, board_of("interface/dummy.cfg")) == (
        "openocd, which flashes qemu-mps2-an386, is not installed;"
        " install what Debian calls openocd, with this system's package manager"
    )


def test_two_probes_of_the_board(
    toy_qemu: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As sysfs shows them: two of ours, and another kind."""
    for number, (usb_id, serial) in enumerate(
        [("1209:f00d", "B2"), ("1209:f00d", "A1"), ("0483:374b", "C3")]
    ):
        vendor, product = usb_id.split(":")
        device = tmp_path / f"1-{number}"
        device.mkdir()
        for key, value in {
            "idVendor": vendor,
            "idProduct": product,
            "serial": serial,
            "busnum": "1",
            "devnum": str(number),
        }.items():
            (device / key).write_text(f"{value}\n")
    monkeypatch.setattr(usb, "usb_devices", partial(usb.usb_devices, tmp_path))
    board = board_of("interface/dummy.cfg")
    assert isinstance(board.flash[0], OpenOcdEntry)
    with pytest.raises(DeviceError) as caught:
        OpenOcd(board, board.flash[0]).find(None)
    assert str(caught.value) == (
        "2 probes for qemu-mps2-an386 found: A1, B2; nothing was written; choose one as `probe`"
    )
    assert OpenOcd(board, board.flash[0]).find("A1") == "A1"
