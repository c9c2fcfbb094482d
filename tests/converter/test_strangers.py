"""Ten strangers' models: `.onnx` in, int8 out, and our C on the Cortex-M4 gives TFLM's bytes."""

from pathlib import Path

import numpy as np
import pytest

from converter.checks.per_op import quantise_inputs
from converter.lowering.names import origins
from converter.pipeline import convert_model
from converter.reading.onnx_file import read_onnx
from converter.reading.onnx_shapes import fix_shapes
from converter.reading.windows import Windows
from converter.result import Conversion
from firmware_tools.board.registry import read_board
from midfuse.core.tflite_file import TFLiteModel
from tests.boards.conftest import need
from tests.converter.strangers import STRANGERS, FloatArray, export_stranger, stranger_windows
from tests.support.core_build import run_on_core
from tests.support.host_build import Window, extreme_windows, random_windows, run_oracle

CORTEX_M4 = "qemu-mps2-an386"
# What each model is here for, as TFLite ops.
WITNESSES = {
    "cnn_1d": {"CONV_2D", "RSQRT", "LEAKY_RELU", "MAX_POOL_2D", "SOFTMAX"},
    "cnn_2d": {"AVERAGE_POOL_2D", "PADV2", "PRELU"},
    "depthwise": {"DEPTHWISE_CONV_2D", "HARD_SWISH"},
    "residual": {"ADD", "MUL", "PADV2"},
    "tcn": {"BATCH_MATMUL", "GATHER", "PAD"},
    "fusion": {"CONCATENATION", "LOGISTIC", "QUANTIZE", "REDUCE_MAX", "TANH"},
    "transformer": {"BATCH_MATMUL", "RSQRT", "SQUARED_DIFFERENCE"},
    "unet": {"CONCATENATION", "TRANSPOSE_CONV"},
    "squeeze_excite": {"ABS", "LOGISTIC", "MINIMUM", "STRIDED_SLICE"},
    "autoencoder": {"STRIDED_SLICE", "TANH", "TRANSPOSE_CONV"},
}


# Convolutions along time and over images, a skip connection, attention; the others in full.
QUICK = ("cnn_1d", "residual", "transformer", "unet")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else pytest.mark.full) for name in STRANGERS],
)
def test_a_stranger_runs_on_the_cortex_m4(name: str, tmp_path: Path) -> None:
    core = need(read_board(CORTEX_M4))
    pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
    path = export_stranger(name, tmp_path)
    calibration = stranger_windows(STRANGERS[name], 60, seed=20)
    result = convert_model(path, calibration, out=tmp_path / "out")
    model = result.model
    assert {op.name for op in model.ops} >= WITNESSES[name]
    fresh = stranger_windows(STRANGERS[name], 20, seed=21)
    _check_origins(result, path, calibration)

    windows = _codes(model, {key: values[:4] for key, values in fresh.items()})
    windows += random_windows(model, 2, np.random.default_rng(22)) + extreme_windows(model)
    for observable in (True, False):
        folder = tmp_path / f"observable_{observable}"
        folder.mkdir()
        _, ours = run_on_core(core, model, windows, folder, observable=observable)
        expected = run_oracle(model, windows, observable=observable)
        np.testing.assert_array_equal(ours, expected)


def _codes(model: TFLiteModel, arrays: dict[str, FloatArray]) -> list[Window]:
    """Float windows as the model takes them, one list of inputs a window."""
    codes = quantise_inputs(model, list(arrays.values()))
    return [[values[at : at + 1] for values in codes] for at in range(len(codes[0]))]


def _check_origins(result: Conversion, path: Path, arrays: dict[str, FloatArray]) -> None:
    """Every op is traced to a node of the file, and what can be said of its kind holds."""
    model, windows = result.float_model, Windows([values[:, None] for values in arrays.values()])
    proto = fix_shapes(read_onnx(path, str(path)), windows.window(0), str(path))
    found = origins(model, proto, windows, "test")
    names = {node.name for node in proto.graph.node}
    kinds = {
        "CONV_2D": {"Conv"},
        "DEPTHWISE_CONV_2D": {"Conv"},
        "FULLY_CONNECTED": {"Gemm", "MatMul"},
        "LOGISTIC": {"Sigmoid"},
        "MAX_POOL_2D": {"MaxPool"},
        "PADV2": {"MaxPool"},
        "TANH": {"Tanh"},
        "TRANSPOSE_CONV": {"ConvTranspose"},
    }
    for op in model.ops:
        origin = found[model.tensors[op.outputs[0]].name]
        assert origin.node in names
        assert origin.op_type in kinds.get(op.name, {origin.op_type}), (op, origin)
