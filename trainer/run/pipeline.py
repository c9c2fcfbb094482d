"""Everything one training does, in order, from recordings to the files of the later stages."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from torch import nn

from midfuse.core import card, results
from midfuse.core.card import write_card
from midfuse.core.errors import InputError
from midfuse.core.files import cannot_write, move_all, write_npz, write_whole
from midfuse.core.progress import SILENT, Progress
from midfuse.core.scores import classes
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
from trainer.run.stages import ALONE, Lessons, Models, shape_of, teach

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

    def result(self, labels: list[str]) -> results.TrainingFigures:
        """What figures.json holds."""
        return results.TrainingFigures(
            subjects=results.SubjectSplit(**asdict(self.subjects)),
            windows=self.windows,
            figures={name: scores.result(labels) for name, scores in self.figures.items()},
            validation={name: scores.result(labels) for name, scores in self.validation.items()},
            parameters=self.parameters,
            macs=self.macs,
            seconds=self.seconds,
            files={name: str(path) for name, path in self.files.items()},
        )


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
    prepared = _prepare(dataset, modalities, subjects, seed, recipe)
    models = teach(dataset, prepared.own, prepared.lessons, recipe, run, compare, progress)
    if ranks.rank() != 0:
        return None
    files = {name: out / name for name in (*FILES, *(UNTUNED if compare else ()))}
    trained = _judge(prepared, models, files, progress)
    _save(prepared, models, trained, recipe, out, run.unfinished)
    return trained


@dataclass(frozen=True)
class _Prepared:
    """What is learnt from: all modalities in `dataset` and `seen`, the student's in `own` and
    `parts`, whose standardised windows are by part of the split.
    """

    dataset: DataSet
    own: DataSet
    subjects: Split
    seed: int
    standardise: Standardiser
    seen: dict[str, Windows]
    parts: dict[str, Windows]
    lessons: Lessons


def _prepare(
    dataset: DataSet, modalities: list[str], subjects: Split, seed: int, recipe: Recipe
) -> _Prepared:
    """Windows of each part of the split, on the training subjects' scale, and what draws them."""
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
    return _Prepared(dataset, own, subjects, seed, standardise, seen, parts, lessons)


def _judge(
    prepared: _Prepared, models: Models, files: dict[str, Path], progress: Progress
) -> Trained:
    """Every model on the test windows, and on the validation windows if there are any."""
    began = time.perf_counter()
    with progress.task("growing the trees") as task:
        trees = train_trees(prepared.parts["train"], prepared.seed)
        task.advance()
    seconds = models.seconds | {"trees": round(time.perf_counter() - began, 2)}
    networks: dict[str, nn.Module] = {
        name: network for name, network in models.compared.items() if name != ALONE
    } | {
        "mid_fusion": models.teachers.first,
        "teacher": models.teachers,
        "student": models.student.deploy(),
    }
    sensed = dict.fromkeys(networks, prepared.own)
    sensed |= dict.fromkeys(("mid_fusion", "teacher"), prepared.dataset)
    parts = prepared.parts
    return Trained(
        subjects=prepared.subjects,
        windows={name: len(part) for name, part in parts.items()},
        figures=_scores(prepared, models, trees, "test"),
        validation=_scores(prepared, models, trees, "validation") if "validation" in parts else {},
        parameters={name: _parameters(network) for name, network in networks.items()},
        macs={
            name: network_macs(network, *shape_of(sensed[name])[:2])
            for name, network in networks.items()
        },
        seconds=seconds,
        files=files,
    )


def _scores(
    prepared: _Prepared, models: Models, trees: RandomForestClassifier, name: str
) -> dict[str, Scores]:
    """By model, on one part of the split."""
    part, seen = prepared.parts[name], prepared.seen[name]
    answers = {
        "trees": trees.predict(features(part)),
        "mid_fusion": classes(predict(models.teachers.first, seen.inputs)),
        "teacher": classes(predict(models.teachers, seen.inputs)),
        "student_float": classes(predict(models.student, part.inputs)),
        "student_tuned": classes(predict(models.tuned, part.inputs)),
    } | {
        model: classes(predict(network, part.inputs)) for model, network in models.compared.items()
    }
    count = len(prepared.dataset.labels)
    return {model: score(answers[model], part, count) for model in MODELS if model in answers}


def _save(
    prepared: _Prepared,
    models: Models,
    trained: Trained,
    recipe: Recipe,
    out: Path,
    unfinished: Path,
) -> None:
    """All files, which appear in `out` together."""
    dataset, parts = prepared.dataset, prepared.parts
    training = card.Training(
        dataset=dataset.name,
        licence=dataset.about.licence,
        split=asdict(prepared.subjects),
        seed=prepared.seed,
        figures={name: scores.accuracy for name, scores in trained.figures.items()},
    )

    def save_student(student: nn.Module, ranges: Ranges, folder: Path) -> None:
        save_weights(student, folder / "student.safetensors")
        about = student_card(prepared.own, recipe.size, prepared.standardise, ranges, training)
        write_card(about, folder / "student.json")

    with _staged(out, unfinished) as folder:
        save_weights(models.teachers, folder / "teacher.safetensors")
        save_student(models.tuned, trained_ranges(models.tuned), folder)
        if "untuned/student.json" in trained.files:
            save_student(models.student.fold(), {}, folder / "untuned")
        rng = np.random.default_rng(prepared.seed)
        chosen = stratified(parts["train"], CALIBRATION_WINDOWS, rng)
        calibration = {name: values[chosen] for name, values in parts["train"].inputs.items()}
        write_npz(folder / "calibration.npz", calibration)
        test = parts["test"]
        known = {"labels": test.labels, "subjects": test.subjects}
        write_npz(folder / "test.npz", test.inputs | known)
        figures = trained.result(dataset.labels)
        write_whole(folder / "figures.json", figures.model_dump_json(indent=2) + "\n")
        draw_curves(models.histories, folder / "curves.png")
        confusion = trained.figures["student_tuned"].confusion
        title = f"{dataset.name}: tuned student, {len(test)} windows of held-out subjects"
        draw_confusion(confusion, dataset.labels, title, folder / "confusion.png")


def _parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@contextmanager
def _staged(out: Path, unfinished: Path) -> Iterator[Path]:
    """A folder to write files into, which move into `out` once all are written."""
    try:
        unfinished.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(unfinished, error) from None
    with TemporaryDirectory(dir=unfinished) as name:
        yield Path(name)
        move_all(Path(name), out)


def _standardised(part: Windows, standardise: Standardiser) -> Windows:
    return Windows(standardise(part.inputs), part.labels, part.subjects)
