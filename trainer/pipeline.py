"""Everything one training does, in order, from recordings to the files of the later stages."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from torch import nn

from midfuse.card import Architecture, Input, ModelCard, Output, Training, write_card
from midfuse.errors import InputError
from midfuse.progress import SILENT, Progress
from trainer import ranks
from trainer.augment import Drawer
from trainer.checkpoint import save_weights
from trainer.datasets import DataSet
from trainer.distil import Distil, Labels
from trainer.figures import Scores, score
from trainer.fit import Data, History, fit, predict, reproducible
from trainer.grids import trained_ranges
from trainer.plots import draw_confusion, draw_curves
from trainer.protocols import Split
from trainer.recipe import Recipe
from trainer.run_folder import Run
from trainer.segments import SEGMENT
from trainer.student import Student
from trainer.teacher import Teacher
from trainer.trees import features, train_trees
from trainer.tune import tune
from trainer.windows import (
    Standardiser,
    Windows,
    cut,
    fit_standardiser,
    of_subjects,
    stratified,
)

CALIBRATION_WINDOWS = 512
FILES = (
    "teacher.safetensors",
    "student.safetensors",
    "student.json",
    "calibration.npz",
    "test.npz",
    "figures.json",
    "curves.png",
    "confusion.png",
)


@dataclass(frozen=True)
class Trained:
    """What came of a training; `figures` (of the test subjects) and `validation` by model."""

    subjects: Split
    windows: dict[str, int]
    figures: dict[str, Scores]
    validation: dict[str, Scores]
    parameters: dict[str, int]
    seconds: dict[str, float]
    files: list[Path]

    def as_json(self, labels: list[str]) -> dict[str, Any]:
        """What figures.json holds."""
        return {
            "subjects": asdict(self.subjects),
            "windows": self.windows,
            "figures": {name: s.as_json(labels) for name, s in self.figures.items()},
            "validation": {name: s.as_json(labels) for name, s in self.validation.items()},
            "parameters": self.parameters,
            "seconds": self.seconds,
            "files": {path.name: str(path) for path in self.files},
        }


@dataclass(frozen=True)
class Models:
    """The teacher, the student as distilled, and tuned for int8; how each learnt, by stage."""

    teacher: Teacher
    student: Student
    tuned: Student
    histories: dict[str, History]


def train(
    dataset: DataSet,
    modalities: list[str],
    subjects: Split,
    seed: int,
    out: Path,
    recipe: Recipe,
    run: Run,
    progress: Progress = SILENT,
) -> Trained | None:
    """Train on one split and write the results into the folder `out`.

    The teacher sees all modalities of the data set, the student and the trees those named.
    Files: teacher.safetensors, student.safetensors, student.json (the model card),
    calibration.npz (about 512 standardised windows of training subjects, by input name),
    test.npz (all windows of the held-out subjects, with `labels` and `subjects`), figures.json,
    curves.png (of all stages), confusion.png (of the tuned student on the test windows).

    None is what all processes of `torchrun` but the first return.

    Raises:
        InputError: windows shorter than a segment, a data set that cannot be cut, or `out` is
            no folder.
    """
    if dataset.window.length < SEGMENT:
        raise InputError(
            f"data set {dataset.name}: a window of {dataset.window.length} samples is shorter than"
            " a segment",
            f"take {SEGMENT} or more",
        )
    recordings = of_subjects(dataset, subjects.train)
    standardise = fit_standardiser(cut(recordings, dataset.window))
    seen = {
        name: _standardised(cut(of_subjects(dataset, chosen), dataset.window), standardise)
        for name, chosen in asdict(subjects).items()
        if chosen
    }
    parts = {name: part.only(modalities) for name, part in seen.items()}
    own = dataset.only(modalities)

    def data(of: DataSet, validation: Windows | None) -> Data:
        drawer = Drawer(recordings, of.modalities, of.window, standardise, recipe.strength)
        return Data(drawer, validation, seed)

    lessons = _Lessons(
        teacher=data(dataset, seen.get("validation")),
        student=data(dataset, parts.get("validation")),
        tuning=data(own, parts.get("validation")),
    )
    clock = _Clock()
    models = _teach(dataset, own, lessons, recipe, run, clock, progress)
    if ranks.rank() != 0:
        return None
    with progress.task("growing the trees") as task:
        trees = train_trees(parts["train"], seed)
        task.advance()
    clock.lap("trees")

    def judged(name: str) -> dict[str, Scores]:
        part = parts[name]
        answers = {
            "trees": trees.predict(features(part)),
            "teacher": predict(models.teacher, seen[name].inputs).argmax(1),
            "student_float": predict(models.student, part.inputs).argmax(1),
            "student_tuned": predict(models.tuned, part.inputs).argmax(1),
        }
        classes = len(dataset.labels)
        return {name: score(found, part, classes) for name, found in answers.items()}

    trained = Trained(
        subjects=subjects,
        windows={name: len(part) for name, part in parts.items()},
        figures=judged("test"),
        validation=judged("validation") if "validation" in parts else {},
        parameters={
            "teacher": _parameters(models.teacher),
            "student": _parameters(models.student.deploy()),
        },
        seconds=clock.seconds,
        files=[out / name for name in FILES],
    )
    training = Training(
        dataset=dataset.name,
        licence=dataset.about.licence,
        split=asdict(subjects),
        seed=seed,
        figures={name: scores.accuracy for name, scores in trained.figures.items()},
    )
    with _staged(out, run.unfinished) as folder:
        save_weights(models.teacher, folder / "teacher.safetensors")
        save_weights(models.tuned, folder / "student.safetensors")
        card = _card(own, recipe, standardise, models.tuned, training)
        write_card(card, folder / "student.json")
        chosen = stratified(parts["train"], CALIBRATION_WINDOWS, np.random.default_rng(seed))
        np.savez_compressed(
            folder / "calibration.npz",
            **{name: values[chosen] for name, values in parts["train"].inputs.items()},
        )
        test = parts["test"]
        np.savez_compressed(
            folder / "test.npz", **test.inputs, labels=test.labels, subjects=test.subjects
        )
        figures = json.dumps(trained.as_json(dataset.labels), indent=2)
        (folder / "figures.json").write_text(figures + "\n")
        draw_curves(models.histories, folder / "curves.png")
        confusion = trained.figures["student_tuned"].confusion
        title = f"{dataset.name}: tuned student, {len(test)} windows of held-out subjects"
        draw_confusion(confusion, dataset.labels, title, folder / "confusion.png")
    return trained


@dataclass(frozen=True)
class _Lessons:
    """What each stage draws, with all modalities or the student's, and is validated on."""

    teacher: Data
    student: Data
    tuning: Data


def _teach(
    dataset: DataSet,
    own: DataSet,
    lessons: _Lessons,
    recipe: Recipe,
    run: Run,
    clock: "_Clock",
    progress: Progress,
) -> Models:
    """The three stages, one after the other; `own` has the student's modalities alone."""
    reproducible(lessons.teacher.seed)
    windows = len(lessons.teacher.drawer)
    teacher = Teacher(*_shape(dataset), [modality.joints for modality in dataset.modalities])
    lesson = Labels(teacher, recipe.smoothing)
    schedule = recipe.teacher.schedule(windows)
    histories = {"teacher": fit(lesson, lessons.teacher, schedule, "teacher", run, progress)}
    clock.lap("teacher")
    student = Student(*_shape(own), **asdict(recipe.size))
    sees = [at for at, modality in enumerate(dataset.modalities) if modality in own.modalities]
    distil = Distil(student, teacher, recipe.distillation, sees)
    schedule = recipe.student.schedule(windows)
    histories["student"] = fit(distil, lessons.student, schedule, "student", run, progress)
    clock.lap("student")
    schedule = recipe.tuning.schedule(windows)
    tuned, histories["tuning"] = tune(student, lessons.tuning, schedule, run, progress)
    clock.lap("tuning")
    return Models(teacher.cpu(), student.cpu(), tuned.cpu(), histories)


def _shape(dataset: DataSet) -> tuple[list[int], int, int]:
    """Channels of each input, samples of a window, classes."""
    channels = [len(modality.channels) for modality in dataset.modalities]
    return channels, dataset.window.length, len(dataset.labels)


def _parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


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
def _staged(out: Path, unfinished: Path) -> Iterator[Path]:
    """A folder to write into, whose files move to `out` together once all are written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        unfinished.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=unfinished) as name:
            yield Path(name)
            for file in FILES:
                (Path(name) / file).replace(out / file)
    except OSError as error:
        raise InputError(
            f"--out {out}: cannot be written ({error.strerror})", "name another folder"
        ) from None


def _standardised(part: Windows, standardise: Standardiser) -> Windows:
    return Windows(standardise(part.inputs), part.labels, part.subjects)


def _card(
    dataset: DataSet,
    recipe: Recipe,
    standardise: Standardiser,
    tuned: Student,
    training: Training,
) -> ModelCard:
    channels, length, classes = _shape(dataset)
    config = {"channels": channels, "length": length, "classes": classes, "folded": True}
    return ModelCard(
        name="student",
        modalities=dataset.modalities,
        window=dataset.window,
        labels=dataset.labels,
        inputs=[
            Input(
                name=modality.name,
                modality=modality.name,
                shape=[1, dataset.window.length, len(modality.channels)],
                mean=standardise.mean[modality.name].tolist(),
                std=standardise.std[modality.name].tolist(),
            )
            for modality in dataset.modalities
        ],
        outputs=[Output(name="logits", shape=[1, len(dataset.labels)])],
        architecture=Architecture(name="dmft-student", config=config | asdict(recipe.size)),
        trained_ranges=trained_ranges(tuned),
        training=training,
    )
