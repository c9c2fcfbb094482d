"""Scores int8 models on windows that had no part in making them."""

import numpy as np
import numpy.typing as npt

from converter.checks.agreement import names_classes
from converter.checks.equality import run_all
from converter.checks.per_op import quantise_inputs
from converter.fixes.score import Score
from converter.lowering.float_model import FloatModel
from converter.reading.windows import FloatArray, Windows
from midfuse.core.numeric import dequantise
from midfuse.core.oracle import run_windows
from midfuse.core.scores import classes
from midfuse.core.tflite_file import TFLiteModel

FloatArray64 = npt.NDArray[np.float64]

# An output without any error counts as this.
_MOST_DB = 100.0


class Judge:
    """Scores int8 models on `windows` against the float model's answers."""

    def __init__(self, model: TFLiteModel, windows: Windows) -> None:
        self._windows = windows
        self._classifies = names_classes(model.tensors[model.outputs[0]].shape)
        self._expected = run_all(FloatModel(model), windows)

    def score(self, int8: TFLiteModel) -> Score:
        """Run all windows under TFLM."""
        codes = run_windows(int8, quantise_inputs(int8, self._windows.inputs))
        found = []
        for index, values in zip(int8.outputs, codes, strict=True):
            tensor = int8.tensors[index]
            found.append(dequantise(values, tensor.scale, tensor.zero_point))
        signal, error = signal_and_error(self._expected, found, self._classifies)
        floor = np.finfo(np.float64).tiny
        ratios = np.minimum(10 * np.log10((signal + floor) / (error + floor)), _MOST_DB)
        sqnr = float(np.quantile(ratios, 0.1, axis=1).min())
        if not self._classifies:
            return Score(sqnr)
        answers = classes(found[0])
        labels = self._windows.labels
        return Score(
            sqnr,
            float(np.mean(answers == classes(self._expected[0]))),
            None if labels is None else float(np.mean(answers == labels)),
        )


def signal_and_error(
    expected: list[FloatArray], found: list[FloatArray], class_scores: bool
) -> tuple[FloatArray64, FloatArray64]:
    """Sums of squares (outputs, windows) of the expected outputs, and of what `found` is off by.

    Outputs are (windows, …); the first, where it holds class scores, counts less its mean.
    """
    signal, error = [], []
    for position, (a, b) in enumerate(zip(expected, found, strict=True)):
        pair = [values.reshape(len(values), -1).astype(np.float64) for values in (a, b)]
        if class_scores and position == 0:
            pair = [values - values.mean(axis=1, keepdims=True) for values in pair]
        signal.append(np.square(pair[0]).sum(axis=1))
        error.append(np.square(pair[0] - pair[1]).sum(axis=1))
    return np.stack(signal), np.stack(error)
