"""Ops find the ONNX node and the module they came from, by values alone."""

import time
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from onnx import TensorProto, helper
from torch import Tensor, nn

from converter.lowering.names import Origin, origins
from converter.lowering.onnx_to_tflite import Onnx2tf
from converter.lowering.plain import plain_copy
from converter.lowering.tidy import tidy
from converter.reading.onnx_file import input_specs, read_onnx
from converter.reading.onnx_shapes import fix_shapes
from converter.reading.windows import Windows
from converter.result import Conversion
from midfuse.core.tflite_file import Op, TFLiteModel, parse_tflite
from tests.converter.conftest import Converted, sensor_windows

Found = list[tuple[Op, Origin]]


def _found(model: TFLiteModel, proto: onnx.ModelProto, windows: Windows) -> Found:
    by_name = origins(model, proto, windows, "test")
    return [(op, by_name[model.tensors[op.outputs[0]].name]) for op in model.ops]


def _float(content: bytes) -> TFLiteModel:
    return parse_tflite(content, Path("float.tflite"))


def _lower(proto: onnx.ModelProto, folder: Path) -> TFLiteModel:
    """Through onnx2tf as the pipeline does it, for models that need nothing after that."""
    names = [spec.name for spec in input_specs(proto)]
    plain, outputs = plain_copy(proto)
    (folder / "plain.onnx").write_bytes(plain.SerializeToString())
    positions = [f"input_{at}" for at in range(len(names))]
    with Onnx2tf(folder) as onnx2tf:
        onnx2tf.start(folder / "plain.onnx", positions)
        content = onnx2tf.result("test")
    return _float(tidy(content, names, outputs, "test"))


def test_the_stand_ins_ops(converted: Converted) -> None:
    model = _float((converted.folder / "two_sensors_float32.tflite").read_bytes())
    proto = read_onnx(converted.folder / "two_sensors.onnx", "test")
    arrays = sensor_windows(5, seed=1)
    found = _found(model, proto, Windows([arrays["acc"][:, None], arrays["gyro"][:, None]]))
    # Which of the two branches comes first is the lowering's choice.
    assert sorted(
        (op.name, origin.node) for op, origin in found[:6]
    ) == [
        ("CONV_2D", "/embed.0/Conv"),
        ("CONV_2D", "/embed.1/Conv"),
        ("RESHAPE", "/Transpose"),
        ("RESHAPE", "/Transpose_1"),
        ("RESHAPE", "/Transpose_2"),
        ("RESHAPE", "/Transpose_3"),
    ]  # fmt: skip
    nodes = {origin.node: (op.name, origin.op_type, origin.module) for op, origin in found[6:]}
    assert nodes == {
        "/Concat": ("CONCATENATION", "Concat", None),
        "/attention/query/MatMul": ("FULLY_CONNECTED", "MatMul", "attention.query"),
        "/attention/key/MatMul": ("FULLY_CONNECTED", "MatMul", "attention.key"),
        "/attention/value/MatMul": ("FULLY_CONNECTED", "MatMul", "attention.value"),
        "/attention/MatMul": ("BATCH_MATMUL", "MatMul", "attention"),
        "/attention/Softmax": ("SOFTMAX", "Softmax", "attention"),
        "/attention/MatMul_1": ("BATCH_MATMUL", "MatMul", "attention"),
        "/attention/Add": ("ADD", "Add", "attention"),
        "/expand/MatMul": ("FULLY_CONNECTED", "MatMul", "expand"),
        "/reduce/MatMul": ("FULLY_CONNECTED", "MatMul", "reduce"),
        "/Add": ("ADD", "Add", None),
        "/ReduceMean": ("MEAN", "ReduceMean", None),
        "/classify/Gemm": ("FULLY_CONNECTED", "Gemm", "classify"),
    }
    # The branch of the accelerometer is the accelerometer's, though both look alike.
    acc = next(op for op, origin in found if origin.node == "/Transpose")
    assert acc.inputs[0] == model.inputs[0]
    conv = next(op for op, origin in found if origin.node == "/embed.0/Conv")
    assert conv.inputs[0] == acc.outputs[0]


@pytest.mark.parametrize("size", [0.0, 1.0], ids=["zeros", "noise"])
def test_an_onnx_that_no_torch_made(
    converted_onnx: Conversion, onnx_file: Path, size: float
) -> None:
    """Also where every calibration value is 0."""
    images = np.random.default_rng(5).standard_normal((3, 2, 16, 20)).astype(np.float32) * size
    proto = read_onnx(onnx_file, "test")
    found = _found(converted_onnx.float_model, proto, Windows([images[:, None].astype(np.float32)]))
    assert [(op.name, origin.node) for op, origin in found] == [
        ("TRANSPOSE", "/c1"),
        ("CONV_2D", "/c1"),
        ("MAX_POOL_2D", "p1"),
        ("CONV_2D", "/c2"),
        ("MEAN", "/g"),
        ("FULLY_CONNECTED", "/fc"),
    ]
    assert all(origin.module is None for _, origin in found)


class Encoder(nn.Module):
    """A layer with its normalisations behind the residual additions, and one with them before."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(6, 16)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True, norm_first=first)
            for first in (False, True)
        )
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(self.norm(x).mean(1))
        return logits


def test_a_transformer_with_layer_normalisation(tmp_path: Path) -> None:
    """The parts of a normalisation opened up belong to it, even where it changes nothing."""
    torch.manual_seed(1)
    path = tmp_path / "encoder.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Encoder().eval(),
            (torch.randn(1, 12, 6),),
            path,
            input_names=["x"],
            opset_version=17,
            dynamo=False,
        )
    windows = np.random.default_rng(0).standard_normal((4, 1, 12, 6)).astype(np.float32)
    proto = fix_shapes(read_onnx(path, "test"), [windows[0]], "test")
    model = _lower(proto, tmp_path)
    started = time.perf_counter()
    found = _found(model, proto, Windows([windows]))
    assert time.perf_counter() - started < 0.3
    runs: list[tuple[str | None, int]] = []
    for _, origin in found:
        if runs and runs[-1][0] == origin.module:
            runs[-1] = (origin.module, runs[-1][1] + 1)
        else:
            runs.append((origin.module, 1))
    blocks = ["self_attn", "", "norm1", "linear1", "linear2", "", "norm2"]
    first = ["blocks.0." + part if part else "blocks.0" for part in blocks]
    blocks = ["norm1", "self_attn", "", "norm2", "linear1", "linear2", ""]
    second = ["blocks.1." + part if part else "blocks.1" for part in blocks]
    assert [module for module, _ in runs] == ["embed", *first, *second, "norm", None, "head"]
    sizes = dict(runs)
    assert {sizes[f"blocks.{i}.norm{j}"] for i in (0, 1) for j in (1, 2)} == {10}
    assert sizes["blocks.0.linear1"] == sizes["embed"] == 1
    for op, origin in found:
        if op.name == "SOFTMAX":
            assert origin.op_type == "Softmax"
        if op.name == "FULLY_CONNECTED":
            assert origin.op_type in ("MatMul", "Gemm")
        if op.name == "SQUARED_DIFFERENCE":
            assert origin.op_type == "LayerNormalization"


def _branches() -> onnx.ModelProto:
    """Two inputs, each through the same three ops; their sum."""
    nodes = []
    for side in ("left", "right"):
        nodes += [
            helper.make_node("Mul", [side, "factor"], [f"{side}_mul"], name=f"/{side}/Mul"),
            helper.make_node("Relu", [f"{side}_mul"], [f"{side}_relu"], name=f"/{side}/Relu"),
            helper.make_node("Tanh", [f"{side}_relu"], [f"{side}_tanh"], name=f"/{side}/Tanh"),
        ]
    nodes.append(helper.make_node("Add", ["left_tanh", "right_tanh"], ["sum"], name="/Add"))
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4])
        for name in ("left", "right", "sum")
    ]
    factor = helper.make_tensor("factor", TensorProto.FLOAT, [4], [1.0, -2.0, 0.5, 3.0])
    graph = helper.make_graph(nodes, "branches", ends[:2], ends[2:], [factor])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _reference_branches() -> TFLiteModel:
    """The same as TFLite, the right branch first and the ReLU folded into the product."""
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT(), schema.BufferT()]
    model.buffers[1].data = np.frombuffer(
        np.array([1.0, -2.0, 0.5, 3.0], np.float32).tobytes(), np.uint8
    )
    graph = schema.SubGraphT()
    model.subgraphs, graph.tensors, graph.operators = [graph], [], []
    names = ["left", "right", "factor", "right_0", "right_1", "left_0", "left_1", "sum"]
    for name in names:
        tensor = schema.TensorT()
        tensor.name, tensor.type = name.encode(), schema.TensorType.FLOAT32
        tensor.shape, tensor.buffer = ([4], 1) if name == "factor" else ([1, 4], 0)
        graph.tensors.append(tensor)
    codes = ["MUL", "TANH", "ADD"]
    model.operatorCodes = []
    for code in codes:
        entry = schema.OperatorCodeT()
        entry.builtinCode = entry.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, code)
        model.operatorCodes.append(entry)
    for code, inputs, output in [
        ("MUL", (1, 2), 3),
        ("TANH", (3,), 4),
        ("MUL", (0, 2), 5),
        ("TANH", (5,), 6),
        ("ADD", (6, 4), 7),
    ]:
        op = schema.OperatorT()
        op.opcodeIndex, op.inputs, op.outputs = codes.index(code), list(inputs), [output]
        if code == "MUL":
            op.builtinOptionsType = schema.BuiltinOptions.MulOptions
            op.builtinOptions = schema.MulOptionsT()
            op.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.RELU
        if code == "ADD":
            op.builtinOptionsType = schema.BuiltinOptions.AddOptions
            op.builtinOptions = schema.AddOptionsT()
        graph.operators.append(op)
    graph.inputs, graph.outputs = [0, 1], [7]
    return _float(bytes(flatbuffer_utils.convert_object_to_bytearray(model)))


# The nodes of `_branches` that the ops of `_reference_branches` come from, in their order.
_REFERENCE_NODES = ["/right/Mul", "/right/Tanh", "/left/Mul", "/left/Tanh", "/Add"]


def test_branches_that_hold_the_same_values() -> None:
    """Both inputs get the same windows; noise and what lies before a branch tell them apart."""
    same = np.random.default_rng(2).standard_normal((3, 4)).astype(np.float32)
    found = _found(_reference_branches(), _branches(), Windows([same[:, None]] * 2))
    assert [origin.node for _, origin in found] == _REFERENCE_NODES
    assert [origin.module for _, origin in found] == ["right", "right", "left", "left", None]


def test_a_factor_of_zero_leaves_the_graph_alone_to_tell() -> None:
    """Every tensor is 0, whatever goes in."""
    proto, model = _branches(), _reference_branches()
    proto.graph.initializer[0].float_data[:] = [0.0] * 4
    flat = flatbuffer_utils.read_model_from_bytearray(bytearray(model.content))
    flat.buffers[1].data = np.zeros(16, np.uint8)
    dead = _float(bytes(flatbuffer_utils.convert_object_to_bytearray(flat)))
    windows = np.random.default_rng(2).standard_normal((3, 4)).astype(np.float32)
    found = _found(dead, proto, Windows([windows[:, None]] * 2))
    assert [origin.node for _, origin in found] == _REFERENCE_NODES
