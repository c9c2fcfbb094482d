"""onnx2tf in its own process: what it makes, what it says, and that it never outlives us."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from torch import Tensor, nn

from converter.lowering.float_model import FloatModel
from converter.lowering.onnx_to_tflite import Onnx2tf
from converter.lowering.padding import settle_padding
from converter.pipeline import convert_model
from converter.reading.windows import Windows
from midfuse.core.errors import InputError
from midfuse.core.tflite_file import parse_tflite
from tests.converter.conftest import save_cnn
from tests.support.tflite_builder import TFLiteBuilder, schema


def test_an_input_like_a_colour_image_needs_no_download(tmp_path: Path) -> None:
    """onnx2tf fetches pictures for such an input unless it finds them; layout is kept."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 6, 3]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", values[:1], values[1:])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "m.onnx")
    with Onnx2tf(tmp_path) as onnx2tf:
        onnx2tf.start(tmp_path / "m.onnx", ["x"])
        model = parse_tflite(onnx2tf.result("m.onnx"), tmp_path / "m.tflite")
    assert model.tensors[model.inputs[0]].shape == (1, 4, 6, 3)
    window = np.random.default_rng(1).standard_normal((1, 4, 6, 3)).astype(np.float32)
    np.testing.assert_array_equal(FloatModel(model).run([window])[0], np.maximum(window, 0))


def test_what_onnx2tf_cannot_convert_is_named_from_its_log(tmp_path: Path) -> None:
    path = save_cnn(tmp_path / "cnn.onnx")
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    model.graph.node[4].op_type = "Bernoulli"
    onnx.save(model, path)
    with Onnx2tf(tmp_path) as onnx2tf:
        onnx2tf.start(path, ["image.1"])
        with pytest.raises(InputError) as caught:
            onnx2tf.result("cnn.onnx")
    assert "onnx2tf cannot convert it" in str(caught.value)
    assert "at /r2: " in str(caught.value)
    assert "\n" not in str(caught.value)


def _lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _dies(process: int) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end and _lives(process):
        time.sleep(0.05)
    return not _lives(process)


@pytest.mark.parametrize("error", [InputError("no", "none"), KeyboardInterrupt()], ids=type)
def test_it_ends_with_an_error(error: BaseException, tmp_path: Path) -> None:
    onnx2tf = Onnx2tf(tmp_path)
    assert _lives(onnx2tf.process)

    def fail() -> None:
        with onnx2tf:
            raise error

    with pytest.raises(type(error)):
        fail()
    assert not _lives(onnx2tf.process)


@pytest.mark.parametrize("asked", [False, True], ids=["importing", "converting"])
def test_it_ends_when_we_are_killed(asked: bool, tmp_path: Path) -> None:
    """Without a word, as by the system when memory runs out."""
    path = save_cnn(tmp_path / "cnn.onnx")
    code = "import sys, time\nfrom pathlib import Path\n"
    code += "from converter.lowering.onnx_to_tflite import Onnx2tf\n"
    code += "onnx2tf = Onnx2tf(Path(sys.argv[1]).parent)\n"
    if asked:
        code += "onnx2tf.start(Path(sys.argv[1]), ['image.1'])\n"
    code += "print(onnx2tf.process, flush=True)\ntime.sleep(60)\n"
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as ours:
        assert ours.stdout is not None
        process = int(ours.stdout.readline())
        time.sleep(0.5)
        assert _lives(process)
        os.kill(ours.pid, signal.SIGKILL)
    assert _dies(process)


class Clipped(nn.Module):
    """A Hardtanh that no layer before it takes in: TFLite has an op for it, the target lacks it."""

    def __init__(self) -> None:
        super().__init__()
        self.act, self.head = nn.Hardtanh(), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.act(x))
        return logits


def test_an_op_that_only_the_lowered_model_shows_is_refused_with_its_module(tmp_path: Path) -> None:
    windows = np.random.default_rng(0).standard_normal((30, 6)).astype(np.float32)
    with pytest.raises(InputError, match=r"RELU_N1_TO_1, from Clip /act/Clip of module act"):
        convert_model(Clipped(), {"x": windows}, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_paddings_that_share_the_lowest_float_are_filled_each_with_its_own(tmp_path: Path) -> None:
    """With the lowest value that comes there, 0 at most; any other fill value stays."""
    graph = TFLiteBuilder()
    around = graph.tensor((2, 2), dtype="int32", data=np.array([[0, 0], [1, 1]], np.int32))
    lowest = np.array([np.finfo(np.float32).min, 7], np.float32)
    fill, seven = (graph.tensor((), dtype="float32", data=value) for value in lowest)
    for value in (fill, fill, fill, seven):
        x = graph.input((1, 3), None, 0, dtype="float32")
        out = graph.tensor((1, 5), dtype="float32")
        graph.op("PADV2", [x, around, value], out, schema.PadV2OptionsT())
    rng = np.random.default_rng(0)
    windows = Windows([offset + rng.random((9, 1, 3), np.float32) for offset in (-5, 2, -2, -8)])
    model = settle_padding(parse_tflite(graph.content(), tmp_path / "m.tflite"), windows)
    filled = [float(v[0, 0]) for v in FloatModel(model).run(windows.window(0))]
    bottoms = [float(values.min()) for values in windows.inputs]
    assert filled == [bottoms[0], 0, bottoms[2], 7]
    assert settle_padding(model, windows) is model
