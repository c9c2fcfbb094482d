"""A model that cannot be compiled ends in one line that names the file, the op and a way out."""

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_tools.compiler import compile_model
from firmware_tools.compiler.lowering import LOWERINGS
from firmware_tools.compiler.variants import InstructionSet
from midfuse.cli.main import main
from midfuse.core.errors import InputError
from midfuse.core.ops import OPS
from midfuse.core.tflite_file import parse_tflite
from tests.support.paths import DATA

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.firmware_tools.compiler.cases import CASES
from tests.support.host_build import random_windows, run_compiled
from tests.support.tflite_builder import TFLiteBuilder, schema

_TYPE = schema.TensorType
SMALL = DATA / "cnn_har_int8.tflite"


def refusal(builder: TFLiteBuilder, folder: Path) -> str:
    """The one line that `midfuse build` ends in; its exit code is 2 and it writes nothing."""
    model, out = folder / "model.tflite", folder / "out"
    model.write_bytes(builder.content())
    answer = CliRunner().invoke(main, ["build", str(model), "--board", "native", "--out", str(out)])
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"error: {model}: ")
    assert answer.stderr.count("\n") == 1
    assert not out.exists()
    return answer.stderr


def test_the_op_table_and_the_compiler_agree() -> None:
    assert set(OPS) == set(LOWERINGS)


def test_op_that_the_runtime_lacks(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    b.op("ELU", [b.input((4,), 0.5, 0)], b.tensor((4,), 0.5, 0))
    assert "op 0 (ELU, makes tensor_1) is not supported" in refusal(b, tmp_path)


def test_float_tensors(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    b.inputs.append(b.tensor((4,), dtype="float32"))
    b.op("RELU", [0], b.tensor((4,), dtype="float32"))
    message = refusal(b, tmp_path)
    assert "float32" in message
    assert "quantise" in message


def test_tensor_without_scale(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    b.inputs.append(b.tensor((4,)))
    b.op("RELU", [0], b.tensor((4,), 0.5, 0))
    assert "no single scale" in refusal(b, tmp_path)


def test_shapes_that_do_not_fit(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    weights = b.tensor((2, 5), 0.1, data=np.zeros((2, 5), np.int8))
    options = schema.FullyConnectedOptionsT()
    b.op("FULLY_CONNECTED", [b.input((1, 4), 0.5, 0), weights, -1], b.tensor((1, 2), 0.5), options)
    assert "does not give" in refusal(b, tmp_path)


def test_concatenation_of_scales(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    options = schema.ConcatenationOptionsT()
    inputs = [b.input((2,), 0.5, 0), b.input((2,), 0.25, 0)]
    b.op("CONCATENATION", inputs, b.tensor((4,), 0.5, 0), options)
    assert "another scale" in refusal(b, tmp_path)


def test_too_many_long_axes(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    shape, other = (300, 2, 2, 2, 2), (1, 2, 1, 2, 1)
    inputs = [b.input(shape, 0.5, 0), b.input(other, 0.5, 0)]
    b.op("ADD", inputs, b.tensor(shape, 0.5, 0), schema.AddOptionsT())
    assert "more than four long axes" in refusal(b, tmp_path)


def test_model_input_of_another_type(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    b.input((4,), 0.5, 0, dtype="int64")
    b.op("RELU", [b.input((4,), 0.5, 0)], b.tensor((4,), 0.5, 0))
    message = refusal(b, tmp_path)
    assert "tensor_0 is int64" in message
    assert "int8, int16, int32, float32" in message


def test_constant_that_is_no_number(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    b.input((1,), 0.5, 0)
    data = np.array([1, np.nan], np.float32)
    b.op("QUANTIZE", [b.tensor((2,), dtype="float32", data=data)], b.tensor((2,), 0.5, 0))
    assert "holds NaN or infinity" in refusal(b, tmp_path)


def test_positions_that_are_out_of_range(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    inputs = [b.input((3,), 0.5, 0), b.numbers([0, 3])]
    b.op("GATHER", inputs, b.tensor((2,), 0.5, 0), schema.GatherOptionsT())
    assert "positions outside the 3 there are" in refusal(b, tmp_path)


def test_tensor_read_before_it_is_written(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    b.input((4,), 0.5, 0)
    b.op("RELU", [b.tensor((4,), 0.5, 0)], b.tensor((4,), 0.5, 0))
    assert "nothing has written" in refusal(b, tmp_path)


def test_division_that_tflm_leaves_undefined(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    inputs = [b.input((2,), 0.5, 0), b.input((2,), 0.5, 0)]
    b.op("DIV", inputs, b.tensor((2,), 0.5, 0), schema.DivOptionsT())
    assert "shifts by more than 31 bits" in refusal(b, tmp_path)


def test_bias_at_which_a_sum_passes_32_bits(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    weights = b.tensor((2, 4), 0.1, data=np.ones((2, 4), np.int8))
    bias = b.tensor((2,), 0.05, dtype="int32", data=np.array([0, -(1 << 31) + 1019], np.int32))
    options = schema.FullyConnectedOptionsT()
    inputs = [b.input((1, 4), 0.5, 0), weights, bias]
    b.op("FULLY_CONNECTED", inputs, b.tensor((1, 2), 0.5), options)
    assert "can pass 32 bits" in refusal(b, tmp_path)


@pytest.mark.parametrize("kind", ["ADD", "SUB"])
def test_sum_onto_a_scale_at_which_tflm_stops(kind: str, tmp_path: Path) -> None:
    b = TFLiteBuilder()
    inputs = [b.input((2,), 2.0**20, 0), b.input((2,), 2.0**20, 0)]
    b.op(kind, inputs, b.tensor((2,), 1.0, 0))
    assert "a scale too small" in refusal(b, tmp_path)


@pytest.mark.parametrize("scale", [1.4e-45, 1e38, float("inf"), float("nan"), 0.0, -1.0])
def test_scale_that_no_model_has(scale: float, tmp_path: Path) -> None:
    b = TFLiteBuilder()
    options = schema.AddOptionsT()
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU6
    b.op("ADD", [b.input((4,), 0.5, 0), b.input((4,), 0.5, 0)], b.tensor((4,), scale, 0), options)
    assert "has a scale" in refusal(b, tmp_path)


def test_output_written_twice_by_one_op(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    options = schema.SplitOptionsT()
    options.numSplits = 2
    half = b.tensor((2,), 0.5, 0)
    b.op("SPLIT", [b.numbers([0]), b.input((4,), 0.5, 0)], [half, half], options)
    assert "a second time" in refusal(b, tmp_path)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_hostile_tensors_are_refused_or_harmless(name: str, data: st.DataObject) -> None:
    """A shape, scale or type that the op does not give: refused, or run under the sanitizers."""
    b = TFLiteBuilder()
    CASES[name](b, data.draw)
    tensor = data.draw(st.sampled_from([t for t in b.tensors if t.buffer == 0] or b.tensors))
    change = data.draw(st.sampled_from(["shape", "scale", "type"]))
    if change == "type":
        tensor.type = data.draw(st.sampled_from([_TYPE.INT16, _TYPE.INT64, _TYPE.FLOAT32]))
    elif change == "shape":
        tensor.shape = data.draw(st.lists(st.integers(0, 9), max_size=5))
    elif tensor.quantization is not None:
        tensor.quantization.scale = [data.draw(st.floats(2.0**-149, 2.0**127, width=32))]
    with suppress(InputError), TemporaryDirectory() as folder:
        model = parse_tflite(b.content(), Path(f"{name}.tflite"))
        windows = random_windows(model, 1, np.random.default_rng(0))
        run_compiled(model, windows, Path(folder), observable=False)
        for instruction_set in (InstructionSet.DSP, InstructionSet.MVE):
            compile_model(model, Path(folder), instruction_set=instruction_set)


@settings(max_examples=300, deadline=2000)
@given(data=st.data())
def test_damaged_files_are_compiled_or_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Flipped bytes and cut ends: the compiler either takes the model or says what is wrong."""
    content = bytearray(SMALL.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        # Three in four flips hit the structure, which lies outside the large weight buffers.
        at = data.draw(st.one_of(st.integers(0, len(content) - 1), st.integers(-9000, -1)))
        content[at] = data.draw(st.integers(0, 255))
    if data.draw(st.integers(0, 3)) == 0:
        del content[data.draw(st.integers(0, len(content))) :]
    with suppress(InputError):
        model = parse_tflite(bytes(content), SMALL)
        for instruction_set in InstructionSet:
            compile_model(
                model, tmp_path_factory.mktemp("damaged"), instruction_set=instruction_set
            )
