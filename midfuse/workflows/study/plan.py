"""What a study was asked for, and the commands that it comes down to."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import ConvertResult, DataResult, Evaluation, TrainResult
from midfuse.workflows.study.jobs import Step, run_chains


@dataclass(frozen=True)
class Plan:
    """The options that all studies share; each is as `midfuse train` has it."""

    study: str
    dataset: str
    data: Path | None
    modalities: str | None
    teacher_modalities: str | None
    split: int
    all_splits: bool
    seeds: int
    student: str
    board: str
    out: Path
    jobs: int

    @property
    def data_set(self) -> tuple[str, ...]:
        """The options that name the recordings."""
        where = () if self.data is None else ("--data", str(self.data.resolve()))
        return ("--dataset", self.dataset, *where)

    def command(self, *more: str) -> str:
        """The line that runs the study, with options of its own."""
        line = ["midfuse", "study", self.study, "--dataset", self.dataset]
        for name, value in (
            ("data", self.data),
            ("modalities", self.modalities),
            ("teacher-modalities", self.teacher_modalities),
        ):
            if value is not None:
                line += [f"--{name}", str(value)]
        line += ["--all-splits"] if self.all_splits else ["--split", str(self.split)]
        line += ["--seeds", str(self.seeds), "--student", self.student, "--board", self.board]
        return shlex.join([*line, *more])

    def runs(self, progress: Progress = SILENT) -> list[tuple[int, int]]:
        """Split and seed of each training."""
        # Where there is no split at all, the first training says why.
        count = (self.describe(progress).splits or 1) if self.all_splits else 0
        splits = range(count) if self.all_splits else [self.split]
        return [(split, seed) for seed in range(self.seeds) for split in splits]

    def train(self, folder: Path, split: int, seed: int, *more: str) -> Step:
        """One training, on the modalities asked for."""
        command = ["train", *self.data_set]
        if self.modalities is not None:
            command += ["--modalities", self.modalities]
        if self.teacher_modalities is not None:
            command += ["--teacher-modalities", self.teacher_modalities]
        command += ["--split", str(split), "--seed", str(seed), *more]
        return Step(f"train {folder.name}", tuple(command), folder / "train", TrainResult)

    def convert(self, folder: Path, student: str = "student.safetensors", to: str = "int8") -> Step:
        """The conversion of a training's student into the folder beside it, named `to`."""
        trained = folder / "train"
        command = ("convert", str(trained / student), "--calibration")
        files = (str(trained / "calibration.npz"), "--test", str(trained / "test.npz"))
        return Step(f"convert {folder.name}", command + files, folder / to, ConvertResult)

    def evaluate(self, folder: Path, inputs: str = "int8/expected.npz") -> Step:
        """The tuned student on the board, by itself over the very bytes that TFLM saw."""
        model, windows = folder / "int8" / "student_int8.tflite", folder / inputs
        command = ("evaluate", str(model), "--board", self.board)
        on_windows = ("--inputs", str(windows), "--labels", "labels")
        return Step(f"evaluate {folder.name}", command + on_windows, folder / "board", Evaluation)

    def describe(self, progress: Progress = SILENT) -> DataResult:
        """What `midfuse data` says of the recordings."""
        where = self.data_set[2:]
        step = Step(
            "read the data set", ("data", self.dataset, *where), self.out / "data", DataResult
        )
        ((answer,),) = run_chains([[step]], 1, progress)
        assert isinstance(answer, DataResult)
        return answer
