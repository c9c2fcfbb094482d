"""A test with a board in the loop: `pytest examples/hardware_in_the_loop --midfuse-board native`.

MODEL and WINDOWS in the environment name a `.tflite` and windows with labels; left out, they are
what `make demo` wrote.
"""

import os
from pathlib import Path

import numpy as np

from firmware_tools.testing.board import BoardUnderTest

CONVERTED = Path("runs/demo/convert")
MODEL = Path(os.environ.get("MODEL", CONVERTED / "student_int8.tflite"))
WINDOWS = Path(os.environ.get("WINDOWS", CONVERTED / "expected.npz"))


def test_accuracy_on_the_board(midfuse_board: BoardUnderTest) -> None:
    windows = np.load(WINDOWS)
    model = midfuse_board.load(MODEL)
    model.assert_accuracy(windows, windows["labels"], at_least=0.75)
    model.assert_same_bytes(windows)
