"""Three movements that differ in pace, and a training on them in seconds, as a process too.

`python -m tests.trainer.paces FOLDER [resume]` trains a small teacher and a small student in a run
folder and tunes it, keeping every epoch, and writes their weights beside it. Under
`torchrun` each process writes its own.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from midfuse.cli.console import fail
from midfuse.core.card import Modality, Window
from midfuse.core.errors import MidfuseError
from trainer.data.datasets import About, DataSet, Recording
from trainer.data.windows import Windows, cut, fit_standardiser, of_subjects
from trainer.learn.augment import Drawer, Strength
from trainer.learn.distil import Distil, Distillation, Labels
from trainer.learn.lesson import Data
from trainer.models.student import Student
from trainer.models.teacher import Teacher, Teachers
from trainer.run import folder as run_folder
from trainer.run import ranks
from trainer.run.checkpoint import save_weights
from trainer.run.fit import History, Schedule, fit, reproducible
from trainer.run.folder import Run, fingerprint
from trainer.run.stages import tune

SCHEDULE = Schedule(4, batch=16)
TUNING = Schedule(2, batch=16, rate=2e-4)


def data_set() -> DataSet:
    """Four subjects, twelve recordings of 200 samples each, two sensors."""
    rng = np.random.default_rng(1)
    seconds = np.arange(200)[:, None] / 50
    recordings = []
    for at in range(48):
        pace = (1 + at % 3) * rng.uniform(0.85, 1.15)
        wave = np.sin(2 * np.pi * pace * seconds + rng.uniform(0, 6, 3))
        signals = {"acc": wave + rng.normal(0, 0.3, (200, 3)), "gyro": wave[:, :2] * pace}
        recordings.append(
            Recording.of_one(
                at % 3, {name: x.astype(np.float32) for name, x in signals.items()}, str(at // 12)
            )
        )
    return DataSet(
        name="paces",
        about=About("Paces", "none", "none", "nowhere", "nothing"),
        modalities=[
            Modality(name="acc", channels=["x", "y", "z"], unit="g", rate_hz=50),
            Modality(name="gyro", channels=["roll", "pitch"], unit="rad/s", rate_hz=50),
        ],
        recordings=recordings,
        labels=["slow", "brisk", "fast"],
        window=Window(length=64, hop=32),
    )


def data(seed: int = 0) -> Data:
    """Subjects 0 to 2 to learn from, subject 3 to validate."""
    found = data_set()
    recordings = of_subjects(found, ["0", "1", "2"])
    standardise = fit_standardiser(cut(recordings, found.window))
    shown = cut(of_subjects(found, ["3"]), found.window)
    shown = Windows(standardise(shown.inputs), shown.labels, shown.subjects)
    drawer = Drawer(recordings, found.modalities, found.window, standardise, Strength())
    return Data(drawer, shown, seed)


def small_teacher() -> Teacher:
    return Teacher([3, 2], 64, 3, joints=[0, 0], width=16, blocks=1)


def small_student() -> Student:
    return Student([3, 2], 64, 3, width=16, blocks=1)


def config(seed: int = 0) -> dict[str, Any]:
    return {"seed": seed, "data": {"fingerprint": fingerprint(data_set())}}


def train(run: Run | None, seed: int = 0) -> tuple[dict[str, nn.Module], dict[str, History]]:
    """The three stages, one after the other: models and histories by name."""
    reproducible(seed)
    given = data(seed)
    teacher = small_teacher()
    histories = {"teacher": fit(Labels(teacher, 0.1), given, SCHEDULE, "teacher", run)}
    student = small_student()
    lesson = Distil(student, Teachers([teacher]), Distillation())
    histories["student"] = fit(lesson, given, SCHEDULE, "student", run)
    tuned, histories["tuning"] = tune(student, given, TUNING, run)
    return {"teacher": teacher, "student": student, "tuned": tuned}, histories


def main() -> int:
    folder = Path(sys.argv[1])
    run_folder.SAVE_EVERY_S = 0.0
    begin = Run.resume if sys.argv[2:] else Run.start
    try:
        with ranks.joined():
            with begin(folder, config()) as run:
                models, _ = train(run)
            for name, model in models.items():
                save_weights(model, folder / f"{name}-{ranks.rank()}.safetensors")
    except MidfuseError as error:
        return fail(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
