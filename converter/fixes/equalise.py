"""Cross-layer equalisation: channels of very different size brought to one size, for nothing.

One scale a tensor leaves a channel that is a thousand times smaller than its neighbour without
codes. Between two linear ops the size of a channel is free: divided before, multiplied after, the
network computes the same (M. Nagel et al., "Data-free quantization through weight equalization and
bias correction", arXiv:1906.04721). What is divided are the rows of weights that make the channel,
which have a scale of their own a row; what is multiplied are the weights that read it.

Factors are powers of two, so that the float model's outputs stay the same to the bit.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from converter.lowering.float_graph import FloatGraph
from converter.lowering.float_model import FloatModel
from converter.reading.windows import Windows
from midfuse.core.ops import OPS
from midfuse.core.tflite_file import Op, TFLiteModel

FloatVector = npt.NDArray[np.float64]

# The axis of the weights that makes a channel, by the ops whose channels can be resized.
_ROWS = {
    name: axis
    for name in ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D")
    if (axis := OPS[name].channel_axis) is not None
}
# Fused activations that keep a channel's size; the schema's numbers of NONE and RELU.
_HOMOGENEOUS = (0, 1)
# A channel that is smaller than this share of the largest is as good as dead.
_LEAST = 1e-6


@dataclass
class _Region:
    """Tensors that share their channels, and the constants at whose edge these can be resized.

    `made` and `read`: (op, position of the constant, its channel axis) where a channel is made and
    where it is read; `added`: constants that are added to the channels in between.
    """

    channels: int
    tensors: list[int] = field(default_factory=list)
    made: set[tuple[int, int, int]] = field(default_factory=set)
    read: set[tuple[int, int, int]] = field(default_factory=set)
    added: set[tuple[int, int, int]] = field(default_factory=set)


class _Fixed(Exception):
    """The size of these channels is not free."""


def equalise(model: TFLiteModel, windows: Windows) -> TFLiteModel:
    """The float model with its channels evened out; itself where there is nothing to even out.

    The result has the same ops and tensors, and the same outputs to the bit.
    """
    regions = _regions(model)
    peaks = _peaks(model, [t for region in regions for t in region.tensors], windows)
    graph = FloatGraph(model)
    changed = False
    for region in regions:
        factors = _factors(graph, model, region, peaks)
        if (factors != factors[0]).any():
            changed = True
            _scale(graph, region.made | region.added, 1 / factors)
            _scale(graph, region.read, factors)
            for op, *_ in region.made:
                _scale_bias(graph, model.ops[op], 1 / factors)
    return graph.model() if changed else model


def _regions(model: TFLiteModel) -> list[_Region]:
    """All groups of tensors whose channels are free, each tensor in one of them."""
    found: list[_Region] = []
    seen: set[int] = set()
    for op in model.ops:
        if _columns(model, op) is not None and op.inputs[0] not in seen:
            try:
                region = _Growth(model).grow(op.inputs[0])
            except _Fixed:
                continue
            seen |= set(region.tensors)
            if region.made and region.read:
                found.append(region)
    return found


class _Growth:
    """Grows one region from a tensor, over the ops that write and read what is in it."""

    def __init__(self, model: TFLiteModel) -> None:
        self._model = model
        self._writer = {index: op for op in model.ops for index in op.outputs}

    def grow(self, start: int) -> _Region:
        shape = self._model.tensors[start].shape
        if not shape:
            raise _Fixed
        self._region = _Region(shape[-1])
        self._queue = [start]
        while self._queue:
            index = self._queue.pop()
            if index in self._region.tensors:
                continue
            self._region.tensors.append(index)
            if index in self._model.outputs or index not in self._writer:
                raise _Fixed
            self._written(self._writer[index])
            for op in self._model.ops:
                if index in op.inputs:
                    self._read(op, index)
        return self._region

    def _written(self, op: Op) -> None:
        """Go on from a tensor in the region to what its values are made of."""
        region, model = self._region, self._model
        if op.options.get("fused_activation_function", 0) not in _HOMOGENEOUS:
            raise _Fixed
        if op.name in _ROWS and model.tensors[op.inputs[1]].data is not None:
            region.made.add((op.index, 1, _ROWS[op.name]))
        elif op.name == "MUL":
            constant = self._vector(op)
            if constant is not None:
                region.made.add((op.index, constant, -1))
            else:
                self._join(self._gain(op))
        elif op.name in ("ADD", "SUB"):
            self._join_sum(op)
        elif op.name == "BATCH_MATMUL" and not op.options.get("adj_y"):
            self._join(op.inputs[1])
        elif self._keeps_channels(op):
            self._join(*self._activations(op))
        else:
            raise _Fixed

    def _read(self, op: Op, index: int) -> None:
        """Go on from a tensor in the region to what is made of its values."""
        region, model = self._region, self._model
        columns = _columns(model, op)
        if columns is not None and op.inputs[0] == index:
            region.read.add((op.index, 1, columns))
        elif op.name == "MUL" and op.inputs.count(index) == 1:
            constant = self._vector(op)
            if constant is not None:
                region.read.add((op.index, constant, -1))
            else:
                # Writing it says whether its activation allows that, as for all that join below.
                self._join(op.outputs[0])
        elif op.name in ("ADD", "SUB"):
            self._join_sum(op)
        elif op.name == "BATCH_MATMUL" and op.inputs[1] == index and not op.options.get("adj_y"):
            if op.inputs[0] == index:
                raise _Fixed
            self._join(op.outputs[0])
        elif self._keeps_channels(op):
            self._join(*self._activations(op), *op.outputs)
        else:
            raise _Fixed

    def _join(self, *indices: int) -> None:
        for index in indices:
            shape = self._model.tensors[index].shape
            if not shape or shape[-1] != self._region.channels:
                raise _Fixed
            self._queue.append(index)

    def _join_sum(self, op: Op) -> None:
        for position, index in enumerate(op.inputs):
            if self._model.tensors[index].data is None:
                self._join(index)
            elif self._vector(op) == position:
                self._region.added.add((op.index, position, -1))
            else:
                raise _Fixed
        self._join(op.outputs[0])

    def _gain(self, op: Op) -> int:
        """The factor of a product that carries the channels' size: LayerNorm's, say, is its gamma
        times the inverse deviation."""
        for index in op.inputs:
            writer = self._writer.get(index)
            if index in self._region.tensors or (
                writer is not None and writer.name == "MUL" and self._vector(writer) is not None
            ):
                return index
        raise _Fixed

    def _vector(self, op: Op) -> int | None:
        """The position of a constant with a value a channel."""
        for position, index in enumerate(op.inputs):
            tensor = self._model.tensors[index]
            if tensor.data is not None and tensor.shape[-1:] == (self._region.channels,):
                return position
        return None

    def _activations(self, op: Op) -> list[int]:
        return [i for i in op.inputs if i >= 0 and self._model.tensors[i].data is None]

    def _keeps_channels(self, op: Op) -> bool:
        """Whether an op leaves every value on its place of the last axis."""
        tensors = self._model.tensors
        rank = len(tensors[op.inputs[0]].shape)
        numbers = [tensors[i].data for i in op.inputs[1:] if i >= 0]
        if OPS[op.name].homogeneous:
            return True
        if op.name in ("MEAN", "SUM") and numbers and numbers[0] is not None:
            return (rank - 1) not in [int(axis) % rank for axis in numbers[0].ravel()]
        if op.name == "TRANSPOSE" and numbers and numbers[0] is not None:
            return int(numbers[0].ravel()[-1]) == rank - 1
        if op.name == "CONCATENATION":
            return op.options["axis"] % rank != rank - 1 and None in numbers
        return False


def _columns(model: TFLiteModel, op: Op) -> int | None:
    """The axis of a linear op's constant weights that lies on the channels it reads.

    Where every filter reads one channel, its own, that is the axis of the rows.
    """
    if op.name not in _ROWS or model.tensors[op.inputs[1]].data is None:
        return None
    shape, channels = model.tensors[op.inputs[1]].shape, model.tensors[op.inputs[0]].shape[-1]
    if op.name == "DEPTHWISE_CONV_2D" or shape[-1] == 1:
        return _ROWS[op.name] if shape[_ROWS[op.name]] == channels else None
    return len(shape) - 1 if shape[-1] == channels else None


def _peaks(model: TFLiteModel, chosen: list[int], windows: Windows) -> dict[int, FloatVector]:
    """The largest absolute value of every channel."""
    float_model = FloatModel(model)
    peaks = {index: np.zeros(model.tensors[index].shape[-1]) for index in chosen}
    for at in range(len(windows)):
        float_model.run(windows.window(at))
        for index, peak in peaks.items():
            values = float_model.tensor(index)
            rows = np.abs(values.reshape(-1, values.shape[-1]))
            np.maximum(peak, rows.max(axis=0), out=peak)
    return peaks


def _factors(
    graph: FloatGraph, model: TFLiteModel, region: _Region, peaks: dict[int, FloatVector]
) -> FloatVector:
    """What each channel is divided by: the nearest power of two to sqrt(size / weight).

    So a channel and the weights that read it come to the same share of their largest. A depthwise
    filter reads its channel on a scale of its own: there the whole size can go.
    """
    size = _largest([peaks[index] for index in region.tensors])
    readers = [
        graph.constant(op, position)
        for op, position, axis in region.read
        if axis != _ROWS.get(model.ops[op].name)
    ]
    if not readers:
        factors = size
    else:
        # A row's own scale takes its size off, whatever it is.
        rows = [np.abs(values).reshape(-1, region.channels) if values.ndim == 1 else _rows(values)
                for values in readers]  # fmt: skip
        weight = _largest([(r / np.maximum(r.max(1, keepdims=True), 1e-30)).max(0) for r in rows])
        factors = np.sqrt(size / weight)
    return np.exp2(np.round(np.log2(factors)))


def _rows(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Weights (out, …, in) as the largest absolute value (out, in)."""
    grid = np.abs(values).reshape(values.shape[0], -1, values.shape[-1])
    largest: npt.NDArray[np.float32] = grid.max(axis=1)
    return largest


def _largest(vectors: list[FloatVector]) -> FloatVector:
    """The largest share of its vector's maximum, a channel."""
    shares = [vector / max(float(vector.max()), 1e-30) for vector in vectors]
    return np.maximum(np.max(shares, axis=0), _LEAST)


def _scale(graph: FloatGraph, edges: set[tuple[int, int, int]], by: FloatVector) -> None:
    for op, position, axis in sorted(edges):
        values = graph.constant(op, position)
        shape = [1] * values.ndim
        shape[axis] = -1
        graph.set_constant(op, position, (values * by.reshape(shape)).astype(np.float32))


def _scale_bias(graph: FloatGraph, op: Op, by: FloatVector) -> None:
    if op.name in _ROWS and len(op.inputs) > 2 and op.inputs[2] >= 0:
        bias = graph.constant(op.index, 2)
        graph.set_constant(op.index, 2, (bias * by).astype(np.float32))
