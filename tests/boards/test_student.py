"""A trained student on every emulated board: it recognises the activities, to the byte.

tests/data/student holds what `make demo` makes; the recordings of the two people whom it never saw
come with the seglearn package. It takes 5 KB of RAM, so it is the same student where a board has
16 KB. Over all 851 windows of those people its accuracy is 82.0 %.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from firmware_tools.board.registry import Board
from firmware_tools.measure.evaluate import evaluate_model
from firmware_tools.runtimes.midfuse import Midfuse
from midfuse.core.card import quantise_window, read_card
from midfuse.core.oracle import Values
from midfuse.core.tflite_file import read_tflite
from tests.boards.conftest import need_oracle
from tests.support.paths import STUDENT
from trainer.data.datasets import load_dataset
from trainer.data.windows import cut, of_subjects, stratified

Labelled = tuple[list[Values], npt.NDArray[np.int64]]
# 24 of 28 are right.
ACCURACY = 24 / 28


@pytest.fixture(scope="module")
def held_out() -> Labelled:
    """Four windows an activity of the two people held out, as the device quantises them."""
    card = read_card(STUDENT / "student.json")
    dataset = load_dataset("seglearn-watch")
    windows = cut(of_subjects(dataset, card.training.split["test"]), dataset.window)
    chosen = stratified(windows, 4 * len(dataset.labels), np.random.default_rng(0))
    inputs = [
        np.stack([quantise_window(each, entry) for each in windows.inputs[entry.modality][chosen]])
        for entry in card.inputs
    ]
    return inputs, windows.labels[chosen]


def test_it_recognises_the_activities(board: Board, held_out: Labelled, tmp_path: Path) -> None:
    need_oracle()
    inputs, labels = held_out
    model = read_tflite(STUDENT / "student_int8.tflite")
    found, _ = evaluate_model(model, board, inputs, tmp_path, Midfuse(), labels=labels)
    assert found.differing_bytes == 0
    assert found.accuracy == ACCURACY
    assert found.instructions_per_inference is not None
    assert board.memory is not None
    assert found.ram_bytes is not None
    assert found.ram_bytes < board.memory.ram.bytes
