"""Inputs that no conversion can use, by name: each writes its files and says what to convert.

A builder gets a folder that holds a sound `m.onnx` (input `x`, (1, 8, 16)), its windows `c.npz`, a
student with its card and its windows `s.npz`; it spoils something and returns (MODEL, calibration,
what the error has to say).
"""

import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Case = tuple[str, str, str]
CASES: dict[str, Callable[[Path], Case]] = {}


def case(function: Callable[[Path], Case]) -> Callable[[Path], Case]:
    CASES[function.__name__] = function
    return function


def sound() -> onnx.ModelProto:
    """Convolution, batch normalisation, ReLU and a linear head on one window of 8 channels."""
    rng = np.random.default_rng(0)
    weights = {
        "w": rng.standard_normal((4, 8, 3)),
        "scale": np.ones(4),
        "shift": np.zeros(4),
        "mean": np.zeros(4) + 0.1,
        "var": np.full(4, 5.7),
        "head": rng.standard_normal((56, 5)),
    }
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name="/first/Relu"),
        helper.make_node("Conv", ["a", "w"], ["b"], name="/conv/Conv"),
        helper.make_node(
            "BatchNormalization", ["b", "scale", "shift", "mean", "var"], ["c"], name="/norm/BN"
        ),
        helper.make_node("Relu", ["c"], ["d"], name="/act/Relu"),
        helper.make_node("Flatten", ["d"], ["e"], name="/Flatten"),
        helper.make_node("MatMul", ["e", "head"], ["y"], name="/head/MatMul"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5])],
        [numpy_helper.from_array(v.astype(np.float32), n) for n, v in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def windows() -> dict[str, np.ndarray[Any, Any]]:
    return {"x": np.random.default_rng(1).standard_normal((4, 8, 16)).astype(np.float32)}


def spoilt(says: str) -> Callable[[Callable[[onnx.ModelProto], None]], None]:
    """A case that changes the sound model in place."""

    def decorate(spoil: Callable[[onnx.ModelProto], None]) -> None:
        def build(folder: Path) -> Case:
            model = sound()
            spoil(model)
            (folder / "m.onnx").write_bytes(model.SerializeToString())
            return "m.onnx", "c.npz", says

        CASES[spoil.__name__] = build

    return decorate


def replaced(name: str, says: str, *nodes: Any, **constants: Any) -> None:
    """A case where other nodes, from `x` to `y`, take the place of all."""

    def build(folder: Path) -> Case:
        model = sound()
        del model.graph.node[:], model.graph.initializer[:]
        model.graph.node.extend(nodes)
        tensors = [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()]
        model.graph.initializer.extend(tensors)
        model.graph.output[0].type.tensor_type.shape.dim[1].Clear()
        (folder / "m.onnx").write_bytes(model.SerializeToString())
        return "m.onnx", "c.npz", says

    CASES[name] = build


_X = windows()["x"]


# --- an .onnx as a file ---------------------------------------------------------------------------


@case
def onnx_missing(folder: Path) -> Case:
    return "none.onnx", "c.npz", "none.onnx: cannot be read"


@case
def onnx_empty(folder: Path) -> Case:
    (folder / "m.onnx").write_bytes(b"")
    return "m.onnx", "c.npz", "m.onnx"


def _truncated(part: float) -> None:
    def build(folder: Path) -> Case:
        content = sound().SerializeToString()
        (folder / "m.onnx").write_bytes(content[: int(part * len(content))])
        return "m.onnx", "c.npz", "m.onnx"

    CASES[f"onnx_truncated_at_{part}"] = build


for _part in (0.1, 0.5, 0.9, 0.999):
    _truncated(_part)


@case
def onnx_random_bytes(folder: Path) -> Case:
    (folder / "m.onnx").write_bytes(np.random.default_rng(0).bytes(10_000))
    return "m.onnx", "c.npz", "not ONNX"


@case
def onnx_is_a_folder(folder: Path) -> Case:
    (folder / "f.onnx").mkdir()
    return "f.onnx", "c.npz", "f.onnx: not a file"


@case
def onnx_is_a_pipe(folder: Path) -> Case:
    os.mkfifo(folder / "p.onnx")
    return "p.onnx", "c.npz", "p.onnx: not a file"


@case
def onnx_of_a_gigabyte(folder: Path) -> Case:
    with (folder / "m.onnx").open("wb") as file:
        file.truncate(1 << 30)
    return "m.onnx", "c.npz", "1024 MiB"


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


@case
def graphs_nested_five_thousand_deep(folder: Path) -> Case:
    """model.graph(7) . node(1) . attribute(5) . g(6) . node(1) …"""
    graph = b""
    for _ in range(5000):
        graph = _field(1, _field(4, b"If") + _field(5, _field(6, graph)))
    (folder / "m.onnx").write_bytes(_field(7, graph))
    return "m.onnx", "c.npz", "m.onnx"


def _external(name: str, says: str, content: int | None = 4096, /, **fields: str) -> None:
    def build(folder: Path) -> Case:
        model = sound()
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in fields.items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
        (folder / "inside").mkdir()
        (folder / "inside" / "m.onnx").write_bytes(model.SerializeToString())
        if content is not None:
            (folder / "secret.bin").write_bytes(bytes(content))
            (folder / "inside" / "data.bin").write_bytes(bytes(content))
        (folder / "inside" / "link.bin").symlink_to("../secret.bin")
        (folder / "inside" / "loop.bin").symlink_to("loop.bin")
        return "inside/m.onnx", "c.npz", says

    CASES[f"external_data_{name}"] = build


_external("above", "outside the model's folder", location="../secret.bin")
_external("absolute", "outside the model's folder", location="/etc/passwd")
_external("behind_a_link", "outside the model's folder", location="link.bin")
_external("in_a_loop_of_links", "inside/m.onnx", location="loop.bin")
_external("nowhere", "outside the model's folder", offset="0")
_external("with_a_zero_byte", "outside the model's folder", location="a\0b")
_external("missing", "does not exist", None, location="data.bin")
_external("beyond_the_end", "beyond the end", location="data.bin", offset="4000", length="384")
_external("of_negative_length", "beyond the end", location="data.bin", length="-1")
_external("at_an_absurd_offset", "beyond the end", location="data.bin", offset="9" * 30)
_external("too_short", "tensor w", 100, location="data.bin")


@case
def external_data_read_a_thousand_times(folder: Path) -> Case:
    model = sound()
    for at in range(1000):
        tensor = model.graph.initializer.add()
        tensor.name, tensor.data_type = f"t{at}", TensorProto.FLOAT
        tensor.dims[:] = [15_000_000]
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "data.bin"
    with (folder / "data.bin").open("wb") as file:
        file.truncate(60_000_000)
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    return "m.onnx", "c.npz", "external data of more than"


# --- weights --------------------------------------------------------------------------------------


def _weight(model: onnx.ModelProto, name: str, values: Any) -> None:
    tensor = next(t for t in model.graph.initializer if t.name == name)
    tensor.CopyFrom(numpy_helper.from_array(np.asarray(values, np.float32), name))


@spoilt("tensor w holds NaN")
def weights_nan(model: onnx.ModelProto) -> None:
    _weight(model, "w", np.full((4, 8, 3), np.nan))


@spoilt("tensor var holds NaN")
def normalisation_nan(model: onnx.ModelProto) -> None:
    _weight(model, "var", [1, np.nan, 1, 1])


@spoilt("m.onnx")
def normalisation_of_negative_variance(model: onnx.ModelProto) -> None:
    _weight(model, "var", [-9, -9, -9, -9])


@spoilt("m.onnx")
def weights_infinite(model: onnx.ModelProto) -> None:
    _weight(model, "w", np.full((4, 8, 3), np.inf))


@spoilt("m.onnx")
def weights_that_overflow(model: onnx.ModelProto) -> None:
    _weight(model, "w", np.full((4, 8, 3), 3e38))
    _weight(model, "head", np.full((56, 5), -3e38))


@spoilt("tensor w")
def weights_too_short(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-4]


@spoilt("tensor w")
def weights_too_long(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].raw_data += bytes(40)


@spoilt("m.onnx")
def weights_of_a_terabyte(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[:] = [1 << 20, 1 << 20]


@spoilt("m.onnx")
def weights_whose_size_overflows(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[:] = [1 << 32, 1 << 32]


@spoilt("m.onnx")
def weights_of_negative_size(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[:] = [-4, -8, 3]


@spoilt("m.onnx")
def weights_of_strings(model: onnx.ModelProto) -> None:
    tensor = TensorProto(name="w", data_type=TensorProto.STRING, dims=[4, 8, 3])
    tensor.string_data.extend([b"a"] * 96)
    model.graph.initializer[0].CopyFrom(tensor)


@spoilt("m.onnx")
def weights_of_no_type(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].data_type = 99


@spoilt("m.onnx")
def weights_of_doubles(model: onnx.ModelProto) -> None:
    tensor = numpy_helper.from_array(np.ones((4, 8, 3)), "w")
    model.graph.initializer[0].CopyFrom(tensor)


@spoilt("sparse")
def weights_sparse(model: onnx.ModelProto) -> None:
    values = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("i", TensorProto.INT64, [1], [5])
    sparse = helper.make_sparse_tensor(values, indices, [4, 8, 3])
    del model.graph.initializer[0]
    model.graph.sparse_initializer.append(sparse)


@spoilt("not a valid ONNX")
def weights_missing(model: onnx.ModelProto) -> None:
    del model.graph.initializer[0]


@spoilt("w")
def weights_twice(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(model.graph.initializer[0])


# --- graphs ---------------------------------------------------------------------------------------


@spoilt("not a valid ONNX")
def graph_with_a_cycle(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[0] = "d"


@spoilt("not a valid ONNX")
def graph_with_two_makers_of_a_tensor(model: onnx.ModelProto) -> None:
    model.graph.node[3].output[0] = "b"


@spoilt("not a valid ONNX")
def graph_with_a_dangling_input(model: onnx.ModelProto) -> None:
    model.graph.node[3].input[0] = "nowhere"


@spoilt("m.onnx")
def graph_of_no_nodes(model: onnx.ModelProto) -> None:
    del model.graph.node[:]


@spoilt("no inputs")
def graph_of_no_inputs(model: onnx.ModelProto) -> None:
    del model.graph.input[:]


@spoilt("m.onnx")
def graph_of_no_outputs(model: onnx.ModelProto) -> None:
    del model.graph.output[:]


@spoilt("m.onnx")
def output_that_nobody_makes(model: onnx.ModelProto) -> None:
    model.graph.output[0].name = "z"


@spoilt("m.onnx")
def output_twice(model: onnx.ModelProto) -> None:
    model.graph.output.append(model.graph.output[0])


@spoilt("m.onnx")
def input_twice(model: onnx.ModelProto) -> None:
    model.graph.input.append(model.graph.input[0])


@spoilt("input z is used by no op")
def input_unused(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 4]))


@spoilt("m.onnx")
def opset_absurd(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 9999


@spoilt("m.onnx")
def opset_negative(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = -1


@spoilt("m.onnx")
def opset_missing(model: onnx.ModelProto) -> None:
    del model.opset_import[:]


@spoilt("m.onnx")
def ir_version_absurd(model: onnx.ModelProto) -> None:
    model.ir_version = 1 << 40


@spoilt("more than 10000 nodes")
def nodes_by_the_hundred_thousand(model: onnx.ModelProto) -> None:
    for at in range(100_000):
        model.graph.node.append(helper.make_node("Relu", ["x"], [f"n{at}"]))


@spoilt("m.onnx")
def names_of_a_megabyte_in_two_lines(model: onnx.ModelProto) -> None:
    model.graph.node[3].name = "a\nerror: b\x1b[31m" + "c" * 1_000_000
    model.graph.node[3].op_type = "Erf"


def _input_shape(name: str, says: str, *shape: int) -> None:
    def build(folder: Path) -> Case:
        model = sound()
        info = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
        model.graph.input[0].CopyFrom(info)
        if all(0 < size < 99 for size in shape[1:]):
            np.savez(folder / "c.npz", x=np.resize(_X, (4, *shape[1:])))
        (folder / "m.onnx").write_bytes(model.SerializeToString())
        return "m.onnx", "c.npz", says

    CASES[f"input_{name}"] = build


_input_shape("of_negative_size", "input x has the shape", 1, -8, 16)
_input_shape("of_no_size", "input x has the shape", 1, 0, 16)
_input_shape("of_a_terabyte", "input x has the shape", 1, 1 << 20, 1 << 20)
_input_shape("of_five_axes", "input x has 5 axes", 1, 1, 8, 4, 4)
_input_shape("of_no_axes", "input x has 0 axes")
_input_shape("that_the_ops_do_not_take", "onnxruntime fails on a window", 1, 7, 16)


@spoilt("input x is not float32")
def input_of_doubles(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE


@spoilt("m.onnx")
def input_that_is_a_sequence(model: onnx.ModelProto) -> None:
    kind = helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, [1, 8, 16])
    model.graph.input[0].CopyFrom(kind)


@spoilt("m.onnx")
def function_that_calls_itself(model: onnx.ModelProto) -> None:
    call = helper.make_node("Self", ["x"], ["y"], domain="local")
    function = helper.make_function(
        "local", "Self", ["x"], ["y"], [call], [helper.make_opsetid("local", 1)]
    )
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("local", 1))
    model.graph.node[0].op_type, model.graph.node[0].domain = "Self", "local"


# --- ops ------------------------------------------------------------------------------------------

_N = helper.make_node
_W = np.ones((4, 8, 3), np.float32)
replaced("op_unknown", "m.onnx", _N("Frobnicate", ["x"], ["y"], name="/a/b/F"))
replaced("op_of_another_domain", "not a valid ONNX", _N("Relu", ["x"], ["y"], domain="com.example"))
replaced("op_lacking", "in module mlp.act", _N("Erf", ["x"], ["y"], name="/mlp/act/Erf"))
replaced("op_without_inputs", "m.onnx", _N("Relu", [], ["y"]))
replaced("identity", "computes nothing", _N("Identity", ["x"], ["y"]))
replaced("random_numbers", "input x is used by no op", _N("RandomNormal", [], ["y"], shape=[1, 5]))
replaced("convolution_of_stride_0", "m.onnx", _N("Conv", ["x", "w"], ["y"], strides=[0]), w=_W)
replaced("convolution_of_group_0", "m.onnx", _N("Conv", ["x", "w"], ["y"], group=0), w=_W)
replaced("convolution_of_dilation_0", "m.onnx", _N("Conv", ["x", "w"], ["y"], dilations=[0]), w=_W)
replaced(
    "convolution_padded_by_a_terabyte",
    "m.onnx",
    _N("Conv", ["x", "w"], ["y"], pads=[1 << 40, 0]),
    w=_W,
)
replaced(
    "convolution_of_negative_pads", "m.onnx", _N("Conv", ["x", "w"], ["y"], pads=[-9, -9]), w=_W
)
replaced("pooling_of_kernel_0", "m.onnx", _N("MaxPool", ["x"], ["y"], kernel_shape=[0]))
replaced(
    "pooling_of_stride_0", "m.onnx", _N("AveragePool", ["x"], ["y"], kernel_shape=[2], strides=[0])
)
replaced("pooling_of_a_huge_kernel", "m.onnx", _N("MaxPool", ["x"], ["y"], kernel_shape=[1 << 40]))
replaced("expansion_to_a_terabyte", "m.onnx", _N("Expand", ["x", "s"], ["y"]), s=[1 << 37, 8, 16])
replaced(
    "constant_of_a_terabyte",
    "m.onnx",
    _N("ConstantOfShape", ["s"], ["c"]),
    _N("Add", ["x", "c"], ["y"]),
    s=[1 << 37, 8, 16],
)
replaced(
    "constant_of_ten_gigabytes_in_disguise",
    "m.onnx",
    _N("Mul", ["s", "s"], ["t"]),
    _N("Cast", ["t"], ["u"], to=TensorProto.INT64),
    _N("ConstantOfShape", ["u"], ["c"]),
    _N("ReduceSum", ["c"], ["d"], keepdims=0),
    _N("Add", ["x", "d"], ["y"]),
    s=np.array([50_000.0], np.float32),
)
replaced(
    "padding_by_a_terabyte", "m.onnx", _N("Pad", ["x", "p"], ["y"]), p=[0, 0, 0, 0, 0, 1 << 40]
)
replaced("reshape_to_another_size", "m.onnx", _N("Reshape", ["x", "s"], ["y"]), s=[7, 7])
replaced("reshape_with_two_open_axes", "m.onnx", _N("Reshape", ["x", "s"], ["y"]), s=[-1, -1])
replaced("product_of_shapes_that_differ", "m.onnx", _N("MatMul", ["x", "w"], ["y"]), w=_W)
replaced("softmax_over_axis_99", "m.onnx", _N("Softmax", ["x"], ["y"], axis=99))
replaced("transpose_of_no_permutation", "m.onnx", _N("Transpose", ["x"], ["y"], perm=[0, 1, 1]))
replaced("gather_out_of_range", "m.onnx", _N("Gather", ["x", "i"], ["y"], axis=1), i=[99])
replaced(
    "slice_of_step_0",
    "m.onnx",
    _N("Slice", ["x", "s", "e", "a", "t"], ["y"]),
    s=[0],
    e=[1],
    a=[1],
    t=[0],
)
replaced("slice_of_nothing", "m.onnx", _N("Slice", ["x", "s", "e", "s"], ["y"]), s=[2], e=[2])
replaced("mean_over_axis_99", "m.onnx", _N("ReduceMean", ["x"], ["y"], axes=[99]))
replaced(
    "loop_without_end",
    "m.onnx",
    _N("Constant", [], ["n"], value=helper.make_tensor("n", TensorProto.INT64, [], [1 << 62])),
    _N(
        "Loop",
        ["n", "", "x"],
        ["y"],
        body=helper.make_graph(
            [_N("Identity", ["c"], ["d"]), _N("Relu", ["v"], ["w"])],
            "body",
            [
                helper.make_tensor_value_info("i", TensorProto.INT64, []),
                helper.make_tensor_value_info("c", TensorProto.BOOL, []),
                helper.make_tensor_value_info("v", TensorProto.FLOAT, [1, 8, 16]),
            ],
            [
                helper.make_tensor_value_info("d", TensorProto.BOOL, []),
                helper.make_tensor_value_info("w", TensorProto.FLOAT, [1, 8, 16]),
            ],
        ),
    ),
)
replaced(
    "shape_that_data_decide",
    "is not settled",
    _N("ReduceMax", ["x"], ["m"], keepdims=0),
    _N("Cast", ["m"], ["n"], to=TensorProto.INT64),
    _N("Reshape", ["n", "one"], ["o"]),
    _N("Slice", ["x", "zero", "o"], ["y"]),
    one=[1],
    zero=[0],
)


# --- windows --------------------------------------------------------------------------------------


def spoilt_windows(name: str, says: str, **arrays: Any) -> None:
    def build(folder: Path) -> Case:
        np.savez(
            folder / "c.npz", **{k: v for k, v in (windows() | arrays).items() if v is not None}
        )
        return "m.onnx", "c.npz", says

    CASES[f"windows_{name}"] = build


_NAN = _X.copy()
_NAN[2, 3, 4] = np.nan
spoilt_windows("of_doubles", "x is float64", x=_X.astype(np.float64))
spoilt_windows("of_integers", "x is int16", x=_X.astype(np.int16))
spoilt_windows("of_complex_numbers", "x is complex64", x=_X.astype(np.complex64))
spoilt_windows("of_strings", "x is <U3", x=np.full((4, 8, 16), "abc"))
spoilt_windows("of_records", "x is [", x=np.zeros((4, 8, 16), [("a", np.float32)]))
spoilt_windows("of_objects", "not a usable .npz", x=np.array([{"a": 1}, None], object))
spoilt_windows("of_another_name", "input x is missing (it holds z)", x=None, z=_X)
spoilt_windows("without_any", "no windows", x=_X[:0])
spoilt_windows("turned", "the model takes (N, 8, 16)", x=_X.transpose(0, 2, 1).copy())
spoilt_windows("of_one_number", "the model takes (N, 8, 16)", x=np.float32(1))
spoilt_windows("with_nan", "holds NaN or infinity (first in window 2)", x=_NAN)
spoilt_windows("with_infinity", "holds NaN or infinity", x=np.where(_X > 1, np.inf, _X))
spoilt_windows("constant", "x is 0 throughout", x=np.zeros_like(_X))
spoilt_windows("near_the_end_of_float", "c.npz: the input of norm", x=_X * np.float32(1e37))
spoilt_windows("a_thousand_times_too_large", "are these thousandths", x=_X * np.float32(1000))
spoilt_windows("with_other_labels", "labels has the shape (9,)", labels=np.zeros(9, np.int64))


@case
def npz_missing(folder: Path) -> Case:
    return "m.onnx", "none.npz", "none.npz: no such file"


@case
def npz_is_a_folder(folder: Path) -> Case:
    (folder / "f.npz").mkdir()
    return "m.onnx", "f.npz", "f.npz"


@case
def npz_is_a_pipe(folder: Path) -> Case:
    os.mkfifo(folder / "p.npz")
    return "m.onnx", "p.npz", "p.npz"


@case
def npz_truncated(folder: Path) -> Case:
    content = (folder / "c.npz").read_bytes()
    (folder / "c.npz").write_bytes(content[: len(content) // 2])
    return "m.onnx", "c.npz", "c.npz: not a usable .npz"


@case
def npz_that_is_one_array(folder: Path) -> Case:
    with (folder / "c.npz").open("wb") as file:
        np.save(file, _X)
    return "m.onnx", "c.npz", "c.npz: not a usable .npz"


@case
def npz_that_is_one_array_of_ten_gigabytes(folder: Path) -> Case:
    with (folder / "c.npz").open("wb") as file:
        file.write(_npy((20_000_000, 8, 16), b""))
        file.truncate(file.tell() + 10_240_000_000)
    return "m.onnx", "c.npz", "c.npz: not a usable .npz"


def _npy(shape: tuple[int, ...], data: bytes) -> bytes:
    """The format's version 1.0: magic, the header's length, the header, the values."""
    header = str({"descr": "<f4", "fortran_order": False, "shape": shape}).ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def _zipped(name: str, says: str, content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> None:
    def build(folder: Path) -> Case:
        with zipfile.ZipFile(folder / "c.npz", "w", compression) as archive:
            archive.writestr("x.npy", content)
        return "m.onnx", "c.npz", says

    CASES[f"npz_{name}"] = build


_zipped("claiming_a_terabyte", "c.npz: not a usable .npz", _npy((1 << 31, 8, 16), bytes(99)))
_zipped("of_negative_size", "c.npz", _npy((-4, 8, 16), bytes(2048)))
_zipped(
    "with_a_header_of_code", "c.npz", b"\x93NUMPY\x01\x00\x20\x00__import__('os').abort()#####\n"
)


@case
def npz_of_a_bomb(folder: Path) -> Case:
    """4 GB of zeros in 4 MB."""
    with (
        zipfile.ZipFile(folder / "c.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("x.npy", "w", force_zip64=True) as file,
    ):
        file.write(_npy((8_000_000, 8, 16), b""))
        for _ in range(64):
            file.write(bytes(64_000_000))
    return "m.onnx", "c.npz", "c.npz: holds"


# --- students -------------------------------------------------------------------------------------


def spoilt_card(name: str, says: str, spoil: Callable[[dict[str, Any]], object]) -> None:
    def build(folder: Path) -> Case:
        fields = json.loads((folder / "student.json").read_text())
        spoil(fields)
        (folder / "student.json").write_text(json.dumps(fields))
        return "student.json", "s.npz", says

    CASES[f"card_{name}"] = build


spoilt_card("of_another_version", "schema_version is 99", lambda c: c.update(schema_version=99))
spoilt_card("with_another_field", "student.json: extra", lambda c: c.update(extra=1))
spoilt_card(
    "naming_code", "'os.system' is not", lambda c: c["architecture"].update(name="os.system")
)
spoilt_card("of_no_architecture", "student.json: architecture", lambda c: c.pop("architecture"))
spoilt_card(
    "of_an_unknown_option", "architecture.config", lambda c: c["architecture"]["config"].update(a=1)
)
spoilt_card(
    "of_a_million_blocks",
    "student.json: architecture.config",
    lambda c: c["architecture"]["config"].update(blocks=1_000_000),
)
spoilt_card(
    "of_a_huge_width",
    "student.json: architecture.config",
    lambda c: c["architecture"]["config"].update(width=1 << 30),
)
spoilt_card(
    "of_other_classes",
    "not the weights of",
    lambda c: c["architecture"]["config"].update(classes=99),
)
spoilt_card("of_no_inputs", "student.json: inputs", lambda c: c.update(inputs=[]))
spoilt_card("of_another_shape", "s.npz: acc", lambda c: c["inputs"][0].update(shape=[1, 64, 3]))
spoilt_card(
    "of_a_negative_shape", "student.json", lambda c: c["inputs"][0].update(shape=[1, -1, 3])
)
spoilt_card(
    "of_deviation_0", "student.json: inputs.0", lambda c: c["inputs"][0].update(std=[1, 0, 1])
)
spoilt_card(
    "of_deviation_nan",
    "student.json: inputs.0",
    lambda c: c["inputs"][0].update(std=[1, np.nan, 1]),
)
spoilt_card(
    "of_too_few_means", "student.json: inputs: none", lambda c: c["inputs"][0].update(mean=[1])
)


@case
def card_that_is_no_json(folder: Path) -> Case:
    (folder / "student.json").write_text("{")
    return "student.safetensors", "s.npz", "student.json: not JSON"


@case
def card_nested_a_hundred_thousand_deep(folder: Path) -> Case:
    (folder / "student.json").write_text('{"a":' * 100_000)
    return "student.json", "s.npz", "student.json: not JSON"


@case
def card_of_a_gigabyte(folder: Path) -> Case:
    with (folder / "student.json").open("wb") as file:
        file.truncate(1 << 30)
    return "student.json", "s.npz", "student.json"


@case
def weights_file_missing(folder: Path) -> Case:
    (folder / "student.safetensors").unlink()
    return "student.json", "s.npz", "student.safetensors: no such file"


@case
def weights_file_truncated(folder: Path) -> Case:
    content = (folder / "student.safetensors").read_bytes()
    (folder / "student.safetensors").write_bytes(content[: len(content) // 2])
    return "student.safetensors", "s.npz", "student.safetensors: not the weights"


@case
def weights_file_claiming_a_terabyte(folder: Path) -> Case:
    header = {"a": {"dtype": "F32", "shape": [1 << 38], "data_offsets": [0, 1 << 40]}}
    text = json.dumps(header).encode()
    (folder / "student.safetensors").write_bytes(struct.pack("<Q", len(text)) + text)
    return "student.safetensors", "s.npz", "student.safetensors: not the weights"


@case
def weights_file_of_a_huge_header(folder: Path) -> Case:
    (folder / "student.safetensors").write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    return "student.safetensors", "s.npz", "student.safetensors: not the weights"


@case
def weights_file_of_ten_gigabytes(folder: Path) -> Case:
    size = 10 << 30
    header = {"a": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}
    text = json.dumps(header).encode()
    with (folder / "student.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(file.tell() + size)
    return "student.safetensors", "s.npz", "student.safetensors"


# --- modules --------------------------------------------------------------------------------------


def factory(name: str, says: str, code: str) -> None:
    def build(folder: Path) -> Case:
        head = "import os, sys, torch\nfrom torch import nn\n"
        (folder / "f.py").write_text(head + code)
        return "f.py:make", "c.npz", says

    CASES[f"factory_{name}"] = build


_MODULE = """
class Model(nn.Module):
    def forward(self, x):
        return {}
def make():
    return Model()
"""
factory("raises", "make() raised RuntimeError: no", "def make():\n    raise RuntimeError('no')\n")
factory("returns_nothing", "make() returned NoneType", "def make():\n    pass\n")
factory("ends_python", "make() raised SystemExit", "def make():\n    sys.exit(0)\n")
factory("recurses", "make() raised RecursionError", "def make():\n    return make()\n")
factory("aborts", "f.py:make: the conversion died (Aborted", "def make():\n    os.abort()\n")
factory("of_wrong_syntax", "cannot be imported (SyntaxError", "def make(:\n")
factory("missing", "has no function make", "def other():\n    pass\n")
factory("that_takes_all_memory", "memory", "def make():\n    a = torch.ones(1 << 40)\n")
factory("whose_forward_fails", "forward() fails", _MODULE.format("x @ torch.ones(3, 3)"))
factory("whose_forward_gives_a_dict", "forward() returned dict", _MODULE.format("{'y': x}"))
factory("whose_forward_ends_python", "f.py:make", _MODULE.format("sys.exit(0)"))
factory("whose_forward_gives_integers", "f.py:make", _MODULE.format("x.argmax(1)"))
factory("whose_forward_gives_nan", "f.py:make", _MODULE.format("(x - x) / (x - x) + x.relu()"))
factory(
    "whose_forward_has_five_axes", "f.py:make", _MODULE.format("x.reshape(1, 2, 4, 4, 4).relu()")
)
factory("whose_forward_gives_gelu", "use ReLU", _MODULE.format("nn.functional.gelu(x)"))
factory("whose_forward_gives_the_input", "computes nothing", _MODULE.format("x"))
factory("whose_forward_forgets_the_input", "f.py:make", _MODULE.format("torch.ones(1, 5)"))
factory(
    "of_nan_weights",
    "weight weight holds NaN",
    "def make():\n    m = nn.Linear(16, 2)\n    m.weight.data[0, 0] = torch.nan\n    return m\n",
)


@case
def model_of_no_kind(folder: Path) -> Case:
    (folder / "model.pt").write_bytes(b"PK")
    return "model.pt", "c.npz", "model.pt: not a model that can be converted"


@case
def model_in_a_file_that_is_missing(folder: Path) -> Case:
    return "none.py:make", "c.npz", "none.py: no such Python file"
