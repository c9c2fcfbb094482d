"""The per-op check: each int8 op's output under TFLM against the float model's same tensor.

The error is the accumulated one: everything that the int8 network did up to that op. The quantiser
keeps tensor names, so an op finds its float tensor by name.

For float values f and dequantised int8 values q over all windows:
SQNR = 10 log10(sum f^2 / sum (f - q)^2) dB; cosine = sum f q / sqrt(sum f^2 sum q^2).
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from converter.lowering.float_model import FloatModel
from converter.reading.windows import FloatArray, Windows
from midfuse.numeric import dequantise, quantise
from midfuse.oracle import Oracle, Values
from midfuse.progress import SILENT, Progress
from midfuse.tflite_file import TFLiteModel

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class OpError:
    """How far one op's output is from float.

    `mean_abs` and `max_abs` in the tensor's own unit, `mean_steps` and `max_steps` in units of
    its scale. `sqnr_db` is None where there is no error at all or no signal, `cosine` where
    either side is all zero.
    """

    mean_abs: float
    max_abs: float
    mean_steps: float
    max_steps: float
    sqnr_db: float | None
    cosine: float | None


@dataclass(frozen=True)
class OpCheck:
    """One op of the int8 model, in its order, and the error of its output."""

    index: int
    op: str
    tensor: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int
    accumulated: OpError


class _Sums:
    """The sums over windows from which an `OpError` follows, in float64."""

    def __init__(self) -> None:
        self.elements = 0
        self.error = self.error_squared = self.largest = 0.0
        self.float_squared = self.int8_squared = self.product = 0.0

    def add(self, expected: FloatArray, found: FloatArray) -> None:
        f, q = expected.astype(np.float64).ravel(), found.astype(np.float64).ravel()
        error = np.abs(f - q)
        self.elements += f.size
        self.error += float(error.sum())
        self.error_squared += float(error @ error)
        self.largest = max(self.largest, float(error.max()))
        self.float_squared += float(f @ f)
        self.int8_squared += float(q @ q)
        self.product += float(f @ q)

    def result(self, scale: float) -> OpError:
        both = math.sqrt(self.float_squared) * math.sqrt(self.int8_squared)
        measurable = self.float_squared > 0 and self.error_squared > 0
        mean = self.error / self.elements
        return OpError(
            mean_abs=mean,
            max_abs=self.largest,
            mean_steps=mean / scale,
            max_steps=self.largest / scale,
            sqnr_db=10 * math.log10(self.float_squared / self.error_squared)
            if measurable
            else None,
            cosine=self.product / both if both > 0 else None,
        )


def quantise_inputs(model: TFLiteModel, inputs: list[FloatArray]) -> list[Values]:
    """Float windows (N, …) to the int8 bytes that the model takes, an array an input."""
    return [
        quantise(values, model.tensors[index].scale, model.tensors[index].zero_point)
        for index, values in zip(model.inputs, inputs, strict=True)
    ]


def check_ops_against_float(
    int8: TFLiteModel, float32: TFLiteModel, windows: Windows, progress: Progress = SILENT
) -> list[OpCheck]:
    """Run both models on all windows and compare every op's output, in the model's order."""
    oracle, reference = Oracle(int8, observable=True), FloatModel(float32)
    by_name = {tensor.name: tensor.index for tensor in float32.tensors}
    outputs = [int8.tensors[op.outputs[0]] for op in int8.ops]
    sums = [_Sums() for _ in outputs]
    codes = quantise_inputs(int8, windows.inputs)
    with progress.task("Per-op check", len(windows)) as task:
        for at in range(len(windows)):
            reference.run(windows.window(at))
            oracle.run([values[at] for values in codes])
            for tensor, total in zip(outputs, sums, strict=True):
                found = dequantise(oracle.tensor(tensor.index), tensor.scale, tensor.zero_point)
                total.add(reference.tensor(by_name[tensor.name]), found)
            task.advance()
    return [
        OpCheck(
            op.index,
            op.name,
            tensor.name,
            tensor.shape,
            float(tensor.scale),
            tensor.zero_point,
            total.result(float(tensor.scale)),
        )
        for op, tensor, total in zip(int8.ops, outputs, sums, strict=True)
    ]


def worst_first(checks: list[OpCheck]) -> list[OpCheck]:
    """By SQNR, lowest first; ops without any error last."""
    return sorted(
        checks,
        key=lambda c: math.inf if c.accumulated.sqnr_db is None else c.accumulated.sqnr_db,
    )


def write_per_op(path: Path, model: TFLiteModel, windows: int, checks: list[OpCheck]) -> None:
    """Write `per_op.json`: all ops in the model's order."""
    fields = {
        "schema_version": SCHEMA_VERSION,
        "model": model.path.name,
        "sha256": model.sha256,
        "windows": windows,
        "ops": [asdict(check) for check in checks],
    }
    path.write_text(json.dumps(fields, indent=1) + "\n", encoding="utf-8")
