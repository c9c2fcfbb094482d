"""What this machine has of all that Midfuse uses, and what mends the rest."""

from firmware_tools.board.registry import Board, board_names, read_board
from firmware_tools.doctor.finding import Finding
from firmware_tools.doctor.plugged import plugged_in
from firmware_tools.doctor.python import packages
from firmware_tools.doctor.tools import missing_way, tools


def examine(board: Board) -> list[Finding]:
    """Look at all of it; what `board` needs and is not there is "missing".

    Raises:
        InputError: a board's file has a wrong key or value.
    """
    boards = [read_board(name) for name in board_names()]
    missing = missing_way(board)
    return [*packages(missing), *tools(board, boards, missing), *plugged_in(board, boards)]
