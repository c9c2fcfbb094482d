"""Accuracy on the test windows: PyTorch float, TFLite float and int8 under TFLM side by side."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Accuracy:
    """Correct windows of `windows`, as counts, so that folds can be pooled.

    `agreement` counts the windows on which int8 and the float student name the same class.
    """

    windows: int
    student_float: int
    float_tflite: int
    student_int8_host: int
    agreement: int

    def as_json(self) -> dict[str, Any]:
        """Fractions under the names that `summary.json` uses, and the `correct` counts."""
        counts = asdict(self)
        windows = counts.pop("windows")
        return (
            {"windows": windows} | {k: v / windows for k, v in counts.items()} | {"correct": counts}
        )


def count_correct(
    labels: IntArray, student_float: IntArray, float_tflite: IntArray, int8: IntArray
) -> Accuracy:
    """Compare the classes that the three name; every array (N,)."""
    return Accuracy(
        windows=len(labels),
        student_float=int((student_float == labels).sum()),
        float_tflite=int((float_tflite == labels).sum()),
        student_int8_host=int((int8 == labels).sum()),
        agreement=int((student_float == int8).sum()),
    )
