"""Multiply-accumulates, counted again by hand for every kind of op that has any."""

from pathlib import Path
from typing import Any

import pytest

from midfuse.core.macs import model_macs
from midfuse.core.tflite_file import Op, Tensor, TFLiteModel, read_tflite
from tests.support.paths import DATA


@pytest.mark.parametrize(
    ("model", "macs"),
    [("transformer_relu_int8", 1.56e6), ("transformer_ln_int8", 1.56e6), ("cnn_har_int8", 0.92e6)],
)
def test_the_baselines_have_what_is_recorded_of_them(model: str, macs: float) -> None:
    assert model_macs(read_tflite(DATA / f"{model}.tflite")) == pytest.approx(macs, abs=5000)


@pytest.mark.parametrize(
    ("name", "inputs", "output", "options", "macs"),
    [
        # Each of 4 x 5 x 7 outputs sums 3 x 2 taps of 6 channels.
        ("CONV_2D", [(1, 8, 10, 6), (7, 3, 2, 6)], (1, 4, 5, 7), {}, 4 * 5 * 7 * 3 * 2 * 6),
        # Each of 4 x 5 x 12 outputs sums 3 x 2 taps of its own channel.
        ("DEPTHWISE_CONV_2D", [(1, 4, 5, 6), (1, 3, 2, 12)], (1, 4, 5, 12), {}, 4 * 5 * 12 * 3 * 2),
        ("FULLY_CONNECTED", [(9, 6), (7, 6)], (9, 7), {}, 9 * 7 * 6),
        # Each of 4 x 5 x 6 inputs is spread over 3 x 2 taps of 7 channels.
        (
            "TRANSPOSE_CONV",
            [(4,), (7, 3, 2, 6), (1, 4, 5, 6)],
            (1, 8, 10, 7),
            {},
            4 * 5 * 6 * 3 * 2 * 7,
        ),
        ("BATCH_MATMUL", [(2, 3, 4, 5), (2, 3, 5, 6)], (2, 3, 4, 6), {}, 6 * 4 * 6 * 5),
        (
            "BATCH_MATMUL",
            [(2, 5, 4), (2, 6, 5)],
            (2, 4, 6),
            {"adj_x": True, "adj_y": True},
            2 * 4 * 6 * 5,
        ),
        ("ADD", [(4, 5), (4, 5)], (4, 5), {}, 0),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_op(
    name: str,
    inputs: list[tuple[int, ...]],
    output: tuple[int, ...],
    options: dict[str, Any],
    macs: int,
) -> None:
    tensors = [
        Tensor(at, str(at), "int8", shape, None, None) for at, shape in enumerate([*inputs, output])
    ]
    op = Op(0, name, tuple(range(len(inputs))), (len(inputs),), options)
    model = TFLiteModel(
        Path("one.tflite"), b"", tensors, [op], (0,), (len(inputs),), ("in",), ("out",)
    )
    assert model_macs(model) == macs
