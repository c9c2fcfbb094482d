"""The GDB back end, against QEMU's stub: a halted machine without an image becomes the board."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from firmware_tools.board.registry import Board, read_board
from firmware_tools.flash.flow import flash_image
from firmware_tools.flash.gdb import GdbRemote
from firmware_tools.link.session import connect
from midfuse.cli.main import main
from midfuse.core.errors import CheckFailed, DeviceError, InputError, Interrupted, MidfuseError
from midfuse.core.results import FlashResult, Image
from tests.firmware_tools.flash.gdb_line import HaltedBoard, damaged, halted_board, untouched
from tests.firmware_tools.toy import TOY_OUTPUT_BYTES, toy_output, toy_windows

BOARD = read_board("qemu-mps2-an386")


@pytest.fixture
def halted(tmp_path: Path) -> Iterator[HaltedBoard]:
    with halted_board("mps2-an386", tmp_path) as board:
        yield board


def flash(image: Image, halted: HaltedBoard, board: Board = BOARD) -> FlashResult:
    return flash_image(image, board, GdbRemote(board), probe=halted.endpoint, port=halted.port)


def refused(error: type[MidfuseError], image: Image, halted: HaltedBoard) -> str:
    with pytest.raises(error) as caught:
        flash(image, halted)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_halted_machine_is_flashed_verified_and_identified(
    toy_qemu: Image, halted: HaltedBoard
) -> None:
    arguments = ["flash", str(toy_qemu.elf), "--board", BOARD.name, "--backend", "gdb"]
    arguments += ["--probe", halted.endpoint, "--port", halted.port]
    answer = CliRunner().invoke(main, [*arguments, "--json"])
    assert answer.exit_code == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert told["image_id"] == toy_qemu.image_id
    assert (told["verified"], told["identified"]) == (True, True)
    assert told["written_bytes"] == toy_qemu.flash_bytes
    with connect(halted.port, BOARD, toy_qemu.model_sha256, toy_qemu.image_id) as session:
        window = toy_windows(1, seed=1)[0]
        assert session.link.run_window(window, TOY_OUTPUT_BYTES).outputs == [toy_output(window)]


def test_a_damaged_write_is_caught_and_a_second_try_mends_it(
    toy_qemu: Image, halted: HaltedBoard
) -> None:
    halted.spoil = lambda number, packet: damaged(packet) if number == 2 else packet
    message = refused(CheckFailed, toy_qemu, halted)
    assert "verify failed: .text is not what was written" in message
    halted.spoil = untouched
    assert flash(toy_qemu, halted).identified


def test_a_pulled_cable_is_told_and_a_second_try_mends_it(
    toy_qemu: Image, halted: HaltedBoard
) -> None:
    halted.spoil = lambda number, packet: packet if number < 2 else None
    message = refused(DeviceError, toy_qemu, halted)
    assert "interrupted while its flash was written, so it holds no whole image" in message
    assert message.endswith("check the cable and run the command again")
    halted.spoil = untouched
    assert flash(toy_qemu, halted).identified


def test_a_killed_gdb_is_told_and_a_second_try_mends_it(
    toy_qemu: Image, halted: HaltedBoard
) -> None:
    def kill(number: int, packet: bytes) -> bytes | None:
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            words = entry.read_bytes().split(b"\0")
            if words[0].endswith(b"gdb-multiarch") and str(toy_qemu.elf).encode() in words:
                os.kill(int(entry.parent.name), signal.SIGKILL)
        return None

    halted.spoil = kill
    message = refused(DeviceError, toy_qemu, halted)
    assert "interrupted while its flash was written" in message
    assert "gdb-multiarch ended with signal SIGKILL" in message
    halted.spoil = untouched
    assert flash(toy_qemu, halted).identified


def test_ctrl_c_is_told_and_a_second_try_mends_it(toy_qemu: Image, halted: HaltedBoard) -> None:
    def press(number: int, packet: bytes) -> bytes | None:
        os.kill(os.getpid(), signal.SIGINT)
        return None

    halted.spoil = press
    message = refused(Interrupted, toy_qemu, halted)
    assert "stopped while its flash was written, so it holds no whole image" in message
    halted.spoil = untouched
    assert flash(toy_qemu, halted).identified


def test_another_image_on_the_board_is_not_flashed(toy_qemu: Image, halted: HaltedBoard) -> None:
    other = toy_qemu.model_copy(update={"image_id": "ff" * 16})
    message = refused(DeviceError, other, halted)
    assert f"another image is on the board ({toy_qemu.image_id[:12]}…, not ffffff" in message


def test_another_core_is_the_wrong_chip(toy_qemu: Image, tmp_path: Path) -> None:
    def write(number: int, packet: bytes) -> bytes:
        raise AssertionError("written")

    with halted_board("mps2-an385", tmp_path) as cortex_m3:
        cortex_m3.spoil = write
        message = refused(DeviceError, toy_qemu, cortex_m3)
    assert message.startswith("wrong chip: qemu-mps2-an386 is")
    assert "the core id at 0xe000ed00 is 0xc230, not 0xc240; nothing was written" in message


def test_nobody_at_the_endpoint(toy_qemu: Image) -> None:
    with pytest.raises(DeviceError, match=r"127\.0\.0\.1:1: no board answers GDB there"):
        flash_image(toy_qemu, BOARD, GdbRemote(BOARD), probe="127.0.0.1:1")


@pytest.mark.parametrize("probe", [None, "| touch here", "/dev/nothing", "host", "--help"])
def test_what_is_no_endpoint(toy_qemu: Image, probe: str | None) -> None:
    with pytest.raises(InputError, match="`probe`"):
        flash_image(toy_qemu, BOARD, GdbRemote(BOARD), probe=probe)


def test_gdb_is_missing(toy_qemu: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DeviceError, match=r"neither gdb-multiarch nor .*; install what"):
        flash_image(toy_qemu, BOARD, GdbRemote(BOARD), probe="127.0.0.1:1")
