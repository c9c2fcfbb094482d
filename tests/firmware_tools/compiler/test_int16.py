"""int16 activations: what random cases do not reach. Every code, every sum, and types that mix."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from firmware_tools.board.registry import read_board
from firmware_tools.compiler import compile_model
from firmware_tools.measure.compare import compare_ops
from firmware_tools.runtimes.midfuse import Midfuse
from midfuse.core.errors import InputError
from midfuse.core.tflite_file import parse_tflite
from tests.boards.conftest import need
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


def mixed_model() -> TFLiteBuilder:
    """An int8 convolution, int16 in the middle, int8 again; every int16 kernel of one input."""
    rng = np.random.default_rng(3)
    b = TFLiteBuilder()
    filters = b.tensor((4, 3, 3, 2), 0.02, data=rng.integers(-127, 128, (4, 3, 3, 2), np.int8))
    window = schema.Conv2DOptionsT()
    window.strideH = window.strideW = window.dilationHFactor = window.dilationWFactor = 1
    image = b.tensor((1, 6, 6, 4), 0.5, -3)
    b.op("CONV_2D", [b.input((1, 6, 6, 2), 0.1, 5), filters], image, window)
    shape = (1, 6, 6, 4)

    def of_int16(
        name: str, inputs: list[int], scale: float, options: Any = None, shape: Any = shape
    ) -> int:
        output = b.tensor(shape, scale, dtype="int16")
        b.op(name, inputs, output, options)
        return output

    fine = of_int16("QUANTIZE", [image], 0.002)
    spatial = b.tensor((1, 3, 3, 4), 0.01, data=rng.integers(-127, 128, (1, 3, 3, 4), np.int8))
    spatial_window = schema.DepthwiseConv2DOptionsT()
    spatial_window.strideH = spatial_window.strideW = spatial_window.depthMultiplier = 1
    spatial_window.dilationHFactor = spatial_window.dilationWFactor = 1
    fine = of_int16("DEPTHWISE_CONV_2D", [fine, spatial], 0.004, spatial_window)
    gate = of_int16("LOGISTIC", [fine], 1 / 32768)
    fine = of_int16("MUL", [fine, gate], 0.004, schema.MulOptionsT())
    size = of_int16("ABS", [of_int16("TANH", [fine], 1 / 32768)], 1 / 32768)
    root = of_int16("RSQRT", [size], 0.01)
    fine = of_int16("ADD", [fine, root], 0.01, schema.AddOptionsT())
    means = schema.ReducerOptionsT()
    pooled = of_int16("MEAN", [fine, b.numbers([1, 2])], 0.01, means, (1, 4))
    weights = rng.integers(-127, 128, (5, 4), np.int8)
    bias = b.tensor((5,), 5e-7, dtype="int64", data=rng.integers(-9999, 9999, 5))
    dense = [pooled, b.tensor((5, 4), 5e-5, data=weights), bias]
    scores = of_int16("FULLY_CONNECTED", dense, 2e-4, schema.FullyConnectedOptionsT(), (1, 5))
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    shares = of_int16("SOFTMAX", [scores], 1 / 32768, options, (1, 5))
    b.op("QUANTIZE", [shares], b.tensor((1, 5), 1 / 256, -128))
    return b


def test_int8_and_int16_in_one_model(tmp_path: Path) -> None:
    """On the host, and every tensor on a Cortex-M4."""
    b, rng = mixed_model(), np.random.default_rng(4)
    inputs = rng.integers(-128, 128, (8, 1, 6, 6, 2), np.int8)
    codes = assert_equal_to_tflm(b, [[window] for window in inputs], tmp_path)
    assert len(np.unique(codes)) > 10
    model, board = (
        parse_tflite(b.content(), tmp_path / "mixed.tflite"),
        read_board("qemu-mps2-an386"),
    )
    rows = compare_ops(model, need(board), [inputs], tmp_path, Midfuse())
    assert len(rows) == len(model.ops)
    assert [row for row in rows if row.differing_bytes] == []


def refused(builder: TFLiteBuilder, folder: Path) -> str:
    with pytest.raises(InputError) as error:
        compile_model(parse_tflite(builder.content(), folder / "model.tflite"), folder)
    return str(error.value)


def dense(bias: npt.NDArray[Any], name: str = "FULLY_CONNECTED") -> TFLiteBuilder:
    """A layer of one weight with this bias."""
    b = TFLiteBuilder()
    scale = 0.5
    tensor = b.tensor(bias.shape, scale, dtype=str(bias.dtype), data=bias)
    if name == "FULLY_CONNECTED":
        x = b.input((1, 1), scale, 0, dtype="int16")
        weights = b.tensor((1, 1), 1.0, data=np.ones((1, 1), np.int8))
        options, out = schema.FullyConnectedOptionsT(), b.tensor((1, 1), scale, dtype="int16")
    else:
        x = b.input((1, 1, 1, 1), scale, 0, dtype="int16")
        weights = b.tensor((1, 1, 1, 1), 1.0, data=np.ones((1, 1, 1, 1), np.int8), axis=3)
        options, out = schema.DepthwiseConv2DOptionsT(), b.tensor((1, 1, 1, 1), 0.5, dtype="int16")
        options.strideH = options.strideW = options.depthMultiplier = 1
    b.op(name, [x, weights, tensor], out, options)
    return b


def test_biases_that_tflm_would_misread(tmp_path: Path) -> None:
    """Its depthwise convolution takes an int32 bias for an int64 one and reads past its end."""
    message = refused(dense(np.zeros(1, np.int32), "DEPTHWISE_CONV_2D"), tmp_path)
    assert "op 0 (DEPTHWISE_CONV_2D): bias (tensor_0) is not 1 int64 constants" in message
    message = refused(dense(np.array([1 << 60])), tmp_path)
    assert "bias (tensor_0) of more than 46 bits" in message


@pytest.mark.parametrize(
    ("name", "scale", "zero_point", "out_scale", "problem"),
    [
        ("RELU", 0.5, 1, 0.5, "impossible zero point"),
        ("LOGISTIC", 0.1, 0, 1 / 256, "output that is not on scale 1/32768"),
        ("TANH", 6.0, 0, 1 / 32768, "an input on scale 6.0"),
        ("RSQRT", 1.0, 0, 65536.0, "shifts by more than 31 bits"),
        ("SOFTMAX", 6.0, 0, 1 / 32768, "an input on scale 6.0 with beta 1.0"),
    ],
)
def test_scales_that_int16_has_not(
    name: str, scale: float, zero_point: int, out_scale: float, problem: str, tmp_path: Path
) -> None:
    b = TFLiteBuilder()
    options = None
    if name == "SOFTMAX":
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
    x = b.input((1, 4), scale, zero_point, dtype="int16")
    b.op(name, [x], b.tensor((1, 4), out_scale, dtype="int16"), options)
    assert problem in refused(b, tmp_path)
