"""What cannot be converted: one line that names file and field, exit code 2, nothing left."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner, Result
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file, save_file

from converter.cli import convert
from tests.converter.conftest import STANDIN, save_cnn, sensor_windows

MODULE = f"{STANDIN}:two_sensors"


def _run(model: str | Path, calibration: Path, out: Path, *more: str) -> Result:
    options = ["--calibration", str(calibration), "--out", str(out), *more]
    return CliRunner().invoke(convert, [str(model), *options])


def _refused(result: Result, out: Path, *words: str) -> None:
    """One line, exit code 2, the words in it, and no folder made."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert result.exit_code == 2, result.output
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in lines[0]
    assert not out.exists()


Arrays = dict[str, Any]


def _without_gyro(arrays: Arrays) -> None:
    del arrays["gyro"]


def _wrong_shape(arrays: Arrays) -> None:
    arrays["gyro"] = arrays["gyro"][:, :100]


def _wrong_type(arrays: Arrays) -> None:
    arrays["gyro"] = arrays["gyro"].astype(np.float64)


def _nan(arrays: Arrays) -> None:
    arrays["gyro"][3, 5, 1] = np.nan


def _empty(arrays: Arrays) -> None:
    arrays["gyro"] = arrays["gyro"][:0]


def _fewer_windows(arrays: Arrays) -> None:
    arrays["gyro"] = arrays["gyro"][:2]


def _pickled(arrays: Arrays) -> None:
    arrays["gyro"] = np.array([{"a": 1}, None], object)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_without_gyro, ("input gyro is missing", "it holds acc")),
        (_wrong_shape, ("gyro has the shape (4, 100, 3)", "(N, 128, 3)")),
        (_wrong_type, ("gyro is float64",)),
        (_nan, ("gyro holds NaN", "window 3")),
        (_empty, ("gyro", "no windows")),
        (_fewer_windows, ("acc 4, gyro 2",)),
        (_pickled, ("not a usable .npz",)),
    ],
)
def test_windows_that_cannot_be_used(
    spoil: Callable[[Arrays], None], words: tuple[str, ...], student_file: Path, tmp_path: Path
) -> None:
    """The student's card says what its inputs are, so its windows are held against that."""
    arrays: Arrays = dict(sensor_windows(4, seed=0))
    spoil(arrays)
    np.savez(tmp_path / "bad.npz", **arrays)
    result = _run(student_file, tmp_path / "bad.npz", tmp_path / "out")
    _refused(result, tmp_path / "out", "bad.npz", *words)


def test_labels_of_another_length(student_file: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "calibration.npz", **sensor_windows(4, seed=0))
    np.savez(tmp_path / "test.npz", **sensor_windows(4, seed=0), labels=np.zeros(3, np.int64))
    test = ("--test", str(tmp_path / "test.npz"))
    result = _run(student_file, tmp_path / "calibration.npz", tmp_path / "out", *test)
    _refused(result, tmp_path / "out", "test.npz", "labels has the shape (3,)")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("nothing.onnx", ("nothing.onnx", "cannot be read")),
        ("nothing.safetensors", ("nothing.json", "cannot be read")),
        ("nothing.py:factory", ("nothing.py", "no such Python file")),
        (f"{STANDIN}:nothing", ("standin.py", "no function nothing")),
        (f"{STANDIN}:WIDTH", ("standin.py", "no function WIDTH")),
        ("model.pt", ("model.pt", "file.py:factory")),
    ],
)
def test_models_that_do_not_exist(
    model: str, words: tuple[str, ...], calibration_file: Path, tmp_path: Path
) -> None:
    _refused(_run(model, calibration_file, tmp_path / "out"), tmp_path / "out", *words)


def test_calibration_file_that_does_not_exist(tmp_path: Path) -> None:
    result = _run(MODULE, tmp_path / "none.npz", tmp_path / "out")
    _refused(result, tmp_path / "out", "none.npz: no such file")


def test_out_that_is_a_file(calibration_file: Path, tmp_path: Path) -> None:
    result = _run(MODULE, calibration_file, calibration_file)
    assert result.exit_code == 2
    assert "is a file" in result.stderr


def _spoil_card(student_file: Path, folder: Path, **changes: Any) -> Path:
    fields = json.loads(student_file.with_suffix(".json").read_text())
    (folder / "student.json").write_text(json.dumps(fields | changes))
    (folder / "student.safetensors").write_bytes(student_file.read_bytes())
    return folder / "student.json"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema_version": 99}, ("schema_version is 99",)),
        ({"architecture": {"name": "os.system", "config": {}}}, ("'os.system' is not registered",)),
        (
            {"architecture": {"name": "dmft-student", "config": {"depth": 9}}},
            ("architecture.config", "depth"),
        ),
        (
            {
                "architecture": {
                    "name": "dmft-student",
                    "config": {"channels": [3, 3], "length": 128, "classes": 9},
                }
            },
            ("student.safetensors", "not the weights of dmft-student"),
        ),
    ],
)
def test_cards_that_cannot_be_used(
    changes: dict[str, Any],
    words: tuple[str, ...],
    student_file: Path,
    calibration_file: Path,
    tmp_path: Path,
) -> None:
    card = _spoil_card(student_file, tmp_path, **changes)
    _refused(_run(card, calibration_file, tmp_path / "out"), tmp_path / "out", *words)


def test_weights_that_are_not_finite(
    student_file: Path, calibration_file: Path, tmp_path: Path
) -> None:
    card = _spoil_card(student_file, tmp_path)
    state = load_file(card.with_suffix(".safetensors"))
    name = next(name for name, tensor in state.items() if tensor.is_floating_point())
    state[name].view(-1)[0] = torch.nan
    save_file(state, card.with_suffix(".safetensors"))
    result = _run(card, calibration_file, tmp_path / "out")
    _refused(result, tmp_path / "out", "holds NaN")


FACTORIES = """
import torch
from torch import nn

class Gelu(nn.Module):
    def __init__(self):
        super().__init__()
        self.act = nn.GELU()
    def forward(self, acc):
        return self.act(acc)

class Narrow(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(5, 2)
    def forward(self, acc):
        return self.linear(acc)

class Unused(nn.Module):
    def forward(self, acc, gyro):
        return acc.relu()

def raises():
    raise RuntimeError("no weights here")

def number():
    return 3
"""


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        ("Gelu", ("/act/Erf is Erf in module act", "becomes GELU", "use ReLU")),
        ("Narrow", ("forward() fails on windows of (1, 128, 3)", "mat1 and mat2")),
        ("raises", ("raises() raised RuntimeError: no weights here",)),
        ("number", ("number() returned int",)),
        ("Unused", ("input gyro is used by no op",)),
    ],
)
def test_modules_that_cannot_be_converted(
    factory: str, words: tuple[str, ...], calibration_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "modules.py").write_text(FACTORIES)
    result = _run(f"{tmp_path}/modules.py:{factory}", calibration_file, tmp_path / "out")
    _refused(result, tmp_path / "out", "modules.py", *words)


def _external(model: onnx.ModelProto, location: str) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location


def _secret_above(model: onnx.ModelProto, folder: Path) -> None:
    (folder.parent / "secret.bin").write_bytes(bytes(4096))
    _external(model, "../secret.bin")


def _secret_behind_link(model: onnx.ModelProto, folder: Path) -> None:
    (folder.parent / "secret.bin").write_bytes(bytes(4096))
    (folder / "link.bin").symlink_to(folder.parent / "secret.bin")
    _external(model, "link.bin")


def _secret_absolute(model: onnx.ModelProto, folder: Path) -> None:
    _external(model, "/etc/passwd")


def _missing_data(model: onnx.ModelProto, folder: Path) -> None:
    _external(model, "weights.bin")


def _hostile_size(model: onnx.ModelProto, folder: Path) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 1 << 40


def _double_input(model: onnx.ModelProto, folder: Path) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def _nan_weights(model: onnx.ModelProto, folder: Path) -> None:
    values = numpy_helper.to_array(model.graph.initializer[0]).copy()
    values.flat[0] = np.nan
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, "w1"))


def _short_weights(model: onnx.ModelProto, folder: Path) -> None:
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-4]


def _missing_op(model: onnx.ModelProto, folder: Path) -> None:
    model.graph.node[4].op_type = "Erf"


def _custom_op(model: onnx.ModelProto, folder: Path) -> None:
    model.graph.node[4].domain = "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))


def _dangling(model: onnx.ModelProto, folder: Path) -> None:
    model.graph.node[1].input[0] = "nowhere"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_secret_above, ("'../secret.bin'", "outside the model's folder")),
        (_secret_behind_link, ("'link.bin'", "outside the model's folder")),
        (_secret_absolute, ("'/etc/passwd'", "outside the model's folder")),
        (_missing_data, ("weights.bin", "does not exist")),
        (_hostile_size, ("image.1", "more than 16777216 values")),
        (_double_input, ("image.1", "float32")),
        (_nan_weights, ("w1", "NaN")),
        (_short_weights, ("cnn.onnx",)),
        (_missing_op, ("/r2 is Erf", "GELU")),
        (_custom_op, ("/r2 is Relu", "lacks")),
        (_dangling, ("not a valid ONNX", "nowhere")),
    ],
)
def test_onnx_files_that_cannot_be_used(
    spoil: Callable[[onnx.ModelProto, Path], None],
    words: tuple[str, ...],
    calibration_file: Path,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    path = save_cnn(folder / "cnn.onnx")
    model = onnx.load(path)
    spoil(model, folder)
    path.write_bytes(model.SerializeToString())
    result = _run(path, calibration_file, tmp_path / "out")
    _refused(result, tmp_path / "out", "cnn.onnx", *words)


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_onnx(part: float, calibration_file: Path, tmp_path: Path) -> None:
    path = save_cnn(tmp_path / "cnn.onnx")
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    _refused(_run(path, calibration_file, tmp_path / "out"), tmp_path / "out", "cnn.onnx")


def test_command_line_alone_answers_a_wrong_name_quickly(tmp_path: Path) -> None:
    """torch takes seconds to import; a file that is not there needs none of it."""
    code = "import sys; sys.argv[0] = 'midfuse'; from midfuse.cli import main\n"
    code += "try:\n main()\nfinally:\n assert 'torch' not in sys.modules"
    arguments = ["convert", "none.safetensors", "--calibration", "none.npz"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: none.json")
    assert done.stderr.count("\n") == 1
