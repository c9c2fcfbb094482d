"""What a conversion found, with the models and checks in memory; its answer for programs."""

from dataclasses import asdict, dataclass
from pathlib import Path

from converter.checks.agreement import Agreement
from converter.checks.op_check import OpCheck, Verdict, first_broken
from converter.fixes.score import FixItem
from converter.quantising.ranges import Ranges
from midfuse.core.card import ModelCard
from midfuse.core.results import (
    ConvertAgreement,
    ConvertResult,
    Fix,
    RangeCounts,
    SameClass,
)
from midfuse.core.tflite_file import TFLiteModel


@dataclass(frozen=True)
class Conversion:
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

    def result(self) -> ConvertResult:
        """What `midfuse convert` answers; the ops are in per_op.json."""
        agreement, broken = self.agreement, first_broken(self.checks)
        return ConvertResult(
            name=self.name,
            tflite=str(self.model.path),
            sha256=self.model.sha256,
            bytes=len(self.model.content),
            ops=len(self.model.ops),
            float_error=self.float_error,
            ranges=RangeCounts(trained=self.trained, observed=self.observed),
            calibration_windows=self.calibration_windows,
            check_windows=self.check_windows,
            agreement=ConvertAgreement(
                windows=agreement.windows,
                held_out=agreement.held_out,
                sqnr_db=agreement.sqnr_db,
                same_class=SameClass(
                    float_tflite=agreement.float_tflite, int8_host=agreement.int8_host
                ),
            ),
            accuracy=None if agreement.accuracy is None else agreement.accuracy.result(),
            verdicts={v.value: sum(c.verdict is v for c in self.checks) for v in Verdict},
            first_broken=None if broken is None else broken.index,
            missed=self.missed,
            fixes=None if self.fixes is None else [Fix(**asdict(item)) for item in self.fixes],
            card=self.card is not None,
            files=[str(path) for path in self.files],
        )
