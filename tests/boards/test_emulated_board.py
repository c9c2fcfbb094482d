"""The firmware on every emulated board: start-up, ticks, sleep, crashes, and whole models."""

import time
from pathlib import Path

import pytest
import serial

from firmware_tools.board.registry import Board, read_board
from firmware_tools.emulate.boot import emulator_for, open_session
from firmware_tools.link.requests import Link
from firmware_tools.link.session import connect
from firmware_tools.link.transport import Transport
from firmware_tools.measure.evaluate import evaluate_model
from firmware_tools.runtimes.midfuse import Midfuse
from midfuse.core.errors import DeviceError
from midfuse.core.results import Image
from midfuse.core.tflite_file import TFLiteModel, read_tflite
from tests.boards.conftest import need, need_oracle, random_windows
from tests.conftest import toy_image
from tests.firmware_tools.toy import (
    TOY_OUTPUT_BYTES,
    TOY_SHA256,
    toy_output,
    toy_sum,
    toy_windows,
)
from tests.support.paths import DATA

CORTEX_M4 = read_board("qemu-mps2-an386")


def test_it_boots_and_answers(board: Board, toy: Image) -> None:
    with open_session(toy, board) as session:
        identity = session.identity
        assert (identity.board, identity.model_sha256) == (board.name, TOY_SHA256)
        assert identity.clock_hz == board.clock_hz
        assert identity.ticks_per_second == board.ticks.per_second
        assert identity.boot == 1
        for window in toy_windows(3, seed=2):
            answer = session.link.run_window(window, TOY_OUTPUT_BYTES, (700, 5))
            assert answer.outputs == [toy_output(window)]
            assert answer.tensors == [toy_sum(window), toy_output(window)]
            assert toy.stack_reserved_bytes is not None
            assert 64 < answer.stack_bytes < toy.stack_reserved_bytes
        # A busy computer may ask twice; the emulated line itself loses nothing.
        assert (session.link.statistics.damaged, session.link.statistics.resets) == (0, 0)


def test_the_same_windows_take_the_same_instructions_in_every_run(board: Board, toy: Image) -> None:
    def ticks() -> list[int]:
        with open_session(toy, board) as session:
            run = session.link.run_window
            return [run(window, TOY_OUTPUT_BYTES).ticks for window in toy_windows(4, seed=6)]

    first = ticks()
    assert first == ticks()
    assert min(first) > 100


def test_ticks_count_instructions(board: Board, toy: Image) -> None:
    """A spin of 100 million rounds; how many instructions a round has, the core decides."""
    a, b = toy_windows(1, seed=3)[0]
    with open_session(toy, board) as session:
        run = session.link.run_window
        ordinary = run([a, b], TOY_OUTPUT_BYTES).ticks
        spun = run([a, bytes([127, 126]) + b[2:]], TOY_OUTPUT_BYTES).ticks - ordinary
    instructions = spun * board.instructions_per_tick
    a_round = round(instructions / 100_000_000)
    assert 1 <= a_round <= 4
    # The branch into the spin and, at either end of a count, a tick.
    slack = 20 + 2 * board.instructions_per_tick
    assert instructions == pytest.approx(a_round * 100_000_000, abs=slack)


def test_ticks_are_right_across_wraps_of_systick(tmp_path: Path) -> None:
    """A spin of 800 million instructions: 20 million ticks, and a wrap is at 16.8 million."""
    image = toy_image(need(CORTEX_M4).name, tmp_path)
    a, b = toy_windows(1, seed=3)[0]
    with open_session(image, CORTEX_M4) as session:
        run = session.link.run_window
        ordinary = run([a, b], TOY_OUTPUT_BYTES).ticks
        spun = run([a, bytes([127, 127]) + b[2:]], TOY_OUTPUT_BYTES).ticks - ordinary
    assert spun == pytest.approx(20_000_000, abs=2)


@pytest.mark.parametrize(("name", "counts"), [("netduinoplus2", False), ("qemu-mps2-an386", True)])
def test_behind_a_port_a_board_is_real_if_it_can_be(
    name: str, counts: bool, tmp_path: Path
) -> None:
    """And a real one counts time: its ticks are no instructions."""
    board = need(read_board(name))
    image = toy_image(name, tmp_path)
    with (
        emulator_for(board).boot(image.elf) as running,
        open_session(image, board, running.port) as session,
    ):
        assert bool(session.board.instructions_per_tick) == counts


def test_a_crash_starts_the_board_anew_and_is_told(board: Board, toy: Image) -> None:
    a, b = toy_windows(1, seed=4)[0]
    with emulator_for(board).boot(toy.elf) as running:
        with serial.serial_for_url(running.port) as line:
            link = Link(Transport(line, reply_timeout=0.2))
            link.open(TOY_SHA256)
            with pytest.raises(DeviceError, match="so it crashes on it"):
                link.run_window([a, bytes([127, 125]) + b[2:]], TOY_OUTPUT_BYTES)
        with connect(running.port, board, TOY_SHA256) as session:
            assert session.identity.boot == 6
            assert session.link.run_window([a, b], TOY_OUTPUT_BYTES).outputs == [toy_output([a, b])]


def test_a_board_without_work_sleeps(board: Board, toy: Image) -> None:
    with emulator_for(board).boot(toy.elf) as running, connect(running.port, board, TOY_SHA256):
        time.sleep(0.1)
        before = _processor_ticks(running.process.pid)
        time.sleep(0.3)
        # 30 of them, each 10 ms, for a core that polls.
        assert _processor_ticks(running.process.pid) - before < 10


def _processor_ticks(process: int) -> int:
    """What a process has used of the processor, in the kernel's clock ticks."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_a_model_has_the_oracle_s_bytes(board: Board, model: TFLiteModel, tmp_path: Path) -> None:
    need_oracle()
    assert board.memory is not None
    windows = random_windows(model, 3)
    found, _ = evaluate_model(model, board, windows, tmp_path, Midfuse())
    assert found.differing_bytes == 0
    assert found.instructions_per_inference is not None
    assert found.instructions_per_inference.min > 100_000
    binary = (tmp_path / "firmware.bin").read_bytes()
    assert found.flash_bytes == len(binary) > model.tensors[0].elements
    assert found.ram_bytes is not None
    assert found.stack_bytes is not None
    # Beside the arena: the server and the tick counter, which the toy model's image shows too.
    assert 0 < found.ram_bytes - found.arena_bytes - found.stack_bytes < 1024


def test_every_op_has_the_oracle_s_bytes(tmp_path: Path) -> None:
    """One model here; the sanitized native board does all three."""
    need_oracle()
    model = read_tflite(DATA / "cnn_har_int8.tflite")
    windows = random_windows(model, 3)
    found, _ = evaluate_model(model, need(CORTEX_M4), windows, tmp_path, Midfuse(), per_op=True)
    assert found.per_op is not None
    assert [row.op for row in found.per_op] == list(range(len(model.ops)))
    assert [row.differing_bytes for row in found.per_op] == [0] * len(model.ops)
    assert found.per_op_windows == 3
