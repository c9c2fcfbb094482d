"""The oracle and the answers that stand in for it."""

from pathlib import Path

import numpy as np
import pytest

from midfuse.core.errors import InputError
from midfuse.core.oracle import Oracle, read_npz, recorded_answers, run_windows, write_expected
from midfuse.core.tflite_file import read_tflite
from tests.support.paths import DATA

MODEL = read_tflite(DATA / "transformer_relu_int8.tflite")

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")


def windows(count: int) -> list[np.ndarray[tuple[int, ...], np.dtype[np.int8]]]:
    rng = np.random.default_rng(3)
    shapes = [MODEL.tensors[i].shape for i in MODEL.inputs]
    return [rng.integers(-128, 128, (count, *shape)).astype(np.int8) for shape in shapes]


def test_observable_oracle_shows_the_output_it_returns() -> None:
    oracle = Oracle(MODEL, observable=True)
    answer = oracle.run([values[0] for values in windows(1)])
    np.testing.assert_array_equal(answer[0], oracle.tensor(MODEL.outputs[0]))


def test_recorded_answers_replay(tmp_path: Path) -> None:
    inputs = windows(4)
    outputs = run_windows(MODEL, inputs)
    path = tmp_path / "expected.npz"
    write_expected(path, MODEL, inputs, outputs)
    np.testing.assert_array_equal(recorded_answers(path, MODEL, inputs)[0], outputs[0])


def test_recorded_for_other_inputs_or_another_model(tmp_path: Path) -> None:
    inputs = windows(2)
    path = tmp_path / "expected.npz"
    write_expected(path, MODEL, inputs, run_windows(MODEL, inputs))
    with pytest.raises(InputError, match="other inputs"):
        recorded_answers(path, MODEL, [values[::-1] for values in inputs])
    with pytest.raises(InputError, match="sha256"):
        recorded_answers(path, read_tflite(DATA / "transformer_ln_int8.tflite"), inputs)


def test_npz_is_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "evil.npz"
    np.savez(path, x=np.array([{"a": 1}], object))
    with pytest.raises(InputError, match=r"evil\.npz"):
        read_npz(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY"])
def test_damaged_npz(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.npz"):
        read_npz(path)
