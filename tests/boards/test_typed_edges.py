"""Inputs and outputs of every type, over the wire: the oracle's bytes, with and without an FPU."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from firmware_tools.board.registry import read_board
from firmware_tools.emulate.boot import open_session
from firmware_tools.link.protocol import Dtype, Kind
from firmware_tools.measure.board_run import run_on_board
from firmware_tools.measure.evaluate import evaluate_model
from firmware_tools.runtimes.midfuse import Midfuse, build_firmware
from midfuse.cli.main import main
from midfuse.core.oracle import run_windows
from midfuse.core.tflite_file import parse_tflite
from tests.boards.conftest import need

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.support.host_build import random_windows
from tests.support.tflite_builder import TFLiteBuilder
from tests.support.typed_model import CLASSES, typed_model, typed_windows

WINDOWS = 6


@pytest.mark.parametrize(
    "name", ["native", "qemu-mps2-an385-m0", "qemu-mps2-an386", "qemu-virt-rv32"]
)
def test_every_type_comes_through(name: str, tmp_path: Path) -> None:
    model = typed_model(tmp_path / "typed.tflite")
    windows = typed_windows(WINDOWS)
    labels = run_windows(model, windows)[0].ravel()
    labels[0] = (labels[0] + 1) % CLASSES
    found, outputs = evaluate_model(
        model,
        need(read_board(name)),
        windows,
        tmp_path / "out",
        Midfuse(),
        labels=labels,
        per_op=True,
    )
    assert found.differing_bytes == 0
    assert found.per_op is not None
    assert [row.differing_bytes for row in found.per_op] == [0] * len(model.ops)
    assert [str(values.dtype) for values in outputs] == ["int32", "float32", "int16", "int8"]
    assert found.accuracy == (WINDOWS - 1) / WINDOWS


@pytest.mark.parametrize(
    "name", ["qemu-mps2-an385-m0", "qemu-mps2-an386", "qemu-mps3-an547", "qemu-virt-rv32"]
)
def test_float_arithmetic_is_the_oracle_s(name: str, tmp_path: Path) -> None:
    """By a library on cores without an FPU; ties, huge numbers, infinities and NaN among it."""
    b = TFLiteBuilder()
    real = b.input((700,), None, 0, dtype="float32")
    for scale, dtype in ((0.1, "int8"), (0.125, "int8"), (1 / 3, "int16")):
        quantised = b.tensor((700,), scale, 0 if dtype == "int16" else -7, dtype=dtype)
        b.op("QUANTIZE", [real], quantised)
        b.op("DEQUANTIZE", [quantised], b.tensor((700,), dtype="float32"))
    model = parse_tflite(b.content(), tmp_path / "float.tflite")
    values = [window[0] for window in random_windows(model, 3, np.random.default_rng(11))]
    found, _ = evaluate_model(
        model, need(read_board(name)), [np.stack(values)], tmp_path / "out", Midfuse()
    )
    assert found.differing_bytes == 0


def test_the_command_takes_and_gives_every_type(tmp_path: Path) -> None:
    model = typed_model(tmp_path / "typed.tflite")
    real, fine, coarse, positions = typed_windows(WINDOWS)
    scale = model.tensors[model.inputs[1]].scale
    arrays = {"0": real.astype(np.float64), "1": fine * scale, "2": coarse, "3": positions}
    np.savez(tmp_path / "in.npz", **arrays)
    command = ["evaluate", str(model.path), "--board=native", f"--inputs={tmp_path / 'in.npz'}"]
    answer = CliRunner().invoke(main, [*command, f"--out={tmp_path / 'out'}"])
    assert answer.exit_code == 0, answer.output
    expected = run_windows(model, [real, fine, coarse, positions])
    with np.load(tmp_path / "out" / "outputs.npz") as outputs:
        for i, values in enumerate(expected):
            assert outputs[f"output_{i}"].dtype == values.dtype
            np.testing.assert_array_equal(outputs[f"output_{i}"], values)
    np.savez(tmp_path / "in.npz", **arrays | {"3": positions.astype(np.float32)})
    answer = CliRunner().invoke(main, [*command, f"--out={tmp_path / 'out'}"])
    assert answer.exit_code == 2
    assert "3: dtype float32; give int32\n" in answer.stderr


def test_the_board_says_its_types_and_bounds_a_position(tmp_path: Path) -> None:
    """A position out of range takes the nearest: no byte outside the tensor is read."""
    model = typed_model(tmp_path / "typed.tflite")
    image = build_firmware(model, read_board("native"), tmp_path / "out", sanitize=True)
    windows = typed_windows(3)
    near = [*windows[:3], np.array([[0, 6, 6], [0, 0, 1], [6, 5, 0]], np.int32)]
    far = np.array([[-1, 7, 2**31 - 1], [-(2**31), -7, 1], [1 << 20, 5, -2]], np.int32)
    with open_session(image, read_board("native")) as session:
        inputs = session.link.tensors(Kind.INPUT, session.identity.inputs)
        outputs = session.link.tensors(Kind.OUTPUT, session.identity.outputs)
        wild = run_on_board(session, model, [*windows[:3], far]).outputs
    assert [each.dtype for each in inputs] == [Dtype.FLOAT32, Dtype.INT16, Dtype.INT8, Dtype.INT32]
    assert [each.dtype for each in outputs] == [Dtype.INT32, Dtype.FLOAT32, Dtype.INT16, Dtype.INT8]
    assert [each.bytes for each in (*inputs, *outputs)] == [28, 14, 7, 12, 4, 28, 14, 3]
    np.testing.assert_array_equal(wild[3], run_windows(model, near)[3])
