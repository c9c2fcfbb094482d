"""The parts that measure and judge: ranges, error sums, int8 checks, reading windows."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import TensorProto, helper

from converter.checks.agreement import compare
from converter.checks.equality import prove_equal
from converter.checks.limits import Limits, missed
from converter.checks.measure import ErrorSums, Signal
from converter.checks.per_op import check_ops_against_float, quantise_inputs
from converter.lowering.float_model import FloatModel
from converter.quantising.quantise import check_scales, quantise_model
from converter.quantising.ranges import MOVES, minmax_ranges
from converter.reading.onnx_file import read_onnx
from converter.reading.onnx_ops import check_onnx_ops
from converter.reading.onnx_shapes import fix_shapes
from converter.reading.windows import FloatArray, InputSpec, Windows, read_windows
from converter.result import Conversion
from midfuse.core.errors import CheckFailed, InputError
from midfuse.core.oracle import Oracle
from midfuse.core.support import check_ops, check_support
from tests.converter.conftest import sensor_windows

_FLOATS = hnp.arrays(
    np.float32, st.integers(2, 40), elements=st.floats(-100, 100, width=32, allow_subnormal=False)
)


@given(_FLOATS, st.integers(1, 9), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_error_sums_over_pieces_are_those_of_the_whole(
    values: FloatArray, channels: int, cut: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    expected = np.stack([rng.permutation(values) for _ in range(channels)], axis=-1)
    found = (expected + rng.normal(0, 0.1, expected.shape)).astype(np.float32)
    sums, signal = ErrorSums(), Signal()
    for piece in (slice(0, cut), slice(cut, None)):
        if expected[piece].size:
            sums.add(expected[piece], found[piece])
            signal.add(expected[piece])
    got = sums.result(signal, scale=0.5)
    f, q = expected.astype(np.float64), found.astype(np.float64)
    assert got.mean_abs == pytest.approx(np.abs(f - q).mean(), rel=1e-5)
    assert got.max_abs == pytest.approx(np.abs(f - q).max(), rel=1e-5)
    assert (got.mean_steps, got.max_steps) == (2 * got.mean_abs, 2 * got.max_abs)
    assert signal.low == min(0, f.min())
    assert signal.high == max(0, f.max())
    if (f**2).sum() > 0:
        channel_db = 10 * np.log10((f**2).sum(0) / ((f - q) ** 2).sum(0))
        total_db = 10 * np.log10((f**2).sum() / ((f - q) ** 2).sum())
        assert got.sqnr_db == pytest.approx(total_db, rel=1e-3, abs=1e-3)
        assert got.channel_sqnr_db == pytest.approx(np.median(channel_db), rel=1e-3, abs=1e-3)
        cosine = (f * q).sum() / np.linalg.norm(f) / np.linalg.norm(q)
        assert got.cosine == pytest.approx(cosine, rel=1e-5, abs=1e-7)
    else:
        assert got.sqnr_db is None
        assert got.channel_sqnr_db is None


def test_a_large_channel_hides_in_the_sum_but_not_in_the_median() -> None:
    rng = np.random.default_rng(0)
    expected = rng.standard_normal((50, 8)).astype(np.float32)
    expected[:, 3] *= 1000
    found = np.rint(expected / 8) * 8
    sums, signal = ErrorSums(), Signal()
    sums.add(expected, found)
    signal.add(expected)
    error = sums.result(signal, scale=8.0)
    assert error.sqnr_db is not None
    assert error.sqnr_db > 40
    assert error.channel_sqnr_db is not None
    assert error.channel_sqnr_db < 1


def test_an_exact_op_has_no_noise() -> None:
    sums, signal = ErrorSums(), Signal()
    sums.add(np.ones((1, 3), np.float32), np.ones((1, 3), np.float32))
    signal.add(np.ones((1, 3), np.float32))
    exact = sums.result(signal, 1.0)
    assert exact.max_abs == 0
    assert (exact.sqnr_db, exact.channel_sqnr_db) == (None, None)


def test_ranges_hold_every_value_and_are_shared_where_values_only_move(
    converted_student: Conversion,
) -> None:
    model, ranges = converted_student.float_model, converted_student.ranges
    arrays = sensor_windows(150, seed=1)
    interpreter = FloatModel(model)
    reached = {name: [0.0, 0.0] for name in ranges}
    for at in range(150):
        interpreter.run([arrays["acc"][at : at + 1], arrays["gyro"][at : at + 1]])
        for tensor in model.tensors:
            if tensor.name in ranges:
                values = interpreter.tensor(tensor.index)
                low, high = reached[tensor.name]
                reached[tensor.name] = [min(low, values.min()), max(high, values.max())]
    joined = {i for op in model.ops if op.name in MOVES for i in (*op.inputs, *op.outputs)}
    softmaxes = {op.outputs[0] for op in model.ops if op.name == "SOFTMAX"}
    for tensor in model.tensors:
        if tensor.name not in ranges:
            continue
        if tensor.index in softmaxes:
            assert ranges[tensor.name] == (0.0, 255 / 256)
        elif tensor.index in joined:
            assert ranges[tensor.name][0] <= reached[tensor.name][0]
            assert ranges[tensor.name][1] >= reached[tensor.name][1]
        else:
            assert list(ranges[tensor.name]) == reached[tensor.name]
    for op in model.ops:
        if op.name in MOVES:
            spans = {
                ranges[model.tensors[i].name]
                for i in (*op.inputs, *op.outputs)
                if model.tensors[i].name in ranges
            }
            assert len(spans) == 1


def test_wider_ranges_cost_precision(converted_student: Conversion, tmp_path: Path) -> None:
    """The ranges given are the ones used: eight times as wide costs three bits, 18 dB."""
    model = converted_student.float_model
    wide = {name: (8 * low, 8 * high) for name, (low, high) in converted_student.ranges.items()}
    int8 = quantise_model(model, wide, tmp_path / "wide.tflite", "wide")
    for index in int8.inputs:
        low, high = wide[int8.tensors[index].name]
        assert int8.tensors[index].scale == pytest.approx((high - low) / 255, rel=1e-5)
    arrays = sensor_windows(20, seed=1)
    windows = Windows([arrays["acc"][:, None], arrays["gyro"][:, None]])
    coarse = check_ops_against_float(int8, model, windows, {})
    fine = check_ops_against_float(converted_student.model, model, windows, {})
    for at in (0, 1):
        loss = (fine[at].accumulated.sqnr_db or 0) - (coarse[at].accumulated.sqnr_db or 0)
        assert 15 < loss < 21


def test_a_dead_tensor_still_gets_a_scale(converted_onnx: Conversion, tmp_path: Path) -> None:
    model = converted_onnx.float_model
    nothing = Windows([np.zeros((3, 1, 2, 16, 20), np.float32)])
    ranges = minmax_ranges(model, nothing)
    assert ranges["image.1"] == (0.0, 1.0)
    int8 = quantise_model(model, ranges, tmp_path / "dead.tflite", "dead")
    (answer,) = Oracle(int8).run([values[0] for values in quantise_inputs(int8, nothing.inputs)])
    assert answer.shape == (1, 5)


def test_float_tensors_other_scales_and_missing_ops_are_refused(
    converted_student: Conversion,
) -> None:
    with pytest.raises(InputError, match="is float32"):
        check_support(converted_student.float_model, "model")
    model = converted_student.model
    softmax = next(op for op in model.ops if op.name == "SOFTMAX")
    tensors = list(model.tensors)
    quantization = tensors[softmax.outputs[0]].quantization
    assert quantization is not None
    tensors[softmax.outputs[0]] = replace(
        tensors[softmax.outputs[0]],
        quantization=replace(quantization, scale=np.array([0.01], np.float32)),
    )
    with pytest.raises(InputError, match=f"op {softmax.index}, SOFTMAX"):
        check_scales(replace(model, tensors=tensors), "model")
    tensors = list(model.tensors)
    quantization = tensors[model.ops[0].outputs[0]].quantization
    assert quantization is not None
    tensors[model.ops[0].outputs[0]] = replace(
        tensors[model.ops[0].outputs[0]],
        quantization=replace(quantization, scale=quantization.scale * np.float32(2)),
    )
    with pytest.raises(InputError, match="op 0, RESHAPE, joins different scales"):
        check_scales(replace(model, tensors=tensors), "model")
    ops = [replace(model.ops[0], name="GELU"), *model.ops[1:]]
    with pytest.raises(InputError, match=r"op 0 \(GELU"):
        check_ops(replace(model, ops=ops), "model")


def test_another_float_model_does_not_pass_for_the_same() -> None:
    rng = np.random.default_rng(0)
    for size in (1.0, 1e-3, 1e3):
        given = [(size * rng.standard_normal((5, 1, 4))).astype(np.float32) for _ in range(2)]
        close = [values * np.float32(1 + 1e-6) for values in given]
        assert 0 < prove_equal(given, close, "model") < 1e-5 * size
        for shift in (np.float32(0.02 * size), np.float32(np.nan)):
            other = [given[0], given[1] + shift]
            with pytest.raises(CheckFailed, match="model: the float TFLite output differs"):
                prove_equal(given, other, "model")
        turned = [given[0], given[1].reshape(5, 4, 1)]
        with pytest.raises(CheckFailed, match="outputs are"):
            prove_equal(given, turned, "model")


def test_shape_arithmetic_may_use_any_op(tmp_path: Path) -> None:
    """Exporters compute shapes with ops that no target has; they are constants in the end."""
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 6]) for n in "xy"]
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Mod", ["shape", "seven"], ["same"]),
        helper.make_node("Reshape", ["x", "same"], ["y"]),
    ]
    seven = helper.make_tensor("seven", TensorProto.INT64, [1], [7])
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [seven])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "m.onnx")
    model = read_onnx(tmp_path / "m.onnx", "m.onnx")
    check_onnx_ops(model, "m.onnx")
    fixed = fix_shapes(model, [np.zeros((1, 6), np.float32)], "m.onnx")
    assert [node.op_type for node in fixed.graph.node] == ["Reshape"]
    graph.node.append(helper.make_node("Mod", ["x", "x"], ["z"]))
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "m.onnx")
    model = read_onnx(tmp_path / "m.onnx", "m.onnx")
    with pytest.raises(InputError, match="is Mod, an op that the target lacks"):
        check_onnx_ops(model, "m.onnx")


def _rows(classes: list[int]) -> list[FloatArray]:
    return [np.eye(3, dtype=np.float32)[classes][:, None]]


def test_agreement_and_accuracy_counts() -> None:
    labels = np.array([0, 1, 2, 2])
    given, lowered, int8 = _rows([0, 1, 2, 0]), _rows([0, 1, 2, 2]), _rows([0, 2, 2, 0])
    found = compare(given, lowered, int8, labels, held_out=True)
    assert (found.windows, found.float_tflite, found.int8_host) == (4, 3, 3)
    # One row of four is another class: two of its three values are off by one.
    assert found.sqnr_db == pytest.approx(10 * np.log10(4 / 2))
    assert found.accuracy is not None
    assert found.accuracy.result().model_dump() == {
        "windows": 4,
        "float_model": 0.75,
        "float_tflite": 1.0,
        "int8_host": 0.5,
        "correct": {"float_model": 3, "float_tflite": 4, "int8_host": 2},
    }
    assert missed(Limits(3.0, 25.0), found) == []
    (drop,) = missed(Limits(3.0, 24.0), found)
    assert "loses 25.00 points" in drop
    (noise,) = missed(Limits(4.0, 25.0), found)
    assert "SQNR is 3.0 dB" in noise


def test_outputs_that_are_no_classes_have_a_ratio_only() -> None:
    given = [np.ones((4, 1, 5, 2), np.float32)]
    found = compare(given, given, [values * 0.9 for values in given], None, held_out=False)
    assert (found.float_tflite, found.int8_host, found.accuracy) == (None, None, None)
    assert found.sqnr_db == pytest.approx(20)


@given(st.integers(1, 300), st.integers(1, 120))
def test_spread_takes_first_and_last_and_none_twice(windows: int, count: int) -> None:
    chosen = Windows([np.arange(windows, dtype=np.float32)[:, None]]).spread(count).inputs[0]
    assert len(chosen) == min(windows, count) == len(np.unique(chosen))
    assert chosen[0] == 0
    if count > 1:
        assert chosen[-1] == windows - 1


def _npz() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, acc=np.ones((3, 4, 2), np.float32), labels=np.zeros(3, np.int64))
    return buffer.getvalue()


@settings(max_examples=1000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(_npz()) - 1), st.binary(min_size=1, max_size=4), st.booleans())
def test_damaged_windows_are_refused_or_read(
    tmp_path: Path, at: int, garbage: bytes, cut: bool
) -> None:
    """Whatever is damaged in an .npz, the answer is windows or one InputError."""
    content = _npz()
    damaged = content[:at] if cut else content[:at] + garbage + content[at + len(garbage) :]
    path = tmp_path / "windows.npz"
    path.write_bytes(damaged)
    message = "windows.npz"
    try:
        assert len(read_windows(path, [InputSpec("acc", (1, 4, 2))])) == 3
    except InputError as error:
        message = str(error)
    assert "windows.npz" in message
    assert "\n" not in message
