"""The pytest plugin: `pytest --midfuse-board NAME` gives tests a board to put models on.

    def test_accuracy(midfuse_board):
        model = midfuse_board.load("student_int8.tflite")
        model.assert_accuracy(inputs, labels, at_least=0.9)

It imports nothing heavy until a test asks for the board.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from firmware_tools.testing import BoardUnderTest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("midfuse", "tests on a microcontroller board")
    group.addoption("--midfuse-board", metavar="NAME", help="board for the midfuse_board fixture")


def pytest_configure(config: pytest.Config) -> None:
    name = config.getoption("--midfuse-board")
    if name is None:
        return
    from firmware_tools.board import read_board
    from midfuse.errors import MidfuseError

    try:
        read_board(name)
    except MidfuseError as error:
        raise pytest.UsageError(f"--midfuse-board: {error}") from None


@pytest.fixture
def midfuse_board(request: pytest.FixtureRequest, tmp_path: Path) -> "Iterator[BoardUnderTest]":
    """The board that --midfuse-board names; the test is skipped where none is named."""
    name = request.config.getoption("--midfuse-board")
    if name is None:
        pytest.skip("needs a board: pytest --midfuse-board NAME")
    from firmware_tools.board import read_board
    from firmware_tools.testing import BoardUnderTest

    with BoardUnderTest(read_board(name), tmp_path) as board:
        yield board
