"""`midfuse evaluate` on the native board: right figures, refused inputs, answers that differ."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner, Result

from firmware_tools.board.registry import read_board
from firmware_tools.emulate.process import Process
from firmware_tools.measure.compare import accuracy
from firmware_tools.measure.inputs import match_inputs
from firmware_tools.runtimes.midfuse import build_firmware
from midfuse.cli.main import main
from midfuse.core.errors import InputError
from midfuse.core.numeric import dequantise, quantise
from midfuse.core.oracle import run_windows, write_expected
from midfuse.core.tflite_file import read_tflite
from tests.support.paths import DATA

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
MODEL = DATA / "transformer_relu_int8.tflite"
TFLITE = read_tflite(MODEL)
SHAPES = [TFLITE.tensors[index].shape for index in TFLITE.inputs]
WINDOWS = 12


def windows(seed: int = 1) -> list[npt.NDArray[np.int8]]:
    random = np.random.default_rng(seed)
    return [random.integers(-128, 128, (WINDOWS, *s), dtype=np.int8) for s in SHAPES]


def evaluate(inputs: Path, out: Path, *options: str) -> Result:
    return CliRunner().invoke(
        main,
        ["evaluate", str(MODEL), "--board=native", f"--inputs={inputs}", f"--out={out}", *options],
    )


def one_line(answer: Result, code: int) -> str:
    assert answer.exit_code == code, answer.output
    lines = [line for line in answer.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0]


def test_the_oracle_s_answers_with_labels(tmp_path: Path) -> None:
    inputs, out = windows(), tmp_path / "out"
    expected = run_windows(TFLITE, inputs)
    classes = expected[0].reshape(WINDOWS, -1).argmax(axis=1)
    classes[:3] += 1
    arrays: dict[str, Any] = {str(i): values for i, values in enumerate(inputs)}
    np.savez(tmp_path / "in.npz", **arrays, truth=classes, subjects=np.zeros(WINDOWS))
    answer = evaluate(tmp_path / "in.npz", out, "--labels", "truth", "--json")
    assert answer.exit_code == 0, answer.output
    data = json.loads(answer.stdout)
    assert data == json.loads((out / "evaluation.json").read_text())
    assert data["accuracy"] == 0.75
    assert (data["windows"], data["differing_bytes"]) == (WINDOWS, 0)
    assert data["model_sha256"] == TFLITE.sha256
    assert data["instructions_per_inference"] is None
    spread = data["nanoseconds_per_inference"]
    assert 0 < spread["min"] <= spread["mean"] <= spread["max"]
    assert data["ram_bytes"] is data["flash_bytes"] is None
    assert data["link"]["requests"] > 3 * WINDOWS
    with np.load(out / "outputs.npz") as outputs:
        assert outputs.files == ["output_0"]
        assert outputs["output_0"].dtype == np.int8
        assert np.array_equal(outputs["output_0"], expected[0])


def test_every_op_is_compared(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", **{str(i): v for i, v in enumerate(windows())})
    answer = evaluate(tmp_path / "in.npz", tmp_path / "out", "--per-op", "--json")
    rows = json.loads(answer.stdout)["per_op"]
    assert [(row["op"], row["name"]) for row in rows] == [(op.index, op.name) for op in TFLITE.ops]
    assert all(row["differing_bytes"] == 0 and row["bytes"] > 0 for row in rows)


def test_without_the_oracle_recorded_answers_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where they say otherwise, the figures are shown and the exit code is 1."""
    model = tmp_path / MODEL.name
    model.write_bytes(MODEL.read_bytes())
    inputs = windows()
    expected = run_windows(TFLITE, inputs)
    recorded = tmp_path / "expected.npz"
    write_expected(recorded, TFLITE, inputs, expected)
    monkeypatch.setitem(sys.modules, "tflite_micro.python.tflite_micro", None)

    def run() -> Result:
        arguments = ["evaluate", str(model), "--board", "native", "--inputs", str(recorded)]
        return CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "out"), "--json"])

    answer = run()
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["compared_with"] == "expected.npz"
    expected[0][3] += 1
    write_expected(recorded, TFLITE, inputs, expected)
    answer = run()
    differing = expected[0][3].size
    assert json.loads(answer.stdout)["differing_bytes"] == differing
    assert f"{differing} output bytes differ from expected.npz" in one_line(answer, 1)
    recorded.unlink()
    np.savez(recorded, **{str(i): v for i, v in enumerate(inputs)})
    assert "sha256 is not that of" in one_line(run(), 2)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"0": windows()[0]}, "no array for input 1; name it "),
        ({"0": windows()[0], "1": windows()[1][1:]}, "the inputs have [11, 12] windows"),
        ({"0": windows()[0][:0], "1": windows()[1][:0]}, "the inputs have [0] windows"),
        ({"0": windows()[0], "1": windows()[1][..., :1]}, "1: shape (12, "),
        ({"0": windows()[0], "1": np.int8(3)}, "1: shape ()"),
        ({"0": windows()[0], "1": windows()[1].astype(np.int16)}, "1: dtype int16; give int8"),
        ({"0": windows()[0], "1": windows()[1] * np.nan}, "1: has NaN or infinity"),
    ],
    ids=["missing", "lengths", "none", "shape", "scalar", "dtype", "nan"],
)
def test_inputs_that_cannot_be_used(
    arrays: dict[str, npt.NDArray[Any]], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "in.npz"
    np.savez(path, **arrays)
    answer = evaluate(path, tmp_path / "out")
    assert one_line(answer, 2).startswith(f"error: {path}: {message}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "no array 'truth'; it has 0, 1"),
        (np.zeros(3, np.int64), "truth: int64 of shape (3,)"),
        (np.zeros(WINDOWS), "truth: float64 of shape (12,)"),
    ],
)
def test_labels_that_cannot_be_used(
    labels: npt.NDArray[Any] | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "in.npz"
    arrays = {str(i): values for i, values in enumerate(windows())}
    np.savez(path, **arrays, **({} if labels is None else {"truth": labels}))
    answer = evaluate(path, tmp_path / "out", "--labels", "truth")
    assert one_line(answer, 2).startswith(f"error: {path}: {message}")


def test_inputs_by_name_and_by_position_int8_and_float() -> None:
    first, second = windows()
    index = TFLITE.inputs[1]
    tensor = TFLITE.tensors[index]
    real = dequantise(second, tensor.scale, tensor.zero_point)
    assert np.array_equal(quantise(real, tensor.scale, tensor.zero_point), second)
    named: list[dict[str, npt.NDArray[Any]]] = [
        {"0": first, "1": second},
        {"0": first, tensor.name: real},
        {TFLITE.input_names[0]: first, TFLITE.input_names[1]: real.astype(np.float64)},
        {"0": first.reshape(WINDOWS, *SHAPES[0][1:]), "1": second, "labels": np.zeros(3)},
    ]
    for arrays in named:
        found = match_inputs(arrays, TFLITE, Path("in.npz"))
        assert all(np.array_equal(a, b) for a, b in zip(found, (first, second), strict=True))
        assert [values.dtype for values in found] == [np.int8, np.int8]
    with pytest.raises(InputError, match=r"in\.npz: no array for input 0"):
        match_inputs({}, TFLITE, Path("in.npz"))


def test_accuracy_takes_the_first_of_equal_scores() -> None:
    scores = np.array([[1, 5, 5], [7, 0, 7], [-1, -2, -3]], np.int8)
    assert accuracy(scores, np.array([1, 2, 0])) == pytest.approx(2 / 3)


def test_a_board_that_runs_already(tmp_path: Path) -> None:
    """--port takes the board that is there, and stops where it holds another model."""
    np.savez(tmp_path / "in.npz", **{str(i): v for i, v in enumerate(windows())})
    board = read_board("native")
    image = build_firmware(TFLITE, board, tmp_path / "same")
    other = build_firmware(read_tflite(MODEL.with_stem("cnn_har_int8")), board, tmp_path / "other")
    with Process().boot(image.elf) as running:
        answer = evaluate(tmp_path / "in.npz", tmp_path / "out", "--port", running.port, "--json")
        assert json.loads(answer.stdout)["differing_bytes"] == 0
        answer = evaluate(tmp_path / "in.npz", tmp_path / "out", "--port", running.port, "--per-op")
        assert "--per-op builds its own image" in one_line(answer, 2)
    with Process().boot(other.elf) as running:
        answer = evaluate(tmp_path / "in.npz", tmp_path / "out", "--port", running.port)
        assert "another model is on the board" in one_line(answer, 3)
    answer = evaluate(tmp_path / "in.npz", tmp_path / "out", "--port", str(tmp_path / "tty"))
    assert "cannot be opened" in one_line(answer, 3)
