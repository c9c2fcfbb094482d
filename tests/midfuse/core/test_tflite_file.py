"""The .tflite reader against the schema's own accessors, and against damage."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midfuse.core.errors import InputError
from midfuse.core.tflite_file import parse_tflite, read_tflite
from tests.support.paths import DATA

MODELS = sorted(DATA.glob("*.tflite"))


def test_reads_a_model() -> None:
    model = read_tflite(DATA / "transformer_relu_int8.tflite")
    assert model.input_names == ("acc", "gyro")
    assert [model.tensors[i].shape for i in model.inputs] == [(1, 128, 3), (1, 128, 3)]
    assert len(model.ops) == 47
    conv = next(op for op in model.ops if op.name == "CONV_2D")
    assert conv.options["stride_w"] == 4
    weights = model.tensors[conv.inputs[1]]
    assert weights.quantization is not None
    assert weights.quantization.scale.shape == (32,)
    assert weights.data is not None
    assert weights.data.dtype == np.int8
    assert weights.data.shape == (32, 1, 8, 3)
    assert model.tensors[model.outputs[0]].zero_point == -19


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_tflite(tmp_path / "none.tflite")


def test_not_a_tflite(tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(b"PK\x03\x04 a zip")
    with pytest.raises(InputError, match="not a TFLite file"):
        read_tflite(path)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_every_truncation_is_refused(path: Path) -> None:
    """A FlatBuffer's root comes first and its data later: no proper prefix is a whole model."""
    content = path.read_bytes()
    for length in {*range(64), *range(64, len(content), 397)}:
        with pytest.raises(InputError):
            parse_tflite(content[:length], path)


@settings(max_examples=1000, deadline=1000)
@given(flips=st.lists(st.tuples(st.integers(0, 2**32), st.integers(0, 255)), max_size=8))
def test_flipped_bytes_are_read_or_refused(flips: list[tuple[int, int]]) -> None:
    content = bytearray((DATA / "cnn_har_int8.tflite").read_bytes())
    for at, value in flips:
        content[at % len(content)] = value
    with suppress(InputError):
        parse_tflite(bytes(content), Path("flipped.tflite"))
