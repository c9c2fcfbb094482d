"""The firmware on the emulated Cortex-M4: start-up, ticks, stack, crashes, and whole models."""

from pathlib import Path

import pytest

from firmware_tools.board import read_board
from firmware_tools.build import Image
from firmware_tools.evaluate import evaluate_model
from firmware_tools.flash import backend_for
from firmware_tools.session import connect, open_session
from midfuse.errors import DeviceError
from midfuse.tflite_file import TFLiteModel, read_tflite
from tests.boards.conftest import DATA, need_qemu_board, random_windows
from tests.firmware_tools.toy import (
    TOY_OUTPUT_BYTES,
    TOY_SHA256,
    toy_output,
    toy_sum,
    toy_windows,
)

BOARD = read_board("qemu-mps2-an386")


def test_it_boots_and_answers(toy_qemu: Image) -> None:
    with open_session(toy_qemu, BOARD) as session:
        identity = session.identity
        assert (identity.board, identity.model_sha256) == (BOARD.name, TOY_SHA256)
        assert (identity.clock_hz, identity.ticks_per_second) == (25_000_000, 25_000_000)
        assert identity.instructions_per_tick == 40
        assert identity.boot == 1
        for window in toy_windows(10, seed=2):
            answer = session.link.run_window(window, TOY_OUTPUT_BYTES, (700, 5))
            assert answer.outputs == [toy_output(window)]
            assert answer.tensors == [toy_sum(window), toy_output(window)]
            assert toy_qemu.stack_reserved_bytes is not None
            assert 64 < answer.stack_bytes < toy_qemu.stack_reserved_bytes
        assert session.link.statistics.retries == 0


def test_ticks_count_instructions_across_wraps(toy_qemu: Image) -> None:
    """Spins of 200 and 800 million instructions: 5 and 20 million ticks, a wrap is at 16.8."""
    a, b = toy_windows(1, seed=3)[0]
    with open_session(toy_qemu, BOARD) as session:
        run = session.link.run_window
        ordinary = run([a, b], TOY_OUTPUT_BYTES).ticks
        short = run([a, bytes([127, 126]) + b[2:]], TOY_OUTPUT_BYTES).ticks - ordinary
        long = run([a, bytes([127, 127]) + b[2:]], TOY_OUTPUT_BYTES).ticks - ordinary
    assert short == pytest.approx(5_000_000, abs=2)
    assert long == pytest.approx(20_000_000, abs=2)


def test_the_same_windows_take_the_same_instructions_in_every_run(toy_qemu: Image) -> None:
    def ticks() -> list[int]:
        with open_session(toy_qemu, BOARD) as session:
            run = session.link.run_window
            return [run(window, TOY_OUTPUT_BYTES).ticks for window in toy_windows(40, seed=6)]

    first = ticks()
    assert first == ticks()
    assert min(first) > 100


def test_a_crash_resets_the_board_and_is_told(toy_qemu: Image) -> None:
    a, b = toy_windows(1, seed=4)[0]
    with backend_for(BOARD).boot(toy_qemu.elf) as running:
        with connect(running.port, BOARD, TOY_SHA256) as session:
            link = session.link
            with pytest.raises(DeviceError, match="so it crashes on it"):
                link.run_window([a, bytes([127, 125]) + b[2:]], TOY_OUTPUT_BYTES)
        with connect(running.port, BOARD, TOY_SHA256) as session:
            assert session.identity.boot == 6
            assert session.link.run_window([a, b], TOY_OUTPUT_BYTES).outputs == [toy_output([a, b])]


def test_a_model_has_the_oracle_s_bytes(model: TFLiteModel, tmp_path: Path) -> None:
    need_qemu_board()
    inputs = random_windows(model, 6)
    found, _ = evaluate_model(model, BOARD, inputs, tmp_path)
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
    need_qemu_board()
    model = read_tflite(DATA / "cnn_har_int8.tflite")
    found, _ = evaluate_model(model, BOARD, random_windows(model, 3), tmp_path, per_op=True)
    assert found.per_op is not None
    assert [row.op for row in found.per_op] == list(range(len(model.ops)))
    assert [row.differing_bytes for row in found.per_op] == [0] * len(model.ops)
    assert found.per_op_windows == 3
