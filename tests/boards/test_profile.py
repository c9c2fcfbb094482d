"""`midfuse profile`: the steps add up to the whole, and each is billed what it takes."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from firmware_tools.board.registry import Board, read_board
from firmware_tools.emulate.boot import open_session
from firmware_tools.measure.evaluate import evaluate_model
from firmware_tools.measure.profile import profile_model, with_short_ticks
from firmware_tools.measure.windows import draw_windows
from firmware_tools.runtimes.midfuse import Midfuse
from midfuse.cli.main import main
from midfuse.core.macs import model_macs
from midfuse.core.results import Image
from midfuse.core.tflite_file import read_tflite
from tests.boards.conftest import need, need_oracle
from tests.firmware_tools.toy import toy_windows
from tests.support.paths import DATA

CNN = DATA / "cnn_har_int8.tflite"
# The loop around the steps, an iteration and once: a load, a call, a count and a branch.
LOOP, ENTRY = 16, 32


def profile(model: Path, board: str, out: Path, *options: str) -> Result:
    arguments = ["profile", str(model), f"--board={board}", f"--out={out}", *options]
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("qemu-mps2-an386", "transformer_ln_int8"),
        ("qemu-mps3-an547", "cnn_har_int8"),
        ("qemu-virt-rv32", "cnn_har_int8"),
    ],
)
def test_the_steps_add_up_to_the_whole(name: str, model: str, tmp_path: Path) -> None:
    """To the instruction, but for the loop around them; and the whole is what evaluate finds."""
    need_oracle()
    board, tflite = need(read_board(name)), read_tflite(DATA / f"{model}.tflite")
    windows = draw_windows(tflite, 2)
    found = profile_model(tflite, board, windows, tmp_path, Midfuse())
    assert found.unit == "instructions"
    assert 0 < found.taken - found.steps_taken < ENTRY + LOOP * len(found.steps)
    assert all(step.taken > 20 for step in found.steps)
    assert sum(step.share for step in found.steps) == pytest.approx(1)
    assert found.macs == model_macs(tflite)
    evaluation, _ = evaluate_model(tflite, board, windows, tmp_path, Midfuse())
    assert evaluation.instructions_per_inference is not None
    assert found.taken == pytest.approx(
        evaluation.instructions_per_inference.mean, abs=board.instructions_per_tick + 1
    )


def test_a_step_is_billed_what_it_takes(board: Board, toy: Image) -> None:
    """A spin of 100 million rounds, an instruction each at least, in the first of two steps."""
    a, b = toy_windows(1, seed=3)[0]
    with open_session(toy, board) as session:
        add, fold = session.link.step_ticks([a, b])
        spun, unchanged = session.link.step_ticks([a, bytes([127, 126]) + b[2:]])
    assert (spun - add + 1) * board.instructions_per_tick >= 100_000_000
    assert abs(unchanged - fold) <= 1


def test_ticks_shorter_than_an_instruction_count_the_same(board: Board) -> None:
    fine = with_short_ticks(board)
    assert fine.instructions_per_tick <= 1
    if board.instructions_per_tick > 1:
        assert fine.emulator != board.emulator
    assert with_short_ticks(read_board("native")) == read_board("native")


def test_table_and_json(tmp_path: Path) -> None:
    """On this computer, where a step takes nanoseconds of its clock."""
    model = read_tflite(CNN)
    np.savez(tmp_path / "in.npz", **{str(i): v for i, v in enumerate(draw_windows(model, 3))})
    answer = profile(CNN, "native", tmp_path, f"--inputs={tmp_path / 'in.npz'}", "--json")
    assert answer.exit_code == 0, answer.output
    data = json.loads(answer.stdout)
    assert data == json.loads((tmp_path / "profile.json").read_text())
    assert (data["unit"], data["windows"]) == ("nanoseconds", 3)
    for step in data["steps"]:
        assert step["name"] == "+".join(model.ops[op].name for op in step["ops"])
    answer = profile(CNN, "native", tmp_path)
    assert answer.exit_code == 0, answer.output
    assert "CONV_2D" in answer.stdout
    assert "nanoseconds an inference on native (mean of 4)" in answer.stdout


def test_use_that_is_wrong_is_one_line(tmp_path: Path) -> None:
    for arguments, code, message in (
        ((tmp_path / "no.tflite", "native"), 2, "cannot be read"),
        ((CNN, "natve"), 2, "no board 'natve'; near names: native"),
        ((CNN, "native", f"--inputs={tmp_path / 'no.npz'}"), 2, "no such file"),
        ((CNN, "native", f"--port={tmp_path / 'tty'}"), 3, "cannot be opened"),
    ):
        answer = profile(Path(arguments[0]), str(arguments[1]), tmp_path / "out", *arguments[2:])
        assert answer.exit_code == code, answer.output
        (line,) = (line for line in answer.stderr.splitlines() if line.startswith("error: "))
        assert message in line
