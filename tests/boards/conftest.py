"""The boards that this computer can run, and the models that are in the repository."""

import numpy as np
import numpy.typing as npt
import pytest

from firmware_tools.board.registry import Board, board_names, read_board
from firmware_tools.board.toolchain import require_toolchain
from firmware_tools.emulate.boot import emulator_for
from midfuse.core.errors import DeviceError
from midfuse.core.results import Image
from midfuse.core.tflite_file import TFLiteModel, read_tflite
from tests.conftest import toy_image
from tests.support.paths import DATA

MODELS = ("cnn_har_int8", "transformer_relu_int8", "transformer_ln_int8")


EMULATED = [board for board in map(read_board, board_names()) if board.instructions_per_tick]


@pytest.fixture(scope="session", params=EMULATED, ids=lambda board: board.name)
def board(request: pytest.FixtureRequest) -> Board:
    """Every emulated board whose compiler and emulator are here."""
    return need(request.param)


@pytest.fixture(scope="session")
def toy(board: Board, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The toy model's image for the board."""
    return toy_image(board.name, tmp_path_factory.mktemp(board.name))


def need(board: Board) -> Board:
    """The board; skips where its compiler or emulator is missing."""
    try:
        require_toolchain(board)
        emulator_for(board).require()
    except DeviceError as error:
        pytest.skip(error.problem)
    return board


def need_oracle() -> None:
    """Skip where there is nothing to compare with."""
    pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> TFLiteModel:
    return read_tflite(DATA / f"{request.param}.tflite")


def random_windows(model: TFLiteModel, count: int) -> list[npt.NDArray[np.int8]]:
    random = np.random.default_rng(3)
    return [
        random.integers(-128, 128, (count, *model.tensors[index].shape), dtype=np.int8)
        for index in model.inputs
    ]
