"""The model card: what is written is read back, and what is wrong is named."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midfuse.core.card import (
    Architecture,
    Input,
    Modality,
    ModelCard,
    Output,
    Training,
    Window,
    device_arithmetic,
    quantise_window,
    read_card,
    write_card,
)
from midfuse.core.errors import InputError


def card() -> ModelCard:
    return ModelCard(
        name="student",
        modalities=[Modality(name="acc", channels=["x", "y"], unit="g", rate_hz=50)],
        window=Window(length=4, hop=2),
        labels=["rest", "walk"],
        inputs=[
            Input(name="acc", modality="acc", shape=[1, 4, 2], mean=[0.1, -1.0], std=[1.0, 0.5])
        ],
        outputs=[Output(name="logits", shape=[1, 2])],
        architecture=Architecture(name="dmft-student", config={"width": 32}),
        training=Training(
            dataset="seglearn-watch", licence="BSD", split={"test": ["1"]}, seed=0, figures={}
        ),
    )


def test_round_trip(tmp_path: Path) -> None:
    write_card(card(), tmp_path / "student.json")
    assert read_card(tmp_path / "student.json") == card()


def broken(tmp_path: Path, change: dict[str, Any]) -> str:
    path = tmp_path / "student.json"
    path.write_text(json.dumps(card().model_dump() | change))
    with pytest.raises(InputError) as caught:
        read_card(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


def test_other_version_is_refused(tmp_path: Path) -> None:
    assert "schema_version is 3" in broken(tmp_path, {"schema_version": 3})


def test_wrong_field_is_named(tmp_path: Path) -> None:
    assert "window.hop" in broken(tmp_path, {"window": {"length": 4, "hop": 0}})


def test_unknown_field_is_named(tmp_path: Path) -> None:
    assert "colour" in broken(tmp_path, {"colour": "blue"})


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"3"])
def test_not_a_card(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "student.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"student\.json"):
        read_card(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_card(tmp_path / "none.json")


numbers = st.floats(-100, 100, width=32)


@given(
    x=st.lists(numbers, min_size=2, max_size=2),
    mean=st.lists(st.floats(-2, 2), min_size=2, max_size=2),
    std=st.lists(st.floats(0.01, 10), min_size=2, max_size=2),
    scale=st.floats(0.001, 0.5),
    zero_point=st.integers(-128, 127),
)
def test_device_arithmetic_is_standardise_then_quantise(
    x: list[float], mean: list[float], std: list[float], scale: float, zero_point: int
) -> None:
    """The folded float32 form is at most one code from the exact one, and only at a tie."""
    gain, offset = device_arithmetic(mean, std, scale, zero_point)
    entry = Input(
        name="acc", modality="acc", shape=[1, 1, 2], mean=mean, std=std, gain=gain, offset=offset
    )
    samples = np.array([x], np.float32)
    codes = quantise_window(samples, entry)[0].astype(int)
    exact = (samples[0].astype(np.float64) - mean) / np.array(std) / scale + zero_point
    # float32 carries 24 bits of the larger of the product and the offset.
    slack = 2.0**-22 * (np.abs(samples[0] * gain) + np.abs(offset) + 1)
    assert (np.abs(codes - np.clip(exact, -128, 127)) <= 0.5 + slack).all()


def test_unfinished_card_cannot_quantise() -> None:
    with pytest.raises(InputError, match="gain"):
        quantise_window(np.zeros((4, 2), np.float32), card().inputs[0])
