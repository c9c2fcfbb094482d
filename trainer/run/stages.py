"""The stages of a training, one after the other; each teaches one network, or teaches it on.

The teachers learn from the labels, the student from labels and teachers, and is tuned for int8.
Then, if asked for, come networks to compare them with. They learn from the labels, on the student's
sensors and on the schedule of what they are compared with: fusion elsewhere on a teacher's, and
the student alone, which begins with the distilled student's very weights, on the student's. None
of them changes what the first stages give.
"""

import copy
import time
import zlib
from collections.abc import Collection
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from torch import nn

from midfuse.core.progress import SILENT, Progress
from trainer.data.datasets import DataSet
from trainer.learn.distil import Distil, Labels
from trainer.learn.grids import put_on_grids
from trainer.learn.lesson import Data
from trainer.learn.tune import Imitate, observed_ranges
from trainer.models.baselines import BASELINES, baseline
from trainer.models.student import Student
from trainer.models.teacher import Teacher, Teachers
from trainer.run.fit import History, Schedule, fit, reproducible
from trainer.run.folder import Run
from trainer.run.recipe import Recipe

ALONE = "student_alone"
COMPARED = (*BASELINES, ALONE)


@dataclass(frozen=True)
class Lessons:
    """What stages draw and are validated on.

    `teacher` with all modalities; `student` draws all and is validated on its own, `own` has its
    own alone.
    """

    teacher: Data
    student: Data
    own: Data


@dataclass(frozen=True)
class Models:
    """Networks on the CPU: the student as distilled, and tuned for int8; `compared` by name.

    How each learnt, and the seconds it took, by stage.
    """

    teachers: Teachers
    student: Student
    tuned: Student
    compared: dict[str, nn.Module]
    histories: dict[str, History]
    seconds: dict[str, float]


def teach(
    dataset: DataSet,
    own: DataSet,
    lessons: Lessons,
    recipe: Recipe,
    run: Run,
    compare: Collection[str] = (),
    progress: Progress = SILENT,
) -> Models:
    """All stages; `own` has the student's modalities alone, `compare` names some of `COMPARED`.

    Raises:
        InputError, CheckFailed: as `fit`.
    """
    seed = lessons.teacher.seed
    reproducible(seed)
    windows = len(lessons.teacher.drawer)
    taught = _Taught()

    teachers = new_teachers(dataset, recipe.teachers)
    schedule = recipe.teacher.schedule(windows)
    for number, teacher in enumerate(teachers.members, 1):
        lesson = Labels(teacher, recipe.smoothing)
        stage = f"teacher-{number}"
        taught.add(stage, fit(lesson, lessons.teacher, schedule, stage, run, progress))

    student = Student(*shape_of(own), **asdict(recipe.size))
    alone = copy.deepcopy(student)
    sees = [at for at, modality in enumerate(dataset.modalities) if modality in own.modalities]
    distil = Distil(student, teachers, recipe.distillation, sees)
    schedule = recipe.student.schedule(windows)
    taught.add("student", fit(distil, lessons.student, schedule, "student", run, progress))

    tuned, history = tune(student, lessons.own, recipe.tuning.schedule(windows), run, progress)
    taught.add("tuning", history)

    compared: dict[str, nn.Module] = {}
    for name in (name for name in COMPARED if name in compare):
        if name == ALONE:
            compared[name] = alone
            lesson = Labels(alone, recipe.distillation.smoothing)
            schedule = recipe.student.schedule(windows)
        else:
            torch.manual_seed(_seed(seed, name))
            compared[name] = baseline(name, *shape_of(own), _joints(own))
            lesson = Labels(compared[name], recipe.smoothing)
            schedule = recipe.teacher.schedule(windows)
        taught.add(name, fit(lesson, lessons.own, schedule, name, run, progress))
        compared[name].cpu()
    return Models(
        teachers.cpu(), student.cpu(), tuned.cpu(), compared, taught.histories, taught.seconds
    )


def tune(
    student: Student,
    data: Data,
    schedule: Schedule,
    run: Run | None = None,
    progress: Progress = SILENT,
) -> tuple[Student, History]:
    """A folded copy of a trained student that learnt to compute on its grids, which are on.

    Raises:
        InputError, CheckFailed: as `fit`.
    """
    tuned = student.fold().cpu()
    # What is imitated has none either.
    tuned.dropout.p = 0.0
    put_on_grids(tuned, observed_ranges(tuned, data))
    history = fit(Imitate(tuned, student), data, schedule, "tuning", run, progress)
    return tuned, history


def new_teachers(dataset: DataSet, count: int) -> Teachers:
    """So many untrained teachers, which see all modalities of a data set."""
    return Teachers(Teacher(*shape_of(dataset), _joints(dataset)) for _ in range(count))


def shape_of(dataset: DataSet) -> tuple[list[int], int, int]:
    """Channels of each input, samples of a window, classes."""
    channels = [len(modality.channels) for modality in dataset.modalities]
    return channels, dataset.window.length, len(dataset.labels)


@dataclass
class _Taught:
    """Histories of the stages, and the seconds of each since the one before it."""

    histories: dict[str, History] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def add(self, stage: str, history: History) -> None:
        now = time.perf_counter()
        self.histories[stage] = history
        self.seconds[stage] = round(now - self._last, 2)
        self._last = now


def _joints(dataset: DataSet) -> list[int]:
    return [modality.joints for modality in dataset.modalities]


def _seed(seed: int, name: str) -> int:
    """For a network's first weights, whichever others were trained before it."""
    sequence = np.random.SeedSequence([seed, zlib.crc32(name.encode())])
    return int(sequence.generate_state(1, np.uint64)[0])
