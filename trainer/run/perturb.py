"""A training's test windows under every condition that a worn device may meet, and the answers.

Teacher and student are judged here, in float; the windows are written for what runs elsewhere, an
int8 model on a board.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from midfuse.core.card import ModelCard, read_card
from midfuse.core.errors import InputError
from midfuse.core.files import publish, write_model, write_npz
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import PerturbedCondition, PerturbedFigures, PerturbResult
from midfuse.core.scores import classes
from trainer.data.datasets import DataSet
from trainer.data.perturbations import Condition, conditions, perturbed
from trainer.data.windows import Standardiser, Windows, cut, fit_standardiser, of_subjects
from trainer.models.teacher import Teachers
from trainer.run.checkpoint import load_student, load_weights
from trainer.run.figures import Scores, score
from trainer.run.fit import predict, reproducible
from trainer.run.folder import completed_config, fingerprint
from trainer.run.recipe import Recipe
from trainer.run.stages import new_teachers
from trainer.run.study import plan_of, planned_dataset

FILES = ("perturbed.npz", "perturbed.json")
# What `midfuse evaluate` reads is at most 256 MiB.
MOST_BYTES = 240 << 20


@dataclass(frozen=True)
class Judged:
    """The test windows of one condition: the scores of each model on them."""

    condition: Condition
    scores: dict[str, Scores]


@dataclass(frozen=True)
class Perturbed:
    """All conditions, untouched first; each has the same `windows` windows, in the same order."""

    card: ModelCard
    windows: int
    conditions: list[Judged]
    files: list[Path]

    def result(self) -> PerturbResult:
        """What perturbed.json holds; `first` is where a condition's windows begin."""
        return PerturbResult(
            dataset=self.card.training.dataset,
            subjects=self.card.training.split["test"],
            seed=self.card.training.seed,
            windows=self.windows,
            conditions=[
                PerturbedCondition(
                    **asdict(judged.condition),
                    first=at * self.windows,
                    windows=self.windows,
                    figures={
                        model: PerturbedFigures(
                            correct=scores.correct,
                            accuracy=scores.accuracy,
                            macro_f1=scores.macro_f1,
                            confusion=scores.confusion.tolist(),
                        )
                        for model, scores in judged.scores.items()
                    },
                )
                for at, judged in enumerate(self.conditions)
            ],
        )


def perturb(
    folder: Path, out: Path, data: Path | None = None, progress: Progress = SILENT
) -> Perturbed:
    """Perturb the test windows of the training in `folder`, judge its models, write into `out`.

    Files: perturbed.npz (standardised windows, an array (N, T, C) a model input, `labels` and
    `subjects`; the conditions one after the other), perturbed.json (the conditions in order, and
    the figures). The student is the tuned one in float, so that int8 differs from it by its
    arithmetic alone. What the teacher alone sees is not worn, and stays as it is. Draws are of the
    training's seed. Of more windows than fit MOST_BYTES, evenly spaced ones are taken. `data` is
    where the recordings lie now, if they were moved.

    Raises:
        InputError: no complete training there, other recordings than it was trained on, files of
            another training among its own, or `out` cannot be written.
    """
    card, dataset = _opened(folder, data, progress)
    seed, split = card.training.seed, card.training.split
    reproducible(seed)
    teachers, student = _teachers(folder, dataset), load_student(folder / "student.json")
    standardise = fit_standardiser(cut(of_subjects(dataset, split["train"]), card.window))
    recordings = of_subjects(dataset, split["test"])
    worn, known = [m.name for m in card.modalities], conditions(card.modalities)
    kept = _evenly(cut(recordings, card.window).only(worn), len(known))
    parts, judged = [], []
    with progress.task("perturbing the test windows", len(known)) as task:
        for condition in known:
            given = perturbed(recordings, condition, card.modalities, standardise, seed)
            seen = _standardised(cut(given, card.window), kept, standardise)
            part = seen.only(worn)
            answers = {
                "teacher": classes(predict(teachers, seen.inputs)),
                "student_tuned_float": classes(predict(student, part.inputs)),
            }
            scores = {name: score(found, part, len(card.labels)) for name, found in answers.items()}
            parts.append(part)
            judged.append(Judged(condition, scores))
            task.advance(note=str(condition))
    result = Perturbed(card, len(kept), judged, [out / name for name in FILES])
    _write(parts, result, out)
    return result


def _opened(folder: Path, data: Path | None, progress: Progress) -> tuple[ModelCard, DataSet]:
    """The card of the training in a folder, and what it was trained on."""
    config = completed_config(folder)
    plan = plan_of(config, folder)
    if data is not None:
        plan = plan.model_copy(update={"data": str(data)})
    card = read_card(folder / "student.json")
    dataset, modalities = planned_dataset(plan, progress)
    if fingerprint(dataset) != config.get("data_sha256"):
        raise InputError(
            f"{folder}: the recordings of {plan.dataset} are not those it was trained on",
            "name the very same as `data`, or train again",
        )
    own = dataset.only(modalities)
    written = (card.modalities, card.labels, card.window)
    if written != (own.modalities, own.labels, own.window):
        raise InputError(
            f"{folder / 'student.json'}: other sensors, labels or window than this training had",
            "put its own card back, or train again",
        )
    return card, dataset


def _teachers(folder: Path, dataset: DataSet) -> Teachers:
    teachers = new_teachers(dataset, Recipe().teachers)
    load_weights(teachers, folder / "teacher.safetensors")
    return teachers


def _evenly(windows: Windows, times: int) -> npt.NDArray[np.int64]:
    """Which of the windows to keep, so that so many times these stay under MOST_BYTES."""
    each = sum(x[0].nbytes for x in windows.inputs.values())
    most = max(1, MOST_BYTES // (each * times))
    count = min(len(windows), most)
    return np.arange(count) * len(windows) // count


def _standardised(
    windows: Windows, kept: npt.NDArray[np.int64], standardise: Standardiser
) -> Windows:
    return Windows(
        standardise({name: x[kept] for name, x in windows.inputs.items()}),
        windows.labels[kept],
        windows.subjects[kept],
    )


def _write(parts: list[Windows], result: Perturbed, out: Path) -> None:
    """Both files, or none."""
    arrays = {
        entry.name: np.concatenate([part.inputs[entry.modality] for part in parts])
        for entry in result.card.inputs
    }
    arrays["labels"] = np.concatenate([part.labels for part in parts])
    arrays["subjects"] = np.concatenate([part.subjects for part in parts])
    with TemporaryDirectory() as scratch:
        write_npz(Path(scratch) / FILES[0], arrays, packed=False)
        write_model(Path(scratch) / FILES[1], result.result())
        publish(Path(scratch), out)
