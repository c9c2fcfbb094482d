"""`midfuse flash`: a port that pyserial opens, and nothing left running however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import serial
from click.testing import CliRunner

from firmware_tools.board.registry import read_board
from firmware_tools.emulate.boot import emulator_for
from firmware_tools.link.requests import Link
from firmware_tools.link.transport import Transport
from midfuse.cli.main import main
from midfuse.core.errors import DeviceError
from midfuse.core.results import Image
from tests.firmware_tools.toy import TOY_OUTPUT_BYTES, TOY_SHA256, toy_output, toy_windows


def running(image: Image) -> list[int]:
    """Processes whose command line names the image."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(image.elf).encode() in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


def gone(image: Image) -> bool:
    give_up = time.monotonic() + 5
    while time.monotonic() < give_up:
        if not running(image):
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(params=["native", "qemu-mps2-an386"])
def image(request: pytest.FixtureRequest) -> Image:
    name = {"native": "toy_native", "qemu-mps2-an386": "toy_qemu"}[request.param]
    found: Image = request.getfixturevalue(name)
    return found


def flash(image: Image) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "midfuse", "flash", str(image.elf), "--board", image.board]
    return subprocess.Popen(
        [*command, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def answer_of(process: "subprocess.Popen[str]") -> dict[str, str]:
    """What the command prints before it stays in the foreground."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            return dict(json.loads(text))
    raise AssertionError(process.communicate()[1])


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_board_lives_as_long_as_the_command(image: Image, end: signal.Signals) -> None:
    with flash(image) as process:
        told = answer_of(process)
        assert (told["board"], told["model_sha256"]) == (image.board, TOY_SHA256)
        with serial.Serial(told["port"]) as port:
            link = Link(Transport(port))
            link.open(TOY_SHA256)
            window = toy_windows(1, seed=9)[0]
            assert link.run_window(window, TOY_OUTPUT_BYTES).outputs == [toy_output(window)]
        board = [pid for pid in running(image) if pid != process.pid]
        assert board
        process.send_signal(end)
        assert process.wait(10) == (-end if end == signal.SIGKILL else 0)
    assert gone(image)


def test_a_board_that_ends_ends_the_command(image: Image) -> None:
    with flash(image) as process:
        answer_of(process)
        for pid in running(image):
            if pid != process.pid:
                os.kill(pid, signal.SIGKILL)
        assert process.wait(10) == 3
        assert process.stderr is not None
        last = process.stderr.read().splitlines()[-1]
        assert "ended with signal SIGKILL" in last
    assert gone(image)


def test_nothing_is_left_when_the_body_fails(image: Image) -> None:
    def fail_within() -> None:
        with emulator_for(read_board(image.board)).boot(image.elf):
            assert running(image)
            raise RuntimeError("within")

    with pytest.raises(RuntimeError, match="within"):
        fail_within()
    assert gone(image)


def test_a_dry_run_shows_the_command_and_runs_nothing(
    image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    arguments = ["flash", str(image.elf), "--board", image.board, "--dry-run", "--json"]
    answer = CliRunner().invoke(main, arguments)
    assert answer.exit_code == 0
    command = json.loads(answer.stdout)["command"]
    assert str(image.elf) in command
    if image.board != "native":
        assert command[0] == "qemu-system-arm"
        assert "shift=0" in command


def test_a_missing_emulator_is_one_line(toy_qemu: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    arguments = ["flash", str(toy_qemu.elf), "--board", toy_qemu.board]
    answer = CliRunner().invoke(main, arguments)
    assert answer.exit_code == 3
    assert answer.stderr == (
        "error: qemu-system-arm, which emulates the board, is not installed; install what"
        " Debian calls qemu-system-arm, with this system's package manager\n"
    )


def test_an_image_of_another_board_or_none(toy_native: Image, tmp_path: Path) -> None:
    def flash_it(path: Path, *options: str) -> str:
        answer = CliRunner().invoke(main, ["flash", str(path), "--board", *options])
        assert answer.exit_code == 2
        assert answer.stderr.count("\n") == 1
        return answer.stderr

    other = "qemu-mps2-an386"
    assert f"built for native, not {other}" in flash_it(toy_native.elf, other, "--dry-run")
    assert "cannot be read" in flash_it(tmp_path / "none.elf", "native")
    assert "brings a port of its own" in flash_it(toy_native.elf, "native", "--port", "/dev/tty")


def test_a_program_that_is_no_board(tmp_path: Path) -> None:
    """It ends without naming a port, and its last words are in the error."""
    program = tmp_path / "firmware.elf"
    program.write_text("#!/bin/sh\necho it is broken >&2\nexit 4\n")
    program.chmod(0o755)
    with (
        pytest.raises(DeviceError, match="ended with code 4: it is broken"),
        emulator_for(read_board("native")).boot(program),
    ):
        pass
