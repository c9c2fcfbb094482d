"""Where each op of the float `.tflite` came from: the ONNX node, and the PyTorch module.

The converters in between keep no names, but they keep values: both models run on the same windows,
and a tensor is found in the other by what it holds. What holds the same values is told apart by the
kind of op and by what lies before it in either graph; what matches nothing closely may match a node
of its kind loosely.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from converter.lowering.prints import CLOSE, LOOSE, equal, probes, tensor_prints, value_print
from converter.reading.onnx_file import OnnxModel, input_specs, module_of
from converter.reading.windows import FloatArray, Windows
from midfuse.core.ops import OPS
from midfuse.core.tflite_file import Op, TFLiteModel

_MOVES = {"Concat", "Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Split"}
_MOVES |= {"Squeeze", "Tile", "Transpose", "Unsqueeze"}
# The ONNX ops that a TFLite op stands for in the first place.
_KINDS = {name: frozenset(record.onnx) for name, record in OPS.items() if record.onnx}


@dataclass(frozen=True)
class Origin:
    """The ONNX node that an op belongs to; `module` is None where no PyTorch module made it."""

    node: str
    op_type: str
    module: str | None

    @property
    def says(self) -> str:
        """For errors: what an op comes from."""
        made = f" of module {self.module}" if self.module else ""
        return f"from {self.op_type} {self.node[:60]}{made}"


def origins(
    float_model: TFLiteModel, model: onnx.ModelProto, windows: Windows, where: str
) -> dict[str, Origin]:
    """The origin of every tensor that an op of `float_model` makes, by the tensor's name.

    An op with a bias or an activation folded into it belongs to the node that it mainly is (the
    Conv, not the Relu); an op without a counterpart, such as a part of a LayerNormalization opened
    up, to the nearest one after it. `where` names the model in errors.

    Raises:
        InputError: onnxruntime fails on the model.
    """
    nodes = _Nodes(model)
    inputs = probes(windows)
    table = np.array([value_print(values) for values in nodes.values(inputs, where)])
    made = [index for op in float_model.ops for index in op.outputs]
    ours = tensor_prints(float_model, made, inputs)
    found: dict[int, int] = {}
    before = {index: 1 << (len(nodes) + at) for at, index in enumerate(float_model.inputs)}
    for op in float_model.ops:
        upstream = 0
        for index in op.inputs:
            upstream |= before.get(index, 0)
        for index in op.outputs:
            same = set(nodes.makers[equal(table, ours[index], CLOSE)].tolist())
            if not same:
                loose = nodes.makers[equal(table, ours[index], LOOSE)].tolist()
                same = {at for at in loose if nodes.is_kind(op, at)}
            before[index] = upstream
            if same:
                match = nodes.choose(op, sorted(same), upstream)
                found[index] = nodes.principal(op, match, upstream)
                before[index] = 1 << match | upstream & nodes.all_inputs
    _inherit(float_model, found, len(nodes) - 1)
    return {float_model.tensors[index].name: nodes.origin(at) for index, at in found.items()}


class _Nodes:
    """The nodes that compute from the model's inputs, in order, and the ways between them.

    Sets of nodes and inputs are bits of an integer: node i is bit i, input j bit len + j.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        input_names = [spec.name for spec in input_specs(model)]
        live = set(input_names)
        self._nodes: list[Any] = []
        for node in model.graph.node:
            if node.op_type != "Shape" and live.intersection(node.input):
                live |= set(filter(None, node.output))
                self._nodes.append(node)
        self._names = [name for node in self._nodes for name in node.output if name]
        maker = {name: at for at, node in enumerate(self._nodes) for name in node.output if name}
        self._parents = [[maker[n] for n in node.input if n in maker] for node in self._nodes]
        self._used: set[int] = set()
        self.makers = np.array([maker[name] for name in self._names], np.int64)
        self.all_inputs = (1 << len(input_names)) - 1 << len(self._nodes)
        # What lies before each node, itself included.
        self._upstream: list[int] = []
        bits = {name: 1 << len(self) + at for at, name in enumerate(input_names)}
        for at, node in enumerate(self._nodes):
            upstream = 1 << at
            for name in node.input:
                upstream |= self._upstream[maker[name]] if name in maker else bits.get(name, 0)
            self._upstream.append(upstream)

    def __len__(self) -> int:
        return len(self._nodes)

    def values(self, inputs: list[list[FloatArray]], where: str) -> Iterator[FloatArray]:
        """What each output of the nodes holds, all windows in one row."""
        model = OnnxModel(self._model, where, self._names)
        for values in zip(*map(model.run, inputs), strict=True):
            yield np.concatenate([np.ravel(value) for value in values]).astype(np.float32)

    def choose(self, op: Op, same: list[int], upstream: int) -> int:
        """Which of the nodes that hold the op's values it is; `upstream` lies before the op."""

        def preference(at: int) -> tuple[bool, int, bool, int]:
            behind = self._upstream[at] & upstream == upstream
            reached = (self._upstream[at] ^ upstream) & self.all_inputs == 0
            return not (behind and reached), self._strangeness(op, at), at in self._used, at

        best = min(same, key=preference)
        self._used.add(best)
        return best

    def principal(self, op: Op, match: int, upstream: int) -> int:
        """From the last node folded into the op back to the one that it is named after."""
        folded = [match]
        for at in folded:
            if self.is_kind(op, at):
                return at
            if self._nodes[at].op_type not in _MOVES:
                folded += [p for p in self._parents[at] if not upstream >> p & 1]
        return match

    def origin(self, at: int) -> Origin:
        node = self._nodes[at]
        name = node.name or node.output[0]
        return Origin(name, node.op_type, module_of(name))

    def is_kind(self, op: Op, at: int) -> bool:
        """Whether the op may stand for the node in the first place."""
        return self._nodes[at].op_type in _KINDS.get(op.name, ())

    def _strangeness(self, op: Op, at: int) -> int:
        kind = self._nodes[at].op_type
        kinds = _KINDS.get(op.name, frozenset())
        if kind in kinds:
            return 0
        return 1 if (kind in _MOVES) == bool(kinds & _MOVES) else 2


def _inherit(model: TFLiteModel, found: dict[int, int], last: int) -> None:
    """Give the tensors without a match what the first op that reads them has."""
    matched = set(found)
    computed = {index for op in model.ops for index in op.outputs}
    for op in reversed(model.ops):
        theirs = next((found[index] for index in op.outputs if index in found), last)
        for index in computed.intersection((*op.inputs, *op.outputs)) - matched:
            found[index] = theirs
