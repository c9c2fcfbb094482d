"""From recordings to predictions on a board, by calling the other commands in order.

Each stage is a command of its own in a process of its own, as a user would type it, so nothing
happens here that cannot be done by hand.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from midfuse.core.files import write_model
from midfuse.core.results import (
    ConvertResult,
    Evaluation,
    Result,
    RunResult,
    SplitSummary,
    TrainResult,
)
from midfuse.workflows.calls import call, require_board

# The models of one run, in the order of the flow, with what people call them.
MODELS = {
    "trees": "trees, hand-made features",
    "teacher": "teacher",
    "student_float": "student",
    "student_int8_host": "student int8, TFLM on host",
    "on_device": "student int8, on the board",
}

AnyResult = TypeVar("AnyResult", bound=Result)


@dataclass(frozen=True)
class Recordings:
    """What to train on: a data set, where it lies, and its modalities, with commas between."""

    dataset: str
    data: Path | None = None
    modalities: str | None = None

    @property
    def options(self) -> list[str]:
        """As `midfuse train` takes them."""
        options = ["--dataset", self.dataset]
        if self.data is not None:
            options += ["--data", str(self.data)]
        if self.modalities is not None:
            options += ["--modalities", self.modalities]
        return options


@dataclass(frozen=True)
class SplitRun:
    """One subject split of `splits`, taken through all stages; `correct` counts windows."""

    split: int
    splits: int
    test_subjects: list[str]
    windows: int
    correct: dict[str, int]
    differing_bytes: int
    instructions: float | None
    ram_bytes: int | None
    flash_bytes: int | None
    seconds: dict[str, float]


def run_stages(
    recordings: Recordings,
    board: str,
    split: int | None,
    seed: int,
    out: Path,
    announce: Callable[[str], None] = lambda _: None,
) -> RunResult:
    """Train, convert, build and evaluate one split, or all of them (None), into `out`.

    `announce` gets each command line before it runs.

    Raises:
        MidfuseError: a command failed, of the kind that its exit code says.
    """
    require_board(board)
    if split is None:
        runs = [_run_split(recordings, board, 0, seed, out / "split-0", announce)]
        for each in range(1, runs[0].splits):
            folder = out / f"split-{each}"
            runs.append(_run_split(recordings, board, each, seed, folder, announce))
    else:
        runs = [_run_split(recordings, board, split, seed, out, announce)]
    summary = summarise(recordings.dataset, board, runs)
    write_model(out / "summary.json", summary)
    return summary


def _run_split(
    recordings: Recordings,
    board: str,
    split: int,
    seed: int,
    out: Path,
    announce: Callable[[str], None],
) -> SplitRun:
    seconds: dict[str, float] = {}

    def stage(kind: type[AnyResult], *arguments: str) -> AnyResult:
        announce(f"midfuse {' '.join(arguments)}")
        started = time.monotonic()
        answer = call(kind, *arguments)
        seconds[arguments[0]] = round(time.monotonic() - started, 1)
        return answer

    train, convert, device = (str(out / name) for name in ("train", "convert", "board"))
    answer = stage(
        TrainResult, "train", *recordings.options, "--split", str(split), "--seed", str(seed),
        "--out", train,
    )  # fmt: skip
    (trained,) = answer.trainings
    converted = stage(
        ConvertResult, "convert", f"{train}/student.safetensors",
        "--calibration", f"{train}/calibration.npz", "--test", f"{train}/test.npz",
        "--out", convert,
    )  # fmt: skip
    # Builds the firmware and boots the board itself; the inputs are the very bytes that TFLM saw.
    evaluated = stage(
        Evaluation, "evaluate", converted.tflite, "--board", board,
        "--inputs", f"{convert}/expected.npz", "--labels", "labels", "--out", device,
    )  # fmt: skip
    windows, instructions = evaluated.windows, evaluated.instructions_per_inference
    assert converted.accuracy is not None
    assert evaluated.accuracy is not None
    figures = trained.figures
    return SplitRun(
        split=split,
        splits=answer.splits,
        test_subjects=trained.subjects.test,
        windows=windows,
        correct={
            **{name: figures[name].correct for name in ("trees", "teacher", "student_float")},
            "student_int8_host": converted.accuracy.correct.int8_host,
            "on_device": round(evaluated.accuracy * windows),
        },
        differing_bytes=evaluated.differing_bytes,
        instructions=None if instructions is None else instructions.mean,
        ram_bytes=evaluated.ram_bytes,
        flash_bytes=evaluated.flash_bytes,
        seconds=seconds,
    )


def summarise(dataset: str, board: str, runs: list[SplitRun]) -> RunResult:
    """The figures over all held-out windows of all splits."""
    windows = sum(each.windows for each in runs)
    counted = [each.instructions for each in runs if each.instructions is not None]
    return RunResult(
        dataset=dataset,
        board=board,
        accuracy={model: sum(each.correct[model] for each in runs) / windows for model in MODELS},
        windows=windows,
        differing_bytes=sum(each.differing_bytes for each in runs),
        instructions_per_inference=sum(counted) / len(counted) if counted else None,
        ram_bytes=max((r.ram_bytes for r in runs if r.ram_bytes is not None), default=None),
        flash_bytes=max((r.flash_bytes for r in runs if r.flash_bytes is not None), default=None),
        seconds={
            stage: round(sum(each.seconds[stage] for each in runs), 1) for stage in runs[0].seconds
        },
        splits=[
            SplitSummary(
                split=each.split,
                test_subjects=each.test_subjects,
                windows=each.windows,
                accuracy={model: each.correct[model] / each.windows for model in MODELS},
            )
            for each in runs
        ],
    )
