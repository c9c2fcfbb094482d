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

from midfuse.card import Architecture, Input, ModelCard, Output, Training, write_card
from midfuse.errors import InputError
from midfuse.progress import SILENT, Progress
from trainer.augment import Drawer
from trainer.checkpoint import save_weights
from trainer.datasets import DataSet
from trainer.distil import Distil, Labels
from trainer.figures import Scores, score
from trainer.fit import Data, fit, predict, reproducible
from trainer.protocols import Split
from trainer.recipe import Recipe
from trainer.student import Student
from trainer.teacher import Teacher
from trainer.trees import features, train_trees
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
)


@dataclass(frozen=True)
class Trained:
    """What came of a training; `figures` and `validation` by model."""

    subjects: Split
    windows: dict[str, int]
    figures: dict[str, Scores]
    validation: dict[str, Scores]
    parameters: dict[str, int]
    seconds: dict[str, float]
    files: list[Path]


def train(
    dataset: DataSet,
    subjects: Split,
    seed: int,
    out: Path,
    recipe: Recipe,
    progress: Progress = SILENT,
) -> Trained:
    """Train teacher, student and trees on one split and write the results into the folder `out`.

    Files: teacher.safetensors, student.safetensors, student.json (the model card),
    calibration.npz (about 512 standardised windows of training subjects, by input name),
    test.npz (all windows of the held-out subjects, with `labels` and `subjects`), figures.json.

    Raises:
        InputError: a data set that cannot be cut, or `out` is no folder.
    """
    recordings = of_subjects(dataset, subjects.train)
    standardise = fit_standardiser(cut(recordings, dataset.window))
    parts = {
        name: _standardised(cut(of_subjects(dataset, chosen), dataset.window), standardise)
        for name, chosen in asdict(subjects).items()
    }
    drawer = Drawer(recordings, dataset.modalities, dataset.window, standardise, recipe.strength)
    data = Data(drawer, parts["validation"], seed)
    channels = [len(modality.channels) for modality in dataset.modalities]
    config: dict[str, Any] = {
        "channels": channels,
        "length": dataset.window.length,
        "classes": len(dataset.labels),
        **asdict(recipe.size),
    }

    with _staged(out) as folder:
        clock = _Clock()
        reproducible(seed)
        joints = [modality.joints for modality in dataset.modalities]
        teacher = Teacher(channels, dataset.window.length, len(dataset.labels), joints)
        fit(Labels(teacher, recipe.smoothing), data, recipe.teacher, "teacher", progress=progress)
        clock.lap("teacher")
        student = Student(**config)
        lesson = Distil(student, teacher, recipe.distillation)
        fit(lesson, data, recipe.student, "student", progress=progress)
        clock.lap("student")
        with progress.task("growing the trees") as task:
            trees = train_trees(parts["train"], seed)
            task.advance()
        clock.lap("trees")

        def judged(part: Windows) -> dict[str, Scores]:
            answers = {
                "teacher": predict(teacher, part.inputs).argmax(1),
                "student_float": predict(student, part.inputs).argmax(1),
                "trees": trees.predict(features(part)),
            }
            classes = len(dataset.labels)
            return {name: score(found, part, classes) for name, found in answers.items()}

        validation, figures = judged(parts["validation"]), judged(parts["test"])
        training = Training(
            dataset=dataset.name,
            licence=dataset.about.licence,
            split=asdict(subjects),
            seed=seed,
            figures={name: scores.accuracy for name, scores in figures.items()},
        )
        save_weights(teacher, folder / "teacher.safetensors")
        save_weights(student, folder / "student.safetensors")
        write_card(_card(dataset, config, standardise, training), folder / "student.json")
        chosen = stratified(parts["train"], CALIBRATION_WINDOWS, np.random.default_rng(seed))
        np.savez_compressed(
            folder / "calibration.npz",
            **{name: values[chosen] for name, values in parts["train"].inputs.items()},
        )
        test = parts["test"]
        np.savez_compressed(
            folder / "test.npz", **test.inputs, labels=test.labels, subjects=test.subjects
        )
        result = Trained(
            subjects=subjects,
            windows={name: len(part) for name, part in parts.items()},
            figures=figures,
            validation=validation,
            parameters={
                "teacher": sum(p.numel() for p in teacher.parameters()),
                "student_float": sum(p.numel() for p in student.deploy().parameters()),
            },
            seconds=clock.seconds,
            files=[out / name for name in FILES],
        )
        (folder / "figures.json").write_text(json.dumps(as_json(result, dataset), indent=2) + "\n")
    return result


def as_json(trained: Trained, dataset: DataSet) -> dict[str, Any]:
    """What figures.json holds and `midfuse train --json` prints of one training."""
    return {
        "dataset": dataset.name,
        "repairs": dict(dataset.repairs),
        "subjects": asdict(trained.subjects),
        "windows": trained.windows,
        "figures": {n: s.as_json(dataset.labels) for n, s in trained.figures.items()},
        "validation": {n: s.as_json(dataset.labels) for n, s in trained.validation.items()},
        "parameters": trained.parameters,
        "seconds": trained.seconds,
        "files": {path.name: str(path) for path in trained.files},
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


def _card(
    dataset: DataSet, config: dict[str, Any], standardise: Standardiser, training: Training
) -> ModelCard:
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
        architecture=Architecture(name="dmft-student", config=config),
        training=training,
    )
