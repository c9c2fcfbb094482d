"""Whole conversions: what comes out runs under TFLM, is int8 throughout, and says what it is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper

from converter.checks.per_op import quantise_inputs
from converter.pipeline import convert_model
from converter.quantising.quantise import check_scales
from converter.result import Conversion
from firmware_tools.commands.evaluate import evaluate
from midfuse.core.card import quantise_window, read_card
from midfuse.core.numeric import quantise
from midfuse.core.oracle import Oracle, read_npz, recorded_answers
from midfuse.core.support import check_support
from midfuse.core.tflite_file import TFLiteModel, read_tflite
from tests.converter.conftest import Converted, sensor_windows
from tests.converter.standin import CLASSES


def _int8(converted: Converted) -> TFLiteModel:
    return read_tflite(converted.folder / "two_sensors_int8.tflite")


def test_the_result_is_int8_throughout_and_keeps_the_models_interface(
    converted: Converted,
) -> None:
    model = _int8(converted)
    check_support(model, "")
    check_scales(model, "")
    assert model.input_names == ("acc", "gyro")
    assert [model.tensors[i].name for i in model.inputs] == ["acc", "gyro"]
    assert [model.tensors[i].shape for i in model.inputs] == [(1, 128, 3)] * 2
    assert model.output_names == ("logits",)
    assert model.sha256 == converted.data["sha256"]


def test_weights_are_per_channel(converted: Converted) -> None:
    model = _int8(converted)
    for op in model.ops:
        if op.name in ("FULLY_CONNECTED", "CONV_2D"):
            weights = model.tensors[op.inputs[1]]
            assert weights.quantization is not None
            assert len(weights.quantization.scale) == weights.shape[0]
            assert (weights.quantization.zero_point == 0).all()


def test_no_bias_is_left_in_an_addition(converted: Converted) -> None:
    """The converter leaves the bias before a ReLU in an ADD; one op fewer is what tidy is for."""
    model = read_tflite(converted.folder / "two_sensors_float32.tflite")
    constant_adds = [
        op
        for op in model.ops
        if op.name == "ADD" and any(model.tensors[i].data is not None for i in op.inputs)
    ]
    assert constant_adds == []
    assert all(op.inputs[2] >= 0 for op in model.ops if op.name == "FULLY_CONNECTED")


def test_files_and_streams_hold_what_the_command_says(converted: Converted) -> None:
    assert {path.name for path in converted.folder.iterdir()} == {
        "two_sensors.onnx",
        "two_sensors_float32.tflite",
        "two_sensors_int8.tflite",
        "per_op.json",
        "per_op_accumulated.model_explorer.json",
        "per_op_local.model_explorer.json",
        "expected.npz",
        "report.html",
        "onnx2tf.log",
    }
    noise = [
        line
        for line in converted.stderr.splitlines()
        if any(word in line for word in ("INFO", "WARNING", "tensorflow", "XNNPACK", "cuda"))
    ]
    assert noise == []
    assert "ONNX to TFLite (onnx2tf)" in converted.stderr


def test_recorded_answers_are_tflms_on_the_test_windows(converted: Converted) -> None:
    model = _int8(converted)
    windows = [converted.test[name][:, np.newaxis] for name in ("acc", "gyro")]
    codes = quantise_inputs(model, windows)
    (answers,) = recorded_answers(converted.folder / "expected.npz", model, codes)
    oracle = Oracle(model)
    for at in (0, 57, 119):
        (now,) = oracle.run([values[at] for values in codes])
        np.testing.assert_array_equal(answers[at], now)
    recorded = read_npz(converted.folder / "expected.npz")
    np.testing.assert_array_equal(recorded["labels"], converted.test["labels"])
    int8_classes = answers.reshape(120, CLASSES).argmax(1)
    correct = int((int8_classes == converted.test["labels"]).sum())
    accuracy = converted.data["accuracy"]
    assert accuracy["windows"] == 120
    assert accuracy["correct"]["int8_host"] == correct
    assert accuracy["int8_host"] == correct / 120
    # The float models differ by rounding, the int8 one by quantisation.
    assert accuracy["correct"]["float_tflite"] == accuracy["correct"]["float_model"]
    agreement = converted.data["agreement"]
    assert agreement["windows"] == agreement["same_class"]["float_tflite"] == 120
    assert 96 < agreement["same_class"]["int8_host"] <= 120
    assert agreement["held_out"]
    assert 0 < converted.data["float_error"] < 1e-5


def test_per_op_covers_every_op_in_order_with_rounding_sized_errors(converted: Converted) -> None:
    model = _int8(converted)
    report = json.loads((converted.folder / "per_op.json").read_text())
    assert report["sha256"] == model.sha256
    assert report["windows"] == 100
    assert [op["op"] for op in report["ops"]] == [op.name for op in model.ops]
    for entry, op in zip(report["ops"], model.ops, strict=True):
        assert entry["tensor"] == model.tensors[op.outputs[0]].name
        error = entry["accumulated"]
        assert error["sqnr_db"] > 20, entry
        assert error["cosine"] > 0.99, entry
        assert 0 < error["mean_steps"] <= error["max_steps"], entry
    # A reshape of the input sees its rounding alone, or little more where it clips.
    first = report["ops"][0]["accumulated"]
    assert 0.2 < first["mean_steps"] < 0.3


def test_report_and_overlays_have_the_figures_of_per_op_json(converted: Converted) -> None:
    page = (converted.folder / "report.html").read_text()
    assert page.count('<li id="op') == len(_int8(converted).ops)
    ops = json.loads((converted.folder / "per_op.json").read_text())["ops"]
    for kind in ("accumulated", "local"):
        overlay = (converted.folder / f"per_op_{kind}.model_explorer.json").read_text()
        values = {
            str(op["index"]): min(op[kind]["sqnr_db"], op[kind]["channel_sqnr_db"])
            for op in ops
            if op[kind]["sqnr_db"] is not None
        }
        results = {node: data["value"] for node, data in json.loads(overlay)["results"].items()}
        assert results == pytest.approx(values, abs=0.006)
        for value in values.values():
            assert f"{value:.1f} dB</span>" in page


def test_a_student_comes_out_with_a_finished_card(
    converted_student: Conversion,
) -> None:
    path = next(p for p in converted_student.files if p.name == "student.json")
    card, model = read_card(path), converted_student.model
    assert card == converted_student.card
    assert card.tflite is not None
    assert (card.tflite.file, card.tflite.sha256) == ("student_int8.tflite", model.sha256)
    written = read_tflite(path.with_name(card.tflite.file))
    assert written.sha256 == model.sha256
    for entry, index in zip(card.inputs, model.inputs, strict=True):
        tensor = model.tensors[index]
        assert (entry.name, entry.tensor, entry.dtype) == (tensor.name, tensor.name, "int8")
        assert (entry.scale, entry.zero_point) == (float(tensor.scale), tensor.zero_point)
    assert (card.outputs[0].tensor, card.outputs[0].dtype) == ("logits", "int8")
    computed = {model.tensors[op.outputs[0]].name for op in model.ops}
    assert set(card.activation_ranges) == computed | {"acc", "gyro"}
    assert "student.onnx" in {p.name for p in converted_student.files}


def test_device_arithmetic_of_the_card_is_the_standardised_quantisation(
    converted_student: Conversion,
) -> None:
    assert converted_student.card is not None
    entry = converted_student.card.inputs[0]
    assert entry.scale is not None
    assert entry.zero_point is not None
    raw = (sensor_windows(20, seed=9)["acc"] * np.float32(2) + np.float32(1)).astype(np.float32)
    standardised = (raw - np.array(entry.mean, np.float32)) / np.array(entry.std, np.float32)
    two_steps = quantise(standardised, entry.scale, entry.zero_point).astype(int)
    one_step = quantise_window(raw, entry).astype(int)
    assert np.abs(one_step - two_steps).max() <= 1
    assert (one_step == two_steps).mean() > 0.999


def test_students_ranges_come_from_the_calibration_windows(
    converted_student: Conversion,
) -> None:
    values = sensor_windows(150, seed=1)["acc"]
    low, high = converted_student.ranges["acc"]
    assert low == values.min()
    assert high == values.max()


def test_an_onnx_file_keeps_its_names_and_layout(
    converted_onnx: Conversion,
) -> None:
    """NCHW in ONNX stays NCHW outside, whatever TFLite does inside; no card, no second .onnx."""
    model = converted_onnx.model
    assert model.input_names == ("image.1",)
    assert model.output_names == ("score:0",)
    assert model.tensors[model.inputs[0]].shape == (1, 2, 16, 20)
    assert converted_onnx.float_error < 1e-5
    assert converted_onnx.card is None
    assert converted_onnx.agreement.accuracy is None
    assert converted_onnx.agreement.windows == 40
    names = {path.name for path in converted_onnx.files}
    assert "cnn_int8.tflite" in names
    assert not any(name.endswith(".onnx") or name == "cnn.json" for name in names)
    assert min(c.accumulated.cosine or 0 for c in converted_onnx.checks) > 0.99


def test_inputs_of_one_to_three_axes_open_ones_and_none_of_them_a_batch(tmp_path: Path) -> None:
    """Through to a board, which is given what the converter recorded."""
    rng = np.random.default_rng(1)
    shapes: dict[str, list[Any]] = {
        "mean": [6],
        "steps": [12, 3],
        "acc": ["batch", "time", 3],
    }
    weights = {name: rng.standard_normal((int(s[-1]), 8)) for name, s in shapes.items()}
    weights["head"] = rng.standard_normal((8, 5))
    nodes = [
        *(helper.make_node("MatMul", [name, f"{name}.w"], [f"{name}.m"]) for name in shapes),
        helper.make_node("ReduceMean", ["steps.m"], ["steps.r"], axes=[0], keepdims=0),
        helper.make_node("ReduceMean", ["acc.m"], ["acc.r"], axes=[1], keepdims=0),
        helper.make_node("Add", ["mean.m", "steps.r"], ["a"]),
        helper.make_node("Add", ["acc.r", "a"], ["b"]),
        helper.make_node("Relu", ["b"], ["r"]),
        helper.make_node("MatMul", ["r", "head.w"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 5])],
        [numpy_helper.from_array(w.astype(np.float32), f"{n}.w") for n, w in weights.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "m.onnx")
    sizes = {"mean": (30, 6), "steps": (30, 12, 3), "acc": (30, 20, 3)}
    windows = {n: rng.standard_normal(size).astype(np.float32) for n, size in sizes.items()}
    result = convert_model(tmp_path / "m.onnx", windows, out=tmp_path / "out")
    model = result.model
    assert model.input_names == ("mean", "steps", "acc")
    assert [model.tensors[i].shape for i in model.inputs] == [(6,), (12, 3), (1, 20, 3)]
    recorded = read_npz(tmp_path / "out" / "expected.npz")
    assert [recorded[str(i)].shape for i in range(3)] == [(30, 6), (30, 12, 3), (30, 1, 20, 3)]
    command = ["--board", "native", "--inputs", str(tmp_path / "out" / "expected.npz"), "--json"]
    done = CliRunner().invoke(
        evaluate, [str(model.path), *command, "--out", str(tmp_path / "evaluated")]
    )
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["differing_bytes"] == 0
    assert json.loads(done.stdout)["windows"] == 30
