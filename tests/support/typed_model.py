"""A model whose inputs and outputs are of every type that a board can have."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from midfuse.core.tflite_file import TFLiteModel, parse_tflite
from tests.support.tflite_builder import TFLiteBuilder, schema

CLASSES = 7


def typed_model(path: Path) -> TFLiteModel:
    """Inputs float32 (1, 7), int16 (1, 7), int8 (1, 7), int32 (3,); outputs int32 (1,), the class
    of the sum of the first three, its scores as float32 and as int16, and those at the positions
    that the last input names. Written to `path`.
    """
    b = TFLiteBuilder()
    shape, step, wide = (1, CLASSES), float(np.float32(0.05)), float(np.float32(0.001))
    real = b.input(shape, None, 0, dtype="float32")
    fine = b.input(shape, wide, 0, dtype="int16")
    coarse = b.input(shape, step, 3)
    positions = b.input((3,), None, 0, dtype="int32")
    parts = [b.tensor(shape, step, 3), b.tensor(shape, step, 3)]
    b.op("QUANTIZE", [real], parts[0])
    b.op("QUANTIZE", [fine], parts[1])
    options = schema.AddOptionsT()
    sums = [b.tensor(shape, 2 * step, -5), b.tensor(shape, 3 * step, 7)]
    b.op("ADD", [*parts], sums[0], options)
    b.op("ADD", [sums[0], coarse], sums[1], options)
    found, scores = b.tensor((1,), dtype="int32"), b.tensor(shape, dtype="float32")
    largest, gather = schema.ArgMaxOptionsT(), schema.GatherOptionsT()
    largest.outputType, gather.axis = schema.TensorType.INT32, 1
    b.op("ARG_MAX", [sums[1], b.numbers([1])], found, largest)
    b.op("DEQUANTIZE", [sums[1]], scores)
    wide_scores, chosen = b.tensor(shape, wide, 0, dtype="int16"), b.tensor((1, 3), 3 * step, 7)
    b.op("QUANTIZE", [sums[1]], wide_scores)
    b.op("GATHER", [sums[1], positions], chosen, gather)
    b.outputs = [found, scores, wide_scores, chosen]
    path.write_bytes(b.content())
    return parse_tflite(b.content(), path)


def typed_windows(count: int) -> list[npt.NDArray[Any]]:
    """Random inputs for it, every position in range."""
    rng = np.random.default_rng(5)
    return [
        rng.normal(0, 3, (count, 1, CLASSES)).astype(np.float32),
        rng.integers(-32768, 32768, (count, 1, CLASSES)).astype(np.int16),
        rng.integers(-128, 128, (count, 1, CLASSES)).astype(np.int8),
        rng.integers(0, CLASSES, (count, 3)).astype(np.int32),
    ]
