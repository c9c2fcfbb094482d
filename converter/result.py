"""What a conversion found: the answer of `converter.convert`, for the command and the report."""

from dataclasses import dataclass
from pathlib import Path

from converter.checks.accuracy import Accuracy
from converter.checks.per_op import OpCheck
from converter.quantising.ranges import Ranges
from midfuse.card import ModelCard
from midfuse.tflite_file import TFLiteModel


@dataclass(frozen=True)
class ConversionResult:
    """What a conversion found, and the `files` it wrote.

    `float_error` is the largest absolute difference between the float `.tflite` and the model as
    it was given; `accuracy` is None without labelled test windows, `card` without a card.
    """

    name: str
    model: TFLiteModel
    float_model: TFLiteModel
    float_error: float
    ranges: Ranges
    checks: list[OpCheck]
    calibration_windows: int
    check_windows: int
    expected_windows: int
    accuracy: Accuracy | None
    card: ModelCard | None
    files: list[Path]
