"""Everything one training does, in order, from recordings to the files of the later stages."""

import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from torch import nn

from midfuse.core.card import Training, write_card
from midfuse.core.errors import InputError
from midfuse.core.progress import SILENT, Progress
from trainer.data.datasets import DataSet
from trainer.data.protocols import Split
from trainer.data.windows import (
    Standardiser,
    Windows,
    cut,
    fit_standardiser,
    of_subjects,
    stratified,
)
from trainer.learn.augment import Drawer
from trainer.learn.grids import Ranges, trained_ranges
from trainer.learn.lesson import Data
from trainer.models.baselines import BASELINES
from trainer.models.macs import network_macs
from trainer.models.segments import SEGMENT
from trainer.models.trees import features, train_trees
from trainer.run import ranks
from trainer.run.cards import student_card
from trainer.run.checkpoint import save_weights
from trainer.run.figures import Scores, score
from trainer.run.fit import predict
from trainer.run.folder import Run
from trainer.run.plots import draw_confusion, draw_curves
from trainer.run.recipe import Recipe
from trainer.run.stages import ALONE, Lessons, shape_of, teach

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
# Beside them where the student is compared: as distilled, without trained ranges.
UNTUNED = ("untuned/student.safetensors", "untuned/student.json")
# "mid_fusion" is one of the teachers by itself.
MODELS = ("trees", *BASELINES, "mid_fusion", "teacher", ALONE, "student_float", "student_tuned")


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    `figures` (of the test subjects) and `validation` are by model, in the order of `MODELS`;
    `parameters` and `macs` (multiply-accumulates of one window) by network: the students are one,
    "student". `files` are by their names in the folder.
    """

    subjects: Split
    windows: dict[str, int]
    figures: dict[str, Scores]
    validation: dict[str, Scores]
    parameters: dict[str, int]
    macs: dict[str, int]
    seconds: dict[str, float]
    files: dict[str, Path]

    def as_json(self, labels: list[str]) -> dict[str, Any]:
        """What figures.json holds."""
        return {
            "subjects": asdict(self.subjects),
            "windows": self.windows,
            "figures": {name: s.as_json(labels) for name, s in self.figures.items()},
            "validation": {name: s.as_json(labels) for name, s in self.validation.items()},
            "parameters": self.parameters,
            "macs": self.macs,
            "seconds": self.seconds,
            "files": {name: str(path) for name, path in self.files.items()},
        }


def train(
    dataset: DataSet,
    modalities: list[str],
    subjects: Split,
    seed: int,
    out: Path,
    recipe: Recipe,
    run: Run,
    compare: Collection[str] = (),
    progress: Progress = SILENT,
) -> Trained | None:
    """Train on one split and write the results into the folder `out`.

    The teacher sees all modalities of the data set, everything else those named. `compare` names
    some of `trainer.run.stages.COMPARED`.

    Files: teacher.safetensors, student.safetensors, student.json (the model card),
    calibration.npz (about 512 standardised windows of training subjects, by input name),
    test.npz (all windows of the held-out subjects, with `labels` and `subjects`), figures.json,
    curves.png (of all stages), confusion.png (of the tuned student on the test windows); and if
    anything is compared untuned/student.safetensors and .json, the student as distilled, for which
    the converter finds the ranges.

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

    drawer, own_drawer = (
        Drawer(recordings, of.modalities, of.window, standardise, recipe.strength)
        for of in (dataset, own)
    )
    lessons = Lessons(
        teacher=Data(drawer, seen.get("validation"), seed),
        student=Data(drawer, parts.get("validation"), seed),
        own=Data(own_drawer, parts.get("validation"), seed),
    )
    models = teach(dataset, own, lessons, recipe, run, compare, progress)
    if ranks.rank() != 0:
        return None
    began = time.perf_counter()
    with progress.task("growing the trees") as task:
        trees = train_trees(parts["train"], seed)
        task.advance()
    seconds = models.seconds | {"trees": round(time.perf_counter() - began, 2)}

    def judged(name: str) -> dict[str, Scores]:
        part = parts[name]
        answers = {
            "trees": trees.predict(features(part)),
            "mid_fusion": predict(models.teachers.first, seen[name].inputs).argmax(1),
            "teacher": predict(models.teachers, seen[name].inputs).argmax(1),
            "student_float": predict(models.student, part.inputs).argmax(1),
            "student_tuned": predict(models.tuned, part.inputs).argmax(1),
        } | {
            model: predict(network, part.inputs).argmax(1)
            for model, network in models.compared.items()
        }
        classes = len(dataset.labels)
        return {model: score(answers[model], part, classes) for model in MODELS if model in answers}

    networks: dict[str, nn.Module] = {
        name: network for name, network in models.compared.items() if name != ALONE
    } | {
        "mid_fusion": models.teachers.first,
        "teacher": models.teachers,
        "student": models.student.deploy(),
    }
    sensed = dict.fromkeys(networks, own) | dict.fromkeys(("mid_fusion", "teacher"), dataset)
    trained = Trained(
        subjects=subjects,
        windows={name: len(part) for name, part in parts.items()},
        figures=judged("test"),
        validation=judged("validation") if "validation" in parts else {},
        parameters={name: _parameters(network) for name, network in networks.items()},
        macs={
            name: network_macs(network, *shape_of(sensed[name])[:2])
            for name, network in networks.items()
        },
        seconds=seconds,
        files={name: out / name for name in (*FILES, *(UNTUNED if compare else ()))},
    )
    training = Training(
        dataset=dataset.name,
        licence=dataset.about.licence,
        split=asdict(subjects),
        seed=seed,
        figures={name: scores.accuracy for name, scores in trained.figures.items()},
    )

    def save_student(student: nn.Module, ranges: Ranges, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        save_weights(student, folder / "student.safetensors")
        card = student_card(own, recipe.size, standardise, ranges, training)
        write_card(card, folder / "student.json")

    with _staged(out, run.unfinished, trained.files) as folder:
        save_weights(models.teachers, folder / "teacher.safetensors")
        save_student(models.tuned, trained_ranges(models.tuned), folder)
        if compare:
            save_student(models.student.fold(), {}, folder / "untuned")
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


def _parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@contextmanager
def _staged(out: Path, unfinished: Path, files: Mapping[str, Path]) -> Iterator[Path]:
    """A folder to write `files` into, which move to where they belong once all are written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        unfinished.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=unfinished) as name:
            yield Path(name)
            for file, path in files.items():
                path.parent.mkdir(exist_ok=True)
                (Path(name) / file).replace(path)
    except OSError as error:
        raise InputError(
            f"--out {out}: cannot be written ({error.strerror})", "name another folder"
        ) from None


def _standardised(part: Windows, standardise: Standardiser) -> Windows:
    return Windows(standardise(part.inputs), part.labels, part.subjects)
