"""What `midfuse run` answers."""

from typing import Literal

from midfuse.core.results.base import Part, Result


class SplitSummary(Part):
    """One subject split of a run."""

    split: int
    test_subjects: list[str]
    windows: int
    accuracy: dict[str, float]


class RunResult(Result):
    """What `midfuse run` answers, and `summary.json` holds: accuracies over all held-out windows of
    all splits, by model. Instructions are the mean over the splits, RAM and flash the largest.
    """

    schema_version: Literal[1] = 1
    dataset: str
    board: str
    accuracy: dict[str, float]
    windows: int
    differing_bytes: int
    instructions_per_inference: float | None
    ram_bytes: int | None
    flash_bytes: int | None
    seconds: dict[str, float]
    splits: list[SplitSummary]
