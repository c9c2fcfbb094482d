"""What is known of an int8 model, of a fix that was tried, and when a fix is worth keeping."""

from dataclasses import dataclass

# A model that reaches both is left as it is.
HEALTHY_AGREEMENT = 0.98
HEALTHY_SQNR_DB = 20.0
# A fix is kept for a gain of one or the other, and at no loss beyond the slack: on a few hundred
# windows one or two change sides by chance.
GAIN_DB, GAIN_AGREEMENT = 1.0, 0.02
SLACK_DB, SLACK_AGREEMENT = 1.0, 0.01


@dataclass(frozen=True)
class Score:
    """An int8 model under TFLM against the float model, on the same windows.

    `sqnr_db` is that of the outputs which nine windows in ten reach, of the worst output: a window
    that holds a sensor's glitch, whose answer means nothing in float either, then counts as one
    window, however large its numbers. Class scores are compared less their mean, which decides
    nothing. `agreement`: share of windows with the same class, None where the first output is no
    row of class scores; `accuracy`: share of right classes, None without labels.
    """

    sqnr_db: float
    agreement: float | None = None
    accuracy: float | None = None

    @property
    def healthy(self) -> bool:
        agrees = self.agreement is None or self.agreement >= HEALTHY_AGREEMENT
        return agrees and self.sqnr_db >= HEALTHY_SQNR_DB


def helps(before: Score, after: Score) -> bool:
    """Whether a fix is worth keeping: it gains in one measure, and loses in none."""
    agreement = _difference(before.agreement, after.agreement)
    louder = after.sqnr_db - before.sqnr_db
    gains = louder >= GAIN_DB or agreement >= GAIN_AGREEMENT
    losses = agreement, _difference(before.accuracy, after.accuracy)
    return gains and louder >= -SLACK_DB and min(losses) >= -SLACK_AGREEMENT


def _difference(before: float | None, after: float | None) -> float:
    return 0.0 if before is None or after is None else after - before


@dataclass(frozen=True)
class FixItem:
    """One fix that was tried, what it changes, and the scores without and with it."""

    name: str
    change: str
    before: Score
    after: Score
    kept: bool
