"""What `midfuse convert` answers."""

from typing import Literal

from midfuse.core.results.base import Part, Result


class RangeCounts(Part):
    """How many activation ranges were trained, and how many observed on calibration windows."""

    trained: int
    observed: int


class SameClass(Part):
    """Windows that got the float model's class; null where the output is no row of classes."""

    float_tflite: int | None
    int8_host: int | None


class ConvertAgreement(Part):
    """How far int8 answers what the float model answers; `sqnr_db` null without any error."""

    windows: int
    held_out: bool
    sqnr_db: float | None
    same_class: SameClass


class CorrectCounts(Part):
    """Windows classified right."""

    float_model: int
    float_tflite: int
    int8_host: int


class ConvertAccuracy(Part):
    """Accuracies on labelled windows, and the counts they come from."""

    windows: int
    float_model: float
    float_tflite: float
    int8_host: float
    correct: CorrectCounts


class FixScore(Part):
    """An int8 model against the float model."""

    sqnr_db: float
    agreement: float | None
    accuracy: float | None


class Fix(Part):
    """One fix that was tried, what it changes, and the scores without and with it."""

    name: str
    change: str
    before: FixScore
    after: FixScore
    kept: bool


class ConvertResult(Result):
    """What `midfuse convert` answers; the ops are in `per_op.json`. `verdicts` counts ops;
    `missed` has a sentence for each limit that does not hold; `fixes` is null where none was asked
    for; `bytes` is the size of the `.tflite`.
    """

    schema_version: Literal[1] = 1
    name: str
    tflite: str
    sha256: str
    bytes: int
    ops: int
    float_error: float
    ranges: RangeCounts
    calibration_windows: int
    check_windows: int
    agreement: ConvertAgreement
    accuracy: ConvertAccuracy | None
    verdicts: dict[str, int]
    first_broken: int | None
    missed: list[str]
    fixes: list[Fix] | None
    card: bool
    files: list[str]
