"""Everything `midfuse train` does, in order, from recordings to the files of the later stages."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from midfuse.card import (
    Architecture,
    Input,
    ModelCard,
    Output,
    Training,
    Window,
    write_card,
)
from midfuse.errors import InputError
from midfuse.progress import SILENT, Progress
from trainer.augment import Drawer, Strength
from trainer.checkpoint import save_weights
from trainer.datasets import DataSet
from trainer.distil import (
    Data,
    Distillation,
    Schedule,
    distil,
    predict,
    reproducible,
    train_teacher,
)
from trainer.student import Student
from trainer.teacher import Teacher
from trainer.trees import features, train_trees
from trainer.windows import (
    Standardiser,
    Windows,
    cut,
    fit_standardiser,
    of_subjects,
    split_subjects,
    stratified,
)

CALIBRATION_WINDOWS = 512
FILES = (
    "teacher.safetensors",
    "student.safetensors",
    "student.json",
    "calibration.npz",
    "test.npz",
)


@dataclass(frozen=True)
class Recipe:
    """Every hyper-parameter, all chosen by the accuracy on validation subjects."""

    window: Window = field(default_factory=lambda: Window(length=128, hop=64))
    width: int = 32
    blocks: int = 2
    teacher: Schedule = field(default_factory=lambda: Schedule(epochs=25))
    student: Schedule = field(default_factory=lambda: Schedule(epochs=45))
    distillation: Distillation = field(default_factory=Distillation)
    strength: Strength = field(default_factory=Strength)


def train_and_save(
    dataset: DataSet,
    split: int,
    seed: int,
    out: Path,
    recipe: Recipe,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Train teacher, student and trees on one split and write the results into the folder `out`.

    Files: teacher.safetensors, student.safetensors, student.json (the model card),
    calibration.npz (about 512 standardised windows of training subjects, by input name) and
    test.npz (all windows of the held-out subjects, with `labels` and `subjects`).

    Returns what `midfuse train --json` prints.

    Raises:
        InputError: no such split, a data set that cannot be split or cut, or `out` is no folder.
    """
    subjects = split_subjects(dataset, split)
    recordings = of_subjects(dataset, subjects.train)
    standardise = fit_standardiser(cut(recordings, recipe.window))
    parts = {
        name: _standardised(cut(of_subjects(dataset, chosen), recipe.window), standardise)
        for name, chosen in asdict(subjects).items()
    }
    channels = [len(modality.channels) for modality in dataset.modalities]
    classes = len(dataset.labels)
    config: dict[str, Any] = {
        "channels": channels,
        "length": recipe.window.length,
        "classes": classes,
        "width": recipe.width,
        "blocks": recipe.blocks,
    }

    with _staged(out) as folder:
        clock = _Clock()
        reproducible(seed)
        rng = np.random.default_rng(seed)
        drawer = Drawer(recordings, recipe.window, recipe.strength)
        data = Data(drawer, standardise, parts["validation"], rng)
        teacher = Teacher(channels, recipe.window.length, classes)
        train_teacher(teacher, data, recipe.teacher, progress)
        clock.lap("teacher")
        student = Student(**config)
        distil(student, teacher, data, recipe.student, recipe.distillation, progress)
        clock.lap("student")
        with progress.task("growing the trees") as task:
            trees = train_trees(parts["train"], seed)
            task.advance()
        clock.lap("trees")

        def judged(part: Windows) -> dict[str, dict[str, float]]:
            return {
                "teacher": _scores(predict(teacher, part.inputs).argmax(1), part),
                "student_float": _scores(predict(student, part.inputs).argmax(1), part),
                "trees": _scores(trees.predict(features(part)), part),
            }

        validation, figures = judged(parts["validation"]), judged(parts["test"])
        training = Training(
            dataset=dataset.name,
            licence=dataset.licence,
            split=asdict(subjects),
            seed=seed,
            figures={name: scores["accuracy"] for name, scores in figures.items()},
        )
        save_weights(teacher, folder / "teacher.safetensors")
        save_weights(student, folder / "student.safetensors")
        card = _card(dataset, recipe.window, config, standardise, training)
        write_card(card, folder / "student.json")
        chosen = stratified(parts["train"], CALIBRATION_WINDOWS, rng)
        np.savez_compressed(
            folder / "calibration.npz",
            **{name: values[chosen] for name, values in parts["train"].inputs.items()},
        )
        test = parts["test"]
        np.savez_compressed(
            folder / "test.npz", **test.inputs, labels=test.labels, subjects=test.subjects
        )

    return {
        "dataset": dataset.name,
        "split": split,
        "seed": seed,
        "subjects": asdict(subjects),
        "windows": {name: len(part) for name, part in parts.items()},
        "figures": figures,
        "validation": validation,
        "parameters": {
            "teacher": sum(p.numel() for p in teacher.parameters()),
            "student_float": sum(p.numel() for p in student.deploy().parameters()),
        },
        "seconds": clock.seconds,
        "files": {name: str(out / name) for name in FILES},
    }


class _Clock:
    """Seconds of each stage since the one before it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = round(now - self._last, 2)
        self._last = now


@contextmanager
def _staged(out: Path) -> Iterator[Path]:
    """A folder to write into, whose files move to `out` together once all are written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".unfinished-", dir=out) as name:
            yield Path(name)
            for file in FILES:
                (Path(name) / file).replace(out / file)
    except OSError as error:
        raise InputError(
            f"--out {out}: cannot be written ({error.strerror})", "name another folder"
        ) from None


def _standardised(part: Windows, standardise: Standardiser) -> Windows:
    return Windows(standardise(part.inputs), part.labels, part.subjects)


def _scores(answers: NDArray[np.int64], part: Windows) -> dict[str, float]:
    correct = int((answers == part.labels).sum())
    return {
        "correct": correct,
        "windows": len(part),
        "accuracy": correct / len(part),
        "macro_f1": float(f1_score(part.labels, answers, average="macro")),
    }


def _card(
    dataset: DataSet,
    window: Window,
    config: dict[str, Any],
    standardise: Standardiser,
    training: Training,
) -> ModelCard:
    return ModelCard(
        name="student",
        modalities=dataset.modalities,
        window=window,
        labels=dataset.labels,
        inputs=[
            Input(
                name=modality.name,
                modality=modality.name,
                shape=[1, window.length, len(modality.channels)],
                mean=standardise.mean[modality.name].tolist(),
                std=standardise.std[modality.name].tolist(),
            )
            for modality in dataset.modalities
        ],
        outputs=[Output(name="logits", shape=[1, len(dataset.labels)])],
        architecture=Architecture(name="dmft-student", config=config),
        training=training,
    )
