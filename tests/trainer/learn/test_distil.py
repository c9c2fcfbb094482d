"""The lessons: the teacher's knowledge arrives, and the teacher stays as it was."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.trainer.paces import data, small_student, small_teacher
from trainer.learn.distil import Distil, Distillation, Labels
from trainer.models.student import Student
from trainer.models.teacher import Teacher, Teachers
from trainer.run.fit import Schedule, fit, predict, reproducible


def test_a_student_learns_from_its_teacher_without_changing_it() -> None:
    reproducible(0)
    given = data()
    assert given.validation is not None
    teacher = small_teacher()
    fit(Labels(teacher, 0.1), given, Schedule(8, batch=16), "teacher")
    before = {name: value.clone() for name, value in teacher.state_dict().items()}

    # The student's labels say nothing, so all it gets to know comes from the teacher.
    given.drawer.labels[:] = 0
    student = small_student()
    lesson = Distil(student, Teachers([teacher]), Distillation(answers=4.0))
    fit(lesson, given, Schedule(10, batch=16), "student")
    learnt = predict(student, given.validation.inputs).argmax(1)
    taught = predict(teacher, given.validation.inputs).argmax(1)
    most_frequent = np.bincount(taught).max() / len(taught)
    assert (learnt == taught).mean() > most_frequent + 0.2
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_both_lessons_compute_in_mixed_precision() -> None:
    """On the CPU, where autocast keeps much the same operations in float32 as on a GPU."""
    reproducible(0)
    part = data().validation
    assert part is not None
    inputs = tuple(map(torch.from_numpy, part.inputs.values()))
    labels = torch.from_numpy(part.labels)
    teacher = small_teacher()
    distil = Distil(small_student(), Teachers([teacher]), Distillation())
    for lesson in (Labels(teacher, 0.1), distil):
        loss = lesson(inputs, labels)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = lesson(inputs, labels)
        mixed.backward()
        assert mixed.item() != loss.item()
        assert mixed.item() == pytest.approx(loss.item(), rel=0.1)
        assert all(p.grad.isfinite().all() for p in lesson.parameters() if p.grad is not None)


def test_a_student_of_some_sensors_learns_from_a_teacher_of_all() -> None:
    reproducible(0)
    teacher = Teacher([3, 2], 128, 3, [0, 0], width=16, blocks=1)
    student = Student([2], 128, 3, width=16, blocks=1)
    weights = Distillation(answers=0.0, tokens=1.0)
    lesson = Distil(student, Teachers([teacher]), weights, sees=[1]).eval()
    inputs = torch.randn(5, 128, 3), torch.randn(5, 128, 2)
    labels = torch.tensor([0, 1, 2, 0, 1])
    # The gyroscope's tokens, of a teacher whose blocks saw the accelerometer too.
    wanted = functional.layer_norm(teacher.tokens(*inputs)[:, 1:], (16,))
    apart = functional.mse_loss(lesson.project(student.tokens(inputs[1])), wanted)
    answer = functional.cross_entropy(student(inputs[1]), labels, label_smoothing=weights.smoothing)
    assert lesson(inputs, labels).item() == pytest.approx((answer + apart).item(), rel=1e-5)
    lesson(inputs, labels).backward()
    assert all(weight.grad is None for weight in teacher.parameters())
