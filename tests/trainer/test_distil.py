"""The lessons: the teacher's knowledge arrives, and the teacher stays as it was."""

import numpy as np
import pytest
import torch

from tests.trainer.paces import data, small_student, small_teacher
from trainer.distil import Distil, Distillation, Labels
from trainer.fit import Schedule, fit, predict, reproducible


def test_a_student_learns_from_its_teacher_without_changing_it() -> None:
    reproducible(0)
    given = data()
    teacher = small_teacher()
    fit(Labels(teacher, 0.1), given, Schedule(8, batch=16), "teacher")
    before = {name: value.clone() for name, value in teacher.state_dict().items()}

    # The student's labels say nothing, so all it gets to know comes from the teacher.
    given.drawer.labels[:] = 0
    student = small_student()
    lesson = Distil(student, teacher, Distillation(answers=4.0))
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
    inputs = tuple(map(torch.from_numpy, part.inputs.values()))
    labels = torch.from_numpy(part.labels)
    teacher = small_teacher()
    for lesson in (Labels(teacher, 0.1), Distil(small_student(), teacher, Distillation())):
        loss = lesson(inputs, labels)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = lesson(inputs, labels)
        mixed.backward()
        assert mixed.item() != loss.item()
        assert mixed.item() == pytest.approx(loss.item(), rel=0.1)
        assert all(p.grad.isfinite().all() for p in lesson.parameters() if p.grad is not None)
