"""One training from recordings to files, on schedules of a single epoch."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from midfuse.card import read_card
from midfuse.oracle import read_npz
from tests.trainer.conftest import own_recordings, write_folder
from trainer.checkpoint import load_weights
from trainer.datasets import DataSet, load_dataset
from trainer.pipeline import Trained, train
from trainer.protocols import Split
from trainer.recipe import Recipe, Stage
from trainer.run_folder import Run
from trainer.teacher import Teacher

_ONE = Stage(epochs=1, steps=1)
SHORT = Recipe(teacher=_ONE, student=_ONE, tuning=_ONE)
SPLIT = Split(["1", "2", "3"], ["4"], ["5", "6"])


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    folder = tmp_path_factory.mktemp("recordings") / "own"
    return load_dataset("folder", write_folder(own_recordings(), folder))


def trained(dataset: DataSet, modalities: list[str], split: Split, out: Path) -> Trained:
    with Run.start(out, {"split": asdict(split)}) as run:
        found = train(dataset, modalities, split, 0, out, SHORT, run)
    assert found is not None
    return found


def test_validation_subjects_are_judged_and_do_not_train(own: DataSet, tmp_path: Path) -> None:
    found = trained(own, ["acc", "gyro"], SPLIT, tmp_path)
    assert list(found.validation) == list(found.figures)
    assert set(found.validation["teacher"].by_subject) == {"4"}
    # Of 36 recordings of 3 windows each.
    assert found.windows == {"train": 54, "validation": 18, "test": 36}


def test_without_them_everybody_else_trains(own: DataSet, tmp_path: Path) -> None:
    found = trained(own, ["acc", "gyro"], SPLIT.chosen(), tmp_path)
    assert found.validation == {}
    assert found.windows == {"train": 72, "test": 36}
    assert json.loads((tmp_path / "figures.json").read_text())["validation"] == {}


def test_the_teacher_may_see_more_than_the_student(own: DataSet, tmp_path: Path) -> None:
    trained(own, ["gyro"], SPLIT, tmp_path / "gyro")
    card = read_card(tmp_path / "gyro" / "student.json")
    assert [entry.name for entry in card.inputs] == ["gyro"]
    assert [modality.name for modality in card.modalities] == ["gyro"]
    teacher = Teacher([3, 2], 128, 3, [0, 0])
    load_weights(teacher, tmp_path / "gyro" / "teacher.safetensors")
    # The student's windows are those of the same split with all sensors.
    trained(own, ["acc", "gyro"], SPLIT, tmp_path / "both")
    for name in ("test.npz", "calibration.npz"):
        both = read_npz(tmp_path / "both" / name)
        alone = read_npz(tmp_path / "gyro" / name)
        assert both.keys() - alone.keys() == {"acc"}
        for key, values in alone.items():
            np.testing.assert_array_equal(values, both[key])
