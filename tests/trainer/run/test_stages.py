"""What networks begin with, whichever others are trained."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.trainer import paces
from trainer.run.folder import Run
from trainer.run.recipe import Recipe, Size, Stage
from trainer.run.stages import COMPARED, Lessons, Models, teach

# Nothing is learnt at this rate: what comes out is what went in.
_STILL = Stage(epochs=1, steps=1, rate=0.0)
RECIPE = Recipe(size=Size(width=16, blocks=1), teacher=_STILL, student=_STILL, tuning=_STILL)


def taught(folder: Path, compare: tuple[str, ...], seed: int = 0) -> Models:
    given = replace(paces.data(seed), validation=None)
    dataset = paces.data_set()
    with Run.start(folder, {}) as run:
        return teach(dataset, dataset, Lessons(given, given, given), RECIPE, run, compare)


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return taught(tmp_path_factory.mktemp("run"), COMPARED)


def test_the_student_alone_begins_as_the_distilled_one(every: Models) -> None:
    assert same(every.compared["student_alone"], every.student)
    assert list(every.histories) == ["teacher-1", "teacher-2", "student", "tuning", *COMPARED]
    assert list(every.seconds) == list(every.histories)


def test_a_network_begins_alike_whichever_others_are_trained(every: Models, tmp_path: Path) -> None:
    few = taught(tmp_path / "few", ("late_fusion", "cnn"))
    assert list(few.compared) == ["cnn", "late_fusion"]
    for name, network in few.compared.items():
        assert same(network, every.compared[name])
    assert same(few.teachers, every.teachers)
    assert same(few.student, every.student)
    other = taught(tmp_path / "other", ("cnn",), seed=1)
    assert not same(other.compared["cnn"], every.compared["cnn"])
