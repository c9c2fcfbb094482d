"""What the converter reads: models of any kind and shape, and the windows that go with them."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from converter.reading.onnx_file import OnnxModel, module_of
from converter.reading.onnx_ops import BECOMES, check_onnx_ops
from converter.reading.onnx_shapes import fix_shapes
from converter.reading.windows import Axis, FloatArray, InputSpec, read_windows, settled
from midfuse.core.errors import InputError
from midfuse.core.ops import OPS


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(4, 4)
        self.net = nn.Sequential(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), nn.Hardswish())

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.net(self.query(x).softmax(-1)) * 2
        return y


class Blocks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x.tanh()


def test_nodes_name_the_module_that_made_them(tmp_path: Path) -> None:
    """Against the exporter itself: every module that computes is named, by its path."""
    file = tmp_path / "blocks.onnx"
    model = Blocks().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (torch.zeros(1, 3, 4),), file, dynamo=False, opset_version=17)
    nodes = onnx.load(file).graph.node
    found = {(node.op_type, module_of(node.name)) for node in nodes}
    assert {name for op, name in found if op == "MatMul"} == {
        name for name, module in model.named_modules() if isinstance(module, nn.Linear)
    }
    assert {name for op, name in found if op == "Relu"} == {
        name for name, module in model.named_modules() if isinstance(module, nn.ReLU)
    }
    assert ("Softmax", "blocks.1") in found
    assert ("Tanh", None) in found
    for name in ("MatMul_12", "model/dense/MatMul", "/Relu", "", "/"):
        assert module_of(name) is None


def _model(
    nodes: list[Any],
    inputs: dict[str, Sequence[int | str | None]],
    constants: dict[str, npt.NDArray[Any]] | None = None,
) -> onnx.ModelProto:
    """A model that gives `y`; an axis that is a name or None is open."""
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["any"])
    weights = [numpy_helper.from_array(v, n) for n, v in (constants or {}).items()]
    graph = helper.make_graph(nodes, "g", ends, [output], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _zeros(*shape: int) -> FloatArray:
    values = np.zeros(shape, np.float32)
    values.flat[0] = 1
    return values


@pytest.mark.parametrize(
    ("shape", "array", "window"),
    [
        ((128,), (5, 128), (128,)),
        ((128, 3), (5, 128, 3), (128, 3)),
        ((1,), (5,), (1,)),
        ((1, 128, 3), (5, 128, 3), (1, 128, 3)),
        ((1, 128, 3), (5, 1, 128, 3), (1, 128, 3)),
        (("batch", 128, 3), (5, 128, 3), (1, 128, 3)),
        (("batch", 128, 3), (5, 2, 128, 3), (2, 128, 3)),
        ((None, "time", 3), (5, 60, 3), (1, 60, 3)),
        (("time", 3), (5, 60, 3), (60, 3)),
        ((4, 2, 16, 20), (5, 4, 2, 16, 20), (4, 2, 16, 20)),
        (None, (5, 128, 3), (1, 128, 3)),
        (None, (5,), (1,)),
    ],
)
def test_windows_have_exactly_the_inputs_shape(
    shape: tuple[Axis, ...] | None, array: tuple[int, ...], window: tuple[int, ...]
) -> None:
    values = np.random.default_rng(0).standard_normal(array).astype(np.float32)
    windows = read_windows({"x": values}, [InputSpec("x", shape)])
    assert len(windows) == 5
    assert windows.window(3)[0].shape == window
    np.testing.assert_array_equal(windows.window(3)[0].ravel(), values[3].ravel())
    assert settled([InputSpec("x", shape)], windows) == [InputSpec("x", window)]


@pytest.mark.parametrize(
    ("shape", "array", "words"),
    [
        ((128, 3), (128, 3), r"shape \(128, 3\), the model takes \(N, 128, 3\)"),
        ((1, 128, 3), (5, 3, 128), r"takes \(N, 128, 3\)"),
        ((1, 128, 3), (5, 2, 128, 3), r"takes \(N, 128, 3\)"),
        (("batch", "time", 3), (5, 60, 4), r"takes \(N, time, 3\)"),
        (None, (5, 1, 2, 3, 4), "the model takes"),
    ],
)
def test_windows_of_another_shape(
    shape: tuple[Axis, ...] | None, array: tuple[int, ...], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        read_windows({"x": _zeros(*array)}, [InputSpec("x", shape)])


def test_axes_of_one_name_are_of_one_size() -> None:
    specs = [InputSpec("x", ("batch", "time", 3)), InputSpec("z", ("batch", 2, "time"))]
    windows = read_windows({"x": _zeros(4, 60, 3), "z": _zeros(4, 2, 60)}, specs)
    assert [values.shape for values in windows.window(0)] == [(1, 60, 3), (1, 2, 60)]
    with pytest.raises(InputError, match="axis 'time' of the model is 60 in x and 50 in z"):
        read_windows({"x": _zeros(4, 60, 3), "z": _zeros(4, 2, 50)}, specs)


def test_windows_of_one_value_are_refused() -> None:
    with pytest.raises(InputError, match=r"x is 9\.5 throughout"):
        read_windows({"x": np.full((4, 6), 9.5, np.float32)}, [InputSpec("x", (1, 6))])


def test_open_axes_are_settled_and_what_shapes_give_is_computed() -> None:
    """Shape arithmetic that inference alone does not follow: a division, twice over."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Div", ["shape", "divisors"], ["half"]),
        helper.make_node("Reshape", ["x", "half"], ["a"]),
        helper.make_node("Shape", ["a"], ["again"], start=1),
        helper.make_node("Div", ["again", "divisors_2"], ["quarter"]),
        helper.make_node("Reshape", ["a", "quarter"], ["b"]),
        helper.make_node("Relu", ["b"], ["y"]),
    ]
    constants = {"divisors": np.array([1, 2, -3]), "divisors_2": np.array([2, -6])}
    model = _model(nodes, {"x": ["batch", "time", 3]}, constants)
    fixed = fix_shapes(model, [_zeros(1, 60, 3)], "m.onnx")
    assert [node.op_type for node in fixed.graph.node] == ["Reshape", "Reshape", "Relu"]
    shape = [dim.dim_value for dim in fixed.graph.output[0].type.tensor_type.shape.dim]
    assert shape == [15, 12]
    window = _zeros(1, 60, 3)
    before, after = (OnnxModel(m, "m.onnx").run([window])[0] for m in (model, fixed))
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("opset", [17, 18])
@pytest.mark.parametrize("outputs", [["y"], ["y", "mean"]], ids=["alone", "with its mean"])
def test_a_layer_norm_over_hardly_any_variance(outputs: list[str], opset: int) -> None:
    """onnxruntime's own answers NaN there; one that gives its mean too is left to onnxruntime."""
    nodes = [helper.make_node("LayerNormalization", ["x", "gain"], outputs)]
    model = _model(nodes, {"x": [1, 4, 64]}, {"gain": np.ones(64, np.float32)})
    model.opset_import[0].version = opset
    noise = 0.5 * np.random.default_rng(0).standard_normal((1, 4, 64))
    window = (noise + (3000 if outputs == ["y"] else 0)).astype(np.float32)
    x = window.astype(np.float64)
    mean = x.mean(-1, keepdims=True)
    unit = (x - mean) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    found = OnnxModel(model, "m.onnx", outputs).run([window])
    for values, expected in zip(found, (unit, mean), strict=False):
        np.testing.assert_allclose(values, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        (
            [
                helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0, axes=[0, 1]),
                helper.make_node("Cast", ["m"], ["n"], to=TensorProto.INT64),
                helper.make_node("Reshape", ["n", "one"], ["shape"]),
                helper.make_node("Slice", ["x", "zero", "shape"], ["y"], name="/cut/Slice"),
            ],
            "/cut/Slice is Slice in module cut, and the shape of y is not settled",
        ),
        (
            [
                helper.make_node("Reshape", ["x", "five"], ["f"]),
                helper.make_node("Relu", ["f"], ["y"], name="/act/Relu"),
            ],
            r"/act/Relu is Relu in module act on f of 5 axes, \[1, 1, 1, 1, 6\]",
        ),
        (
            [
                helper.make_node("Relu", ["x"], ["a"]),
                helper.make_node("Cast", ["five"], ["y"], to=TensorProto.FLOAT),
            ],
            "output y depends on no input",
        ),
        ([helper.make_node("Expand", ["x", "huge"], ["y"])], "tensor y has the shape"),
        ([helper.make_node("MatMul", ["x", "x"], ["y"])], "shapes contradict each other"),
        ([helper.make_node("Slice", ["x", "six", "seven"], ["y"])], r"the shape of y is \[0, 6\]"),
    ],
)
def test_shapes_that_cannot_be_used(nodes: list[Any], words: str) -> None:
    numbers = {
        "zero": [0],
        "one": [1],
        "five": [1, 1, 1, 1, 6],
        "huge": [1 << 30, 6],
        "seven": [7],
        "six": [6],
    }
    constants = {name: np.array(value, np.int64) for name, value in numbers.items()}
    model = _model(nodes, {"x": ["batch", 6]}, constants)
    with pytest.raises(InputError, match=words) as caught:
        fix_shapes(model, [_zeros(1, 6)], "m.onnx")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (helper.make_node("Erf", ["x"], ["y"], name="/mlp/act/Erf"), "in module mlp.act.*ReLU or"),
        (helper.make_node("CumSum", ["x", "axis"], ["y"]), "CumSum, which becomes CUMSUM"),
        (helper.make_node("Pad", ["x", "pads"], ["y"], mode="reflect"), "becomes MIRROR_PAD"),
        (helper.make_node("NonZero", ["x"], ["y"]), "NonZero, an op that the target lacks"),
        (helper.make_node("Identity", ["x"], ["y"]), "computes nothing"),
        (helper.make_node("RandomNormal", [], ["y"], shape=[1, 6]), "RandomNormal, an op that"),
        (helper.make_node("Relu", ["x"], ["y"], domain="com.example"), "Relu, an op that the"),
    ],
)
def test_ops_that_the_target_lacks(node: Any, words: str) -> None:
    constants = {"axis": np.array(1), "pads": np.array([0, 1, 0, 1])}
    with pytest.raises(InputError, match=words):
        check_onnx_ops(_model([node], {"x": [1, 6]}, constants), "m.onnx")


def test_an_op_with_a_replacement_is_one_that_is_lacking() -> None:
    """The table holds no advice against what runs, and none is missing where an op is lacking."""
    for name, becomes in BECOMES.items():
        assert bool(set(becomes.ops) - set(OPS)) == bool(becomes.instead), name
