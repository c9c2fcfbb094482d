"""What a conversion found: the answer of `converter.convert`, for the command and the report."""

from dataclasses import dataclass
from pathlib import Path

from converter.checks.agreement import Agreement
from converter.checks.op_check import OpCheck
from converter.fixes.score import FixItem
from converter.quantising.ranges import Ranges
from midfuse.core.card import ModelCard
from midfuse.core.tflite_file import TFLiteModel


@dataclass(frozen=True)
class ConversionResult:
    """What a conversion found, and the `files` it wrote.

    `float_error` is the largest absolute difference between the float `.tflite` and the model as
    it was given; of the ranges, `trained` came from the card and `observed` from the calibration
    windows, one that several tensors share counted once; `agreement` is on the test windows where
    there are any, else on the checked ones; `missed` has a sentence for each limit that does not
    hold; `fixes` has what was tried, None where nothing was to be; `card` is None without a card.
    """

    name: str
    model: TFLiteModel
    float_model: TFLiteModel
    float_error: float
    ranges: Ranges
    trained: int
    observed: int
    checks: list[OpCheck]
    calibration_windows: int
    check_windows: int
    agreement: Agreement
    missed: list[str]
    fixes: list[FixItem] | None
    card: ModelCard | None
    files: list[Path]
