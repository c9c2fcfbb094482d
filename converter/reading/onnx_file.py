"""A reader of `.onnx` files that trusts nothing in them, and the op check before conversion."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from onnx.external_data_helper import load_external_data_for_model

from converter.reading.windows import FloatArray, InputSpec
from midfuse.errors import InputError
from midfuse.ops import OPS

# No model for a microcontroller is near these; a hostile file is stopped by them.
_MAX_BYTES = 64 << 20
_MAX_ELEMENTS = 1 << 24

# What an ONNX op becomes in TFLite. What becomes nothing, or different things, is left to the check
# after conversion.
_BECOMES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Cast", "Dropout", "Expand", "Gather", "Identity", "Pow", "Where"), ()),
    "Add": ("ADD",),
    "AveragePool": ("AVERAGE_POOL_2D",),
    "BatchNormalization": ("MUL", "ADD"),
    "Clip": ("RELU6",),
    "Concat": ("CONCATENATION",),
    "Conv": ("CONV_2D",),
    "ConvTranspose": ("TRANSPOSE_CONV",),
    "Div": ("MUL",),
    "Einsum": ("EINSUM",),
    "Elu": ("ELU",),
    "Erf": ("GELU",),
    "Exp": ("EXP",),
    "Flatten": ("RESHAPE",),
    "GRU": ("GRU",),
    "Gelu": ("GELU",),
    "Gemm": ("FULLY_CONNECTED",),
    "GlobalAveragePool": ("MEAN",),
    "HardSigmoid": ("MUL", "ADD", "RELU6"),
    "HardSwish": ("HARD_SWISH",),
    "LSTM": ("UNIDIRECTIONAL_SEQUENCE_LSTM",),
    "LayerNormalization": ("MEAN", "SQUARED_DIFFERENCE", "RSQRT", "MUL", "ADD", "SUB"),
    "LeakyRelu": ("LEAKY_RELU",),
    "Log": ("LOG",),
    "MatMul": ("BATCH_MATMUL", "FULLY_CONNECTED"),
    "MaxPool": ("MAX_POOL_2D",),
    "Mul": ("MUL",),
    "Neg": ("MUL",),
    "PRelu": ("PRELU",),
    "Pad": ("PAD",),
    "ReduceMax": ("REDUCE_MAX",),
    "ReduceMean": ("MEAN",),
    "ReduceSum": ("SUM",),
    "Relu": ("RELU",),
    "Reshape": ("RESHAPE",),
    "Resize": ("RESIZE_BILINEAR",),
    "Sigmoid": ("LOGISTIC",),
    "Slice": ("STRIDED_SLICE",),
    "Softmax": ("SOFTMAX",),
    "Split": ("STRIDED_SLICE",),
    # With the division that follows it, a square root becomes RSQRT.
    "Sqrt": ("RSQRT",),
    "Squeeze": ("RESHAPE",),
    "Sub": ("SUB",),
    "Tanh": ("TANH",),
    "Transpose": ("TRANSPOSE",),
    "Unsqueeze": ("RESHAPE",),
}


def read_onnx(path: Path, where: str) -> onnx.ModelProto:
    """Read an `.onnx`, with external data only from its own folder, and fix its batch at 1.

    `where` names the model in errors: the file, or the module it was exported from.

    Raises:
        InputError: no such file, not ONNX, truncated, too large, inconsistent, external data
            outside the file's folder, weights that are not finite, an input that is not float32
            of fixed shape, or an op that the target lacks.
    """
    try:
        size = path.stat().st_size
        model = onnx.load_model(path, load_external_data=False) if size <= _MAX_BYTES else None
    except OSError as error:
        raise InputError(f"{where}: cannot be read ({error.strerror})", "name an .onnx") from None
    except DecodeError:
        raise InputError(f"{where}: not ONNX, or truncated", "export it again") from None
    if model is None:
        raise InputError(
            f"{where}: {size >> 20} MiB; at most {_MAX_BYTES >> 20} are read",
            "no microcontroller holds such a model",
        )
    _load_external_data(model, path, where)
    _fix_inputs(model, where)
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        first = next(iter(str(error).splitlines()), "")
        raise InputError(f"{where}: not a valid ONNX model ({first})", "export it again") from None
    _check_weights(model, where)
    _check_ops(model, where)
    return model


def input_specs(model: onnx.ModelProto) -> list[InputSpec]:
    """The inputs in the model's order, initialisers left out."""
    return [
        InputSpec(entry.name, tuple(d.dim_value for d in entry.type.tensor_type.shape.dim))
        for entry in _inputs(model)
    ]


def output_names(model: onnx.ModelProto) -> list[str]:
    """The outputs in the model's order."""
    return [entry.name for entry in model.graph.output]


def check_inputs_used(model: onnx.ModelProto, names: list[str], where: str) -> None:
    """Refuse a model that ignores an input: the exporter drops it, and positions would shift.

    Raises:
        InputError: names the input.
    """
    used = {name for graph in _graphs(model.graph) for node in graph.node for name in node.input}
    for name in names:
        if name not in used:
            raise InputError(f"{where}: input {name} is used by no op", "leave it out of the model")


def module_of(node: str) -> str | None:
    """The PyTorch module that made a node, from the scope that torch writes into node names.

    `/blocks.0/attn/query/MatMul` is of `blocks.0.attn.query`. A Sequential's child repeats its
    parent: `/net/net.0/Conv` is of `net.0`. None for the model itself, and where the name is not
    of that form.
    """
    if not node.startswith("/"):
        return None
    path: list[str] = []
    for scope in node.split("/")[1:-1]:
        if path and scope.startswith(f"{path[-1]}."):
            path[-1] = scope
        else:
            path.append(scope)
    return ".".join(path) or None


def plain_copy(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that says the same in the words that onnx2tf understands best.

    - Inputs are named `input_0`, `input_1`, …: a graph's own names may hold anything, and position
      is what survives the way to TFLite.
    - Unsqueeze, Squeeze and Flatten become Reshape. After an Unsqueeze to four axes onnx2tf takes
      the tensor for an image and turns its axes, differently on two branches that meet again.
    """
    copy = onnx.shape_inference.infer_shapes(model)
    names = {entry.name: f"input_{i}" for i, entry in enumerate(_inputs(copy))}
    for entry in _inputs(copy):
        entry.name = names[entry.name]
    known = (*copy.graph.value_info, *copy.graph.output)
    shapes = {
        entry.name: [d.dim_value for d in entry.type.tensor_type.shape.dim] for entry in known
    }
    for index, node in enumerate(copy.graph.node):
        node.input[:] = [names.get(name, name) for name in node.input]
        shape = shapes.get(node.output[0], [])
        if node.op_type in ("Unsqueeze", "Squeeze", "Flatten") and all(shape) and shape:
            constant = f"midfuse_shape_{index}"
            copy.graph.initializer.append(numpy_helper.from_array(np.array(shape), constant))
            node.op_type = "Reshape"
            node.input[:] = [node.input[0], constant]
            del node.attribute[:]
    return copy


class OnnxModel:
    """The float reference of an `.onnx`: onnxruntime, one window at a time."""

    def __init__(self, model: onnx.ModelProto, where: str) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        # onnxruntime's exceptions share no public base.
        except Exception as error:
            first = next(iter(str(error).splitlines()), "")
            raise InputError(
                f"{where}: onnxruntime refuses it ({first})", "export it again"
            ) from error
        self._names = [spec.name for spec in input_specs(model)]

    def run(self, window: list[FloatArray]) -> list[FloatArray]:
        found: list[Any] = self._session.run(None, dict(zip(self._names, window, strict=True)))
        return found


def _inputs(model: onnx.ModelProto) -> list[Any]:
    constants = {tensor.name for tensor in model.graph.initializer}
    return [entry for entry in model.graph.input if entry.name not in constants]


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node:
                    yield from _graphs(inner)


def _tensors(model: onnx.ModelProto) -> Iterator[Any]:
    for graph in _graphs(model.graph):
        yield from graph.initializer
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t
                yield from attribute.tensors


def _load_external_data(model: onnx.ModelProto, path: Path, where: str) -> None:
    folder = path.resolve().parent
    total = 0
    for tensor in _tensors(model):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        fields = {entry.key: entry.value for entry in tensor.external_data}
        location = fields.get("location", "")
        file = (folder / location).resolve()
        if not location or PurePosixPath(location).is_absolute() or file.parent != folder:
            raise InputError(
                f"{where}: tensor {tensor.name} has its data in {location!r}, outside the"
                " model's folder",
                "keep the data file beside the model",
            )
        if not file.is_file():
            raise InputError(
                f"{where}: tensor {tensor.name} has its data in {file}, which does not exist",
                "keep the data file beside the model",
            )
        total = max(total, file.stat().st_size)
    if total > _MAX_BYTES:
        raise InputError(
            f"{where}: external data of {total >> 20} MiB; at most {_MAX_BYTES >> 20} are read",
            "no microcontroller holds such a model",
        )
    try:
        load_external_data_for_model(model, str(folder))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise InputError(f"{where}: external data: {error}", "export it again") from None


def _fix_inputs(model: onnx.ModelProto, where: str) -> None:
    if not _inputs(model):
        raise InputError(f"{where}: has no inputs", "export it with its inputs")
    for entry in _inputs(model):
        kind = entry.type.tensor_type
        if kind.elem_type != onnx.TensorProto.FLOAT:
            raise InputError(f"{where}: input {entry.name} is not float32", "export it as float32")
        dims = kind.shape.dim
        if len(dims) > 0 and not dims[0].HasField("dim_value"):
            dims[0].dim_value = 1
        shape = [d.dim_value if d.HasField("dim_value") else d.dim_param or "?" for d in dims]
        fixed = [size for size in shape if isinstance(size, int) and size > 0]
        if len(fixed) != len(shape) or not 2 <= len(shape) <= 4 or shape[0] != 1:
            raise InputError(
                f"{where}: input {entry.name} has the shape {shape}",
                "export it with 2 to 4 fixed axes, the first of them 1 (the batch)",
            )
        if np.prod(fixed, dtype=np.float64) > _MAX_ELEMENTS:
            raise InputError(f"{where}: input {entry.name} is too large: {shape}", "shorten it")


def _check_weights(model: onnx.ModelProto, where: str) -> None:
    for tensor in _tensors(model):
        try:
            values = numpy_helper.to_array(tensor)
        except (ValueError, TypeError) as error:
            raise InputError(f"{where}: tensor {tensor.name}: {error}", "export it again") from None
        # A mask may well use -inf; a NaN is never meant.
        if values.dtype.kind == "f" and np.isnan(values).any():
            raise InputError(f"{where}: tensor {tensor.name} holds NaN", "train it again")


def _check_ops(model: onnx.ModelProto, where: str) -> None:
    """Refuse before the slow conversion what could not run after it.

    Shape arithmetic, computed from constants and fixed shapes alone, is folded away: it may use
    any op.
    """
    for graph in _graphs(model.graph):
        constant = {tensor.name for tensor in graph.initializer} | {""}
        for node in graph.node:
            if node.op_type == "Shape" or constant.issuperset(node.input):
                constant |= set(node.output)
                continue
            name = f"{where}: {node.name or node.output[0]} is {node.op_type}"
            becomes = _BECOMES.get(node.op_type) if node.domain in ("", "ai.onnx") else None
            if becomes is None:
                raise InputError(f"{name}, an op that the target lacks", "replace it in the model")
            lacking = sorted(set(becomes) - set(OPS))
            if lacking:
                raise InputError(
                    f"{name}, which becomes {lacking[0]}, an op that the target lacks",
                    "replace it in the model (midfuse/ops.py lists what the target has)",
                )
