"""Whole conversions: what comes out runs under TFLM, is int8 throughout, and says what it is."""

import json

import numpy as np

import converter
from converter.checks.per_op import quantise_inputs
from converter.quantising.quantise import check_scales
from midfuse.card import quantise_window, read_card
from midfuse.numeric import quantise
from midfuse.ops import check_support
from midfuse.oracle import Oracle, read_npz, recorded_answers
from midfuse.tflite_file import TFLiteModel, read_tflite
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
    codes = quantise_inputs(model, [converted.test["acc"], converted.test["gyro"]])
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
    assert accuracy["correct"]["student_int8_host"] == correct
    assert accuracy["student_int8_host"] == correct / 120
    # The float models differ by rounding, the int8 one by quantisation.
    assert accuracy["correct"]["float_tflite"] == accuracy["correct"]["student_float"]
    assert accuracy["agreement"] > 0.8
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


def test_report_stands_alone_and_escapes(converted: Converted) -> None:
    page = (converted.folder / "report.html").read_text()
    assert "http:" not in page
    assert "https:" not in page
    assert "<script" not in page
    assert page.count('class="bar"') == len(_int8(converted).ops)
    assert page.count(">worst ") == 10


def test_a_student_comes_out_with_a_finished_card(
    converted_student: converter.ConversionResult,
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
    converted_student: converter.ConversionResult,
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
    converted_student: converter.ConversionResult,
) -> None:
    values = sensor_windows(150, seed=1)["acc"]
    low, high = converted_student.ranges["acc"]
    assert low == values.min()
    assert high == values.max()


def test_an_onnx_file_keeps_its_names_and_layout(
    converted_onnx: converter.ConversionResult,
) -> None:
    """NCHW in ONNX stays NCHW outside, whatever TFLite does inside; no card, no second .onnx."""
    model = converted_onnx.model
    assert model.input_names == ("image.1",)
    assert model.output_names == ("score:0",)
    assert model.tensors[model.inputs[0]].shape == (1, 2, 16, 20)
    assert converted_onnx.float_error < 1e-5
    assert converted_onnx.card is None
    assert converted_onnx.accuracy is None
    assert converted_onnx.expected_windows == 40
    names = {path.name for path in converted_onnx.files}
    assert "cnn_int8.tflite" in names
    assert not any(name.endswith((".onnx", ".json")) and name != "per_op.json" for name in names)
    assert min(c.accumulated.cosine or 0 for c in converted_onnx.checks) > 0.99
