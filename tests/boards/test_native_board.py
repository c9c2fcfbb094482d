"""Whole models as a host process under address and undefined-behaviour sanitizers."""

from pathlib import Path

import numpy as np
import pytest

from firmware_tools.board.registry import read_board
from firmware_tools.emulate.boot import open_session
from firmware_tools.link.protocol import Kind
from firmware_tools.measure.board_run import run_on_board
from firmware_tools.runtimes.midfuse import build_firmware
from midfuse.core.errors import DeviceError
from midfuse.core.oracle import Oracle
from midfuse.core.results import Image
from midfuse.core.tflite_file import TFLiteModel
from tests.boards.conftest import random_windows
from tests.firmware_tools.toy import TOY_OUTPUT_BYTES, toy_windows

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
BOARD = read_board("native")


def test_a_model_has_the_oracle_s_bytes(model: TFLiteModel, tmp_path: Path) -> None:
    """The largest model with every op's output, the others as they ship."""
    observable = model.path.stem == "transformer_ln_int8"
    image = build_firmware(model, BOARD, tmp_path, observable=observable, sanitize=True)
    inputs = random_windows(model, 20)
    oracle = Oracle(model, observable=True)
    with open_session(image, BOARD) as session:
        tensors = session.link.tensors(Kind.TENSOR, session.identity.tensors)
        assert (len(tensors) == len(model.ops)) == observable
        run = run_on_board(session, model, inputs)
        for at in range(20):
            window = [values[at] for values in inputs]
            expected = oracle.run(window)
            for found, wanted in zip(run.outputs, expected, strict=True):
                assert np.array_equal(found[at], wanted)
            answer = session.link.run_window(
                [values.tobytes() for values in window], [], [each.bytes for each in tensors]
            )
            for tensor, received in zip(tensors, answer.tensors, strict=True):
                assert received == oracle.tensor(tensor.tflite_index).tobytes(), tensor.name


def test_a_crash_is_told_in_one_line(toy_native: Image) -> None:
    a, b = toy_windows(1, seed=4)[0]
    with (
        pytest.raises(DeviceError, match=r"firmware.elf ended with (signal|code)") as caught,
        open_session(toy_native, BOARD) as session,
    ):
        session.link.run_window([a, bytes([127, 125]) + b[2:]], TOY_OUTPUT_BYTES)
    assert "\n" not in str(caught.value)
