"""Limits that make a conversion a gate: exit code 1 where one does not hold."""

from dataclasses import dataclass

from converter.checks.agreement import Agreement

# The error is a third of the signal: such outputs are not the model's any more.
MIN_SQNR_DB = 10.0
MAX_ACCURACY_DROP = 2.0


@dataclass(frozen=True)
class Limits:
    """`min_sqnr_db`: of the int8 outputs against the float model's, every output.
    `max_accuracy_drop`: in points, where labels are given."""

    min_sqnr_db: float = MIN_SQNR_DB
    max_accuracy_drop: float = MAX_ACCURACY_DROP


def missed(limits: Limits, agreement: Agreement) -> list[str]:
    """A sentence for each limit that does not hold."""
    found = []
    if agreement.sqnr_db is not None and agreement.sqnr_db < limits.min_sqnr_db:
        found.append(
            f"the outputs' SQNR is {agreement.sqnr_db:.1f} dB, at least"
            f" {limits.min_sqnr_db:g} dB are asked for"
        )
    accuracy = agreement.accuracy
    if accuracy is not None and accuracy.drop > limits.max_accuracy_drop:
        found.append(
            f"int8 loses {accuracy.drop:.2f} points of accuracy, at most"
            f" {limits.max_accuracy_drop:g} are allowed"
        )
    return found
