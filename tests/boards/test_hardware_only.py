"""Boards that only hardware can run: their firmware is built, and stands where the chip starts."""

import pytest

from firmware_tools.board.registry import Board, board_names, read_board
from firmware_tools.board.toolchain import require_toolchain
from midfuse.core.errors import DeviceError
from tests.conftest import toy_image


@pytest.mark.parametrize(
    "board",
    [board for board in map(read_board, board_names()) if board.emulator is None],
    ids=lambda board: board.name,
)
def test_its_firmware_is_built(board: Board, tmp_path_factory: pytest.TempPathFactory) -> None:
    try:
        require_toolchain(board)
    except DeviceError as error:
        pytest.skip(error.problem)
    image = toy_image(board.name, tmp_path_factory.mktemp(board.name))
    assert image.binary is not None
    assert board.memory is not None
    start = image.binary.read_bytes()[:8]
    stack, reset = (int.from_bytes(start[at : at + 4], "little") for at in (0, 4))
    assert stack == board.memory.ram.start + board.memory.stack_bytes
    assert board.memory.flash.start <= reset - 1 < board.memory.flash.end
