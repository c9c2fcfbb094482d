"""The per-op check: what each int8 op under TFLM makes of the model's windows, beside float.

Two errors tell causes apart. The accumulated one is of the int8 network so far; the local one is
of the op alone, fed with the float model's inputs quantised. The local one is taken apart once
more, by running the op in float with only its inputs, only its weights, or both rounded.

The quantiser keeps tensor names, so an op finds its float tensor by name; a QUANTIZE that it puts
between two scales has its input's.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from converter.checks.causes import OpMeasures, TensorMeasures, judge
from converter.checks.islands import cut, rounded_constants
from converter.checks.measure import CodeSums, ErrorSums, Signal, Squares
from converter.checks.op_check import OpCheck, Sources
from converter.lowering.float_model import FloatModel
from converter.lowering.names import Origin
from converter.reading.windows import FloatArray, Windows
from midfuse.core.macs import op_macs
from midfuse.core.numeric import dequantise, quantise
from midfuse.core.oracle import Oracle, Values
from midfuse.core.progress import SILENT, Progress
from midfuse.core.tflite_file import TFLiteModel

# Values of all tensors of a model that are held at a time: 64 MB of float32.
_HELD = 1 << 24


def quantise_inputs(model: TFLiteModel, inputs: list[FloatArray]) -> list[Values]:
    """Float windows (N, …) to the int8 bytes that the model takes, an array an input."""
    return [
        quantise(values, model.tensors[index].scale, model.tensors[index].zero_point)
        for index, values in zip(model.inputs, inputs, strict=True)
    ]


def check_ops_against_float(
    int8: TFLiteModel,
    float32: TFLiteModel,
    windows: Windows,
    origins: Mapping[str, Origin],
    progress: Progress = SILENT,
) -> list[OpCheck]:
    """Run every op in both models on all windows, in the network and alone.

    `origins` names the node and the module of a tensor, as far as they are known. The checks are
    in the order of the int8 model's ops.
    """
    bench = _Bench(int8, float32)
    with progress.task("Per-op check", len(windows)) as task:
        for start in range(0, len(windows), bench.windows_held):
            chunk = range(start, min(start + bench.windows_held, len(windows)))
            bench.add([windows.window(at) for at in chunk])
            task.advance(len(chunk))
    return judge(bench.measures(), bench.tensors(), origins)


# The values of tensors over some windows (n, *shape), by tensor index of the int8 model.
_Values = dict[int, FloatArray]


class _Bench:
    """Both models, whole and cut, and the sums over all windows so far."""

    def __init__(self, int8: TFLiteModel, float32: TFLiteModel) -> None:
        self._int8 = int8
        self._twins = _float_twins(int8, float32)
        self._reference, self._network = FloatModel(float32), Oracle(int8, observable=True)
        islands = cut(int8)
        self._alone, self._alone_feed = Oracle(islands.model), islands.sources
        self._exact = _FloatIslands(int8, float32, {})
        self._rounded = _FloatIslands(int8, float32, rounded_constants(int8, float32))
        self._signals = {index: Signal() for index in self._twins}
        self._codes = {index: CodeSums(int8.tensors[index]) for index in self._twins}
        self._grids = {index: Squares() for index in self._twins}
        self._sums = [_OpSums() for _ in int8.ops]
        held = sum(int8.tensors[index].elements for index in self._twins)
        self.windows_held = max(1, min(25, _HELD // max(held, 1)))

    def add(self, windows: list[list[FloatArray]]) -> None:
        """Run some windows and add what comes out."""
        exact = self._float_values(windows)
        codes = {index: self._quantise(index, values) for index, values in exact.items()}
        on_grid = {index: self._dequantise(index, values) for index, values in codes.items()}
        network = self._network_codes([codes[index] for index in self._int8.inputs])
        alone = _run(self._alone.run, [codes[index] for index in self._alone_feed])
        inputs_rounded = self._exact.run(on_grid)
        weights_rounded = self._rounded.run(exact)
        both_rounded = self._rounded.run(on_grid)
        for index, values in exact.items():
            self._signals[index].add(values)
            self._codes[index].add(values, network[index])
            self._grids[index].add(values - on_grid[index])
        for op, sums, found in zip(self._int8.ops, self._sums, alone, strict=True):
            index = op.outputs[0]
            values, local = exact[index], self._dequantise(index, found)
            sums.accumulated.add(values, self._dequantise(index, network[index]))
            sums.local.add(values, local)
            if index in both_rounded:
                sums.inputs.add(values - inputs_rounded[index])
                sums.weights.add(values - weights_rounded[index])
                ideal = self._quantise(index, both_rounded[index])
                sums.kernel.add(self._dequantise(index, ideal) - local)

    def tensors(self) -> dict[int, TensorMeasures]:
        """What is known of each activation, by tensor index of the int8 model."""
        return {
            index: TensorMeasures(
                tensor=self._int8.tensors[index],
                signal=signal,
                codes=self._codes[index],
                grid_db=self._grids[index].channel_db(signal),
            )
            for index, signal in self._signals.items()
        }

    def measures(self) -> list[OpMeasures]:
        """What is known of each op, in order."""
        found = []
        for op, sums in zip(self._int8.ops, self._sums, strict=True):
            index = op.outputs[0]
            signal, scale = self._signals[index], float(self._int8.tensors[index].scale)
            found.append(
                OpMeasures(
                    op=op,
                    macs=op_macs(self._int8, op),
                    accumulated=sums.accumulated.result(signal, scale),
                    local=sums.local.result(signal, scale),
                    sources=Sources(
                        inputs_db=sums.inputs.channel_db(signal),
                        weights_db=sums.weights.channel_db(signal),
                        output_db=self._grids[index].channel_db(signal),
                        kernel_db=sums.kernel.channel_db(signal),
                    ),
                )
            )
        return found

    def _float_values(self, windows: list[list[FloatArray]]) -> _Values:
        rows: dict[int, list[FloatArray]] = {index: [] for index in self._twins}
        for window in windows:
            self._reference.run(window)
            for index, row in rows.items():
                row.append(self._reference.tensor(self._twins[index]))
        return {index: np.stack(row) for index, row in rows.items()}

    def _network_codes(self, inputs: list[Values]) -> dict[int, Values]:
        rows: dict[int, list[Values]] = {index: [] for index in self._twins}
        for at in range(len(inputs[0])):
            self._network.run([values[at] for values in inputs])
            for index, row in rows.items():
                row.append(self._network.tensor(index))
        return {index: np.stack(row) for index, row in rows.items()}

    def _quantise(self, index: int, values: FloatArray) -> Values:
        tensor = self._int8.tensors[index]
        return quantise(values, tensor.scale, tensor.zero_point, tensor.dtype)

    def _dequantise(self, index: int, codes: Values) -> FloatArray:
        tensor = self._int8.tensors[index]
        return dequantise(codes, tensor.scale, tensor.zero_point)


class _OpSums:
    """The errors of one op's output."""

    def __init__(self) -> None:
        self.accumulated, self.local = ErrorSums(), ErrorSums()
        self.inputs, self.weights, self.kernel = Squares(), Squares(), Squares()


class _FloatIslands:
    """The float model cut, with constants of our choice, run on values of int8 tensors."""

    def __init__(
        self,
        int8: TFLiteModel,
        float32: TFLiteModel,
        constants: Mapping[int, npt.NDArray[np.float32]],
    ) -> None:
        made_by = {int8.tensors[op.outputs[0]].name: op for op in int8.ops}
        ops = [made_by[float32.tensors[op.outputs[0]].name] for op in float32.ops]
        self._outputs = [op.outputs[0] for op in ops]
        # An op reads the same activations in the same order in both models, though the int8 one
        # may read them after a QUANTIZE.
        self._feed = [
            index
            for op in ops
            for index in op.inputs
            if index >= 0 and int8.tensors[index].data is None
        ]
        self._model = FloatModel(cut(float32, constants).model)

    def run(self, values: _Values) -> _Values:
        """Every op's first output, by tensor index of the int8 model."""
        found = _run(self._model.run, [values[index] for index in self._feed])
        return dict(zip(self._outputs, found, strict=True))


def _run(
    model: Callable[[list[Any]], list[Any]], inputs: list[npt.NDArray[Any]]
) -> list[npt.NDArray[Any]]:
    """A model's outputs (n, *shape) for inputs (n, *shape), window by window."""
    rows = [model([values[at] for values in inputs]) for at in range(len(inputs[0]))]
    return [np.stack(column) for column in zip(*rows, strict=True)]


def _float_twins(int8: TFLiteModel, float32: TFLiteModel) -> dict[int, int]:
    """The float tensor of every activation of the int8 model; both by index."""
    by_name = {tensor.name: tensor.index for tensor in float32.tensors}
    twins = {index: by_name[int8.tensors[index].name] for index in int8.inputs}
    for op in int8.ops:
        for index in op.outputs:
            name = int8.tensors[index].name
            twins[index] = by_name[name] if name in by_name else twins[op.inputs[0]]
    return twins
