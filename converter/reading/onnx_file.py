"""A reader of `.onnx` files that trusts nothing in them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from converter.reading.external_data import load_external_data
from converter.reading.layer_norm import open_layer_norms
from converter.reading.windows import MAX_AXES, Axis, FloatArray, InputSpec
from midfuse.core.errors import InputError

# No model for a microcontroller is near these; a hostile file is stopped by them.
_MAX_BYTES = 64 << 20
MAX_ELEMENTS = 1 << 24
_MAX_NODES = 10_000


def read_onnx(path: Path, where: str) -> onnx.ModelProto:
    """Read an `.onnx`, with external data only from its own folder.

    `where` names the model in errors: the file, or the module it was exported from.

    Raises:
        InputError: no such file, not ONNX, truncated, too large, inconsistent, external data
            outside the file's folder, weights that are NaN, or an input that is not float32 of 1
            to 4 axes.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{where}: not a file", "name an .onnx")
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
    if sum(len(graph.node) for graph in graphs(model.graph)) > _MAX_NODES:
        raise InputError(
            f"{where}: more than {_MAX_NODES} nodes", "no microcontroller holds such a model"
        )
    load_external_data(_tensors(model), path.resolve().parent, _MAX_BYTES, where)
    _check_inputs(model, where)
    outputs = [entry.name for entry in model.graph.output]
    if not outputs or len(set(outputs)) != len(outputs):
        raise InputError(f"{where}: has no outputs, or one twice", "export it with its outputs")
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        first = next(iter(str(error).splitlines()), "")
        raise InputError(f"{where}: not a valid ONNX model ({first})", "export it again") from None
    _check_weights(model, where)
    return model


def input_specs(model: onnx.ModelProto) -> list[InputSpec]:
    """The inputs in the model's order, initialisers left out."""
    return [
        InputSpec(entry.name, tuple(map(_axis, entry.type.tensor_type.shape.dim)))
        for entry in graph_inputs(model)
    ]


def _axis(dim: Any) -> Axis:
    return dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None


def check_inputs_used(model: onnx.ModelProto, names: list[str], where: str) -> None:
    """Refuse a model that ignores an input: the exporter drops it, and positions would shift.

    Raises:
        InputError: names the input.
    """
    used = {name for graph in graphs(model.graph) for node in graph.node for name in node.input}
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


def says(node: Any, where: str) -> str:
    """The beginning of an error about a node: its name, op, and PyTorch module where known."""
    module = module_of(node.name)
    name = node.name or next(iter(node.output), "a node")
    return f"{where}: {name} is {node.op_type}" + (f" in module {module}" if module else "")


class OnnxModel:
    """The float reference of an `.onnx`: onnxruntime, one window at a time.

    `outputs` names tensors of the main graph to give in place of the model's outputs.
    """

    def __init__(
        self, model: onnx.ModelProto, where: str, outputs: Sequence[str] | None = None
    ) -> None:
        opened = onnx.ModelProto()
        opened.CopyFrom(model)
        open_layer_norms(opened)
        if outputs is not None:
            del opened.graph.output[:]
            opened.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                opened.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        # onnxruntime's exceptions share no public base.
        except Exception as error:
            first = next(iter(str(error).splitlines()), "")
            raise InputError(
                f"{where}: onnxruntime refuses it ({first})", "export it again"
            ) from error
        self._names = [spec.name for spec in input_specs(model)]
        self._where = where

    def run(self, window: list[FloatArray]) -> list[FloatArray]:
        """One inference.

        Raises:
            InputError: an op fails on the window.
        """
        try:
            found: list[Any] = self._session.run(None, dict(zip(self._names, window, strict=True)))
        except Exception as error:
            raise InputError(
                f"{self._where}: onnxruntime fails on a window ({error})",
                "check that the windows are what the model was made for",
            ) from error
        return found


def graph_inputs(model: onnx.ModelProto) -> list[Any]:
    """The inputs without those that are initialisers."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return [entry for entry in model.graph.input if entry.name not in constants]


def graphs(graph: Any) -> Iterator[Any]:
    """A graph and all graphs inside its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node:
                    yield from graphs(inner)


def constant_names(graph: Any, known: tuple[str, ...] = ()) -> set[str]:
    """The tensors that follow from constants alone, and from what the ops `known` give.

    "" for no tensor is among them.
    """
    constant = {tensor.name for tensor in graph.initializer} | {""}
    for node in graph.node:
        # A graph inside a node may use any tensor around it.
        inner = any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute)
        random = node.op_type.startswith("Random")
        fixed = node.op_type in known or constant.issuperset(node.input)
        if fixed and not inner and not random:
            constant |= set(node.output)
    return constant


def _tensors(model: onnx.ModelProto) -> Iterator[Any]:
    for graph in graphs(model.graph):
        yield from graph.initializer
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t
                yield from attribute.tensors


def _check_inputs(model: onnx.ModelProto, where: str) -> None:
    specs = input_specs(model)
    if not specs:
        raise InputError(f"{where}: has no inputs", "export it with its inputs")
    for entry, spec in zip(graph_inputs(model), specs, strict=True):
        shape = spec.shape or ()
        if entry.type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
            raise InputError(f"{where}: input {entry.name} is not float32", "export it as float32")
        if not 1 <= len(shape) <= MAX_AXES:
            raise InputError(
                f"{where}: input {entry.name} has {len(shape)} axes",
                f"export it with 1 to {MAX_AXES}: join axes outside, take them apart inside",
            )
        fixed = [size for size in shape if isinstance(size, int)]
        if min(fixed, default=1) < 1 or np.prod(fixed, dtype=np.float64) > MAX_ELEMENTS:
            raise InputError(
                f"{where}: input {entry.name} has the shape {list(shape)}: an axis of no size, or"
                f" more than {MAX_ELEMENTS} values",
                "export it with the shape that the device will see",
            )


def _check_weights(model: onnx.ModelProto, where: str) -> None:
    if any(graph.sparse_initializer for graph in graphs(model.graph)):
        raise InputError(f"{where}: has sparse weights", "export it with dense ones")
    for tensor in _tensors(model):
        try:
            values = numpy_helper.to_array(tensor)
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"{where}: tensor {tensor.name}: {error}", "export it again") from None
        # A mask may well use -inf; a NaN is never meant.
        if values.dtype.kind == "f" and np.isnan(values).any():
            raise InputError(f"{where}: tensor {tensor.name} holds NaN", "train it again")
