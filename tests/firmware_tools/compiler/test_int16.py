"""int16 activations: what random cases do not reach. Every code, every sum, and types that mix."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from midfuse.tflite_file import parse_tflite
from tests.support.host_build import run_compiled, run_oracle

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.support.tflite_builder import TFLiteBuilder, schema

EVERY_CODE = np.arange(-(1 << 15), 1 << 15).astype(np.int16)


def assert_equal_to_tflm(
    builder: TFLiteBuilder, windows: list[list[npt.NDArray[Any]]], folder: Path
) -> npt.NDArray[np.int8]:
    model = parse_tflite(builder.content(), Path("model.tflite"))
    ours = run_compiled(model, windows, folder, observable=False)
    np.testing.assert_array_equal(ours, run_oracle(model, windows, observable=False))
    return ours


@pytest.mark.parametrize("name", ["LOGISTIC", "TANH"])
def test_sigmoids_on_every_code(name: str, tmp_path: Path) -> None:
    """Powers of two that TFLM takes without a multiplier, and scales that cover the table."""
    b = TFLiteBuilder()
    for scale in (2.0**-12, 2.0**-11, 1 / 12288, 0.00037):
        x = b.input(EVERY_CODE.shape, scale, 0, dtype="int16")
        b.op(name, [x], b.tensor(EVERY_CODE.shape, 1 / 32768, dtype="int16"))
    assert_equal_to_tflm(b, [[EVERY_CODE] * 4], tmp_path)


def test_reciprocal_square_root_of_every_positive_code(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    codes = EVERY_CODE[1 << 15 :]
    x = b.input(codes.shape, 2.0**-10, 0, dtype="int16")
    for scale in (2.0**-8, 2.0**-15, 0.013):
        b.op("RSQRT", [x], b.tensor(codes.shape, scale, dtype="int16"))
    assert_equal_to_tflm(b, [[codes]], tmp_path)


def test_softmax_on_every_difference(tmp_path: Path) -> None:
    """Pairs of a zero and each code below it read every place of both tables."""
    b = TFLiteBuilder()
    pairs = np.stack([np.zeros_like(EVERY_CODE), -np.abs(EVERY_CODE)], axis=1)
    x = b.input(pairs.shape, 10 / 32768, 0, dtype="int16")
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    b.op("SOFTMAX", [x], b.tensor(pairs.shape, 1 / 32768, dtype="int16"), options)
    assert_equal_to_tflm(b, [[pairs]], tmp_path)


@pytest.mark.parametrize("bias", ["int32", "int64", None])
def test_sums_of_more_than_32_bits(bias: str | None, tmp_path: Path) -> None:
    """TFLM loses their upper bits where the bias is int32, and keeps them elsewhere."""
    b = TFLiteBuilder()
    depth = 2048
    weights = np.full((3, depth), 127, np.int8)
    weights[1] = -127
    x = b.input((2, depth), 0.001, 0, dtype="int16")
    inputs = [x, b.tensor(weights.shape, 0.01, data=weights)]
    if bias:
        values = np.array([-5, 0, 1 << 30], bias)
        inputs.append(b.tensor((3,), 0.001 * 0.01, dtype=bias, data=values))
    options = schema.FullyConnectedOptionsT()
    b.op("FULLY_CONNECTED", inputs, b.tensor((2, 3), 8.0, dtype="int16"), options)
    largest = np.full((2, depth), 32767, np.int16)
    largest[1] = -32768
    codes = assert_equal_to_tflm(b, [[largest]], tmp_path).view(np.int16)
    real = 32767 * 0.001 * 127 * 0.01 * depth / 8.0
    assert (abs(codes[0] - real) < 2) == (bias != "int32")


def test_layouts_around_a_product_of_int16_cost_nothing(tmp_path: Path) -> None:
    """The product reads and writes through strides, as that of int8 does."""
    b = TFLiteBuilder()
    b.inputs = [b.tensor((2, 5, 3), 0.01, dtype="int16"), b.tensor((2, 4, 5), 0.01, dtype="int16")]
    turned = b.tensor((2, 3, 5), 0.01, dtype="int16")
    b.op("TRANSPOSE", [b.inputs[0], b.numbers([0, 2, 1])], turned)
    options = schema.BatchMatMulOptionsT()
    options.adjY = True
    product = b.tensor((2, 3, 4), 2.0, dtype="int16")
    b.op("BATCH_MATMUL", [turned, b.inputs[1]], product, options)
    b.op("TRANSPOSE", [product, b.numbers([1, 0, 2])], b.tensor((3, 2, 4), 2.0, dtype="int16"))
    rng = np.random.default_rng(0)
    windows = [[rng.integers(-32768, 32768, n).astype(np.int16) for n in (30, 40)]]
    assert_equal_to_tflm(b, windows, tmp_path)
    assert "mf_copy" not in (tmp_path / "model.c").read_text(encoding="ascii")
