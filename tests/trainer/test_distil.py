"""Training: repeatable, and the teacher's knowledge arrives."""

import numpy as np
import pytest
import torch

from midfuse.card import Window
from trainer.augment import Drawer, Strength
from trainer.datasets import DataSet, load_dataset
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
from trainer.windows import Windows, cut, fit_standardiser, of_subjects

WINDOW = Window(length=128, hop=64)
CONFIG = {"channels": [3, 3], "length": 128, "classes": 7, "width": 16, "blocks": 1}


@pytest.fixture(scope="module")
def watch() -> DataSet:
    return load_dataset("seglearn-watch")


def data(watch: DataSet, seed: int) -> Data:
    recordings = of_subjects(watch, [6])
    standardise = fit_standardiser(cut(recordings, WINDOW))
    shown = cut(of_subjects(watch, [3]), WINDOW)
    shown = Windows(standardise(shown.inputs), shown.labels, shown.subjects)
    drawer = Drawer(recordings, WINDOW, Strength())
    return Data(drawer, standardise, shown, np.random.default_rng(seed))


def both(watch: DataSet, seed: int) -> tuple[Teacher, Student]:
    reproducible(seed)
    given = data(watch, seed)
    teacher = Teacher([3, 3], 128, 7, width=16, blocks=1)
    train_teacher(teacher, given, Schedule(2))
    student = Student(**CONFIG)  # type: ignore[arg-type]
    distil(student, teacher, given, Schedule(2), Distillation())
    return teacher, student


def test_the_same_seed_gives_the_same_weights(watch: DataSet) -> None:
    first, again, other = both(watch, 0), both(watch, 0), both(watch, 1)
    for model, same, different in zip(first, again, other, strict=True):
        for name, value in model.state_dict().items():
            assert torch.equal(value, same.state_dict()[name]), name
        assert any(
            not torch.equal(value, different.state_dict()[name])
            for name, value in model.state_dict().items()
        )


def test_a_student_learns_from_its_teacher_without_changing_it(watch: DataSet) -> None:
    reproducible(0)
    given = data(watch, 0)
    teacher = Teacher([3, 3], 128, 7, width=16, blocks=1)
    train_teacher(teacher, given, Schedule(6, batch=16))
    before = {name: value.clone() for name, value in teacher.state_dict().items()}

    # The student's labels say nothing, so all it gets to know comes from the teacher.
    given.drawer.labels[:] = 0
    student = Student(**CONFIG)  # type: ignore[arg-type]
    distil(student, teacher, given, Schedule(8, batch=16), Distillation(answers=4.0))
    learnt = predict(student, given.validation.inputs).argmax(1)
    taught = predict(teacher, given.validation.inputs).argmax(1)
    most_frequent = np.bincount(taught).max() / len(taught)
    assert (learnt == taught).mean() > most_frequent + 0.2
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, before[name]), name
