"""The boards that this computer can run, and the models that are in the repository."""

import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from firmware_tools.board import read_board
from midfuse.tflite_file import TFLiteModel, read_tflite

DATA = Path(__file__).parent.parent / "data"
MODELS = ("cnn_har_int8", "transformer_relu_int8", "transformer_ln_int8")


def need_qemu_board() -> None:
    """Skip where the cross compiler, QEMU or the oracle is missing."""
    pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
    board = read_board("qemu-mps2-an386")
    for program in ("qemu-system-arm", board.toolchain.program("gcc")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> TFLiteModel:
    return read_tflite(DATA / f"{request.param}.tflite")


def random_windows(model: TFLiteModel, count: int) -> list[npt.NDArray[np.int8]]:
    random = np.random.default_rng(3)
    return [
        random.integers(-128, 128, (count, *model.tensors[index].shape), dtype=np.int8)
        for index in model.inputs
    ]
