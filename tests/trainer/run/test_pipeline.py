"""One training from recordings to files, on schedules of a single epoch."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from midfuse.core.card import read_card
from midfuse.core.errors import Interrupted
from midfuse.core.oracle import read_npz
from midfuse.core.progress import SILENT, Progress, Task
from tests.trainer.conftest import own_recordings, write_folder
from trainer.data.datasets import DataSet, load_dataset
from trainer.data.protocols import Split
from trainer.models.baselines import BASELINES
from trainer.models.student import Student
from trainer.run.checkpoint import load_weights
from trainer.run.fit import predict
from trainer.run.folder import Run
from trainer.run.pipeline import Trained, train
from trainer.run.recipe import Recipe, Stage
from trainer.run.stages import COMPARED, new_teachers

_ONE = Stage(epochs=1, steps=1)
SHORT = Recipe(teacher=_ONE, student=_ONE, tuning=_ONE)
SPLIT = Split(["1", "2", "3"], ["4"], ["5", "6"])


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    folder = tmp_path_factory.mktemp("recordings") / "own"
    return load_dataset("folder", write_folder(own_recordings(), folder))


def trained(
    dataset: DataSet,
    modalities: list[str],
    split: Split,
    out: Path,
    compare: Sequence[str] = (),
    progress: Progress = SILENT,
    resume: bool = False,
) -> Trained:
    begin = Run.resume if resume else Run.start
    with begin(out, {"split": asdict(split)}) as run:
        found = train(dataset, modalities, split, 0, out, SHORT, run, compare, progress)
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
    teachers = new_teachers(own, 2)
    load_weights(teachers, tmp_path / "gyro" / "teacher.safetensors")
    # The student's windows are those of the same split with all sensors.
    trained(own, ["acc", "gyro"], SPLIT, tmp_path / "both")
    for name in ("test.npz", "calibration.npz"):
        both = read_npz(tmp_path / "both" / name)
        alone = read_npz(tmp_path / "gyro" / name)
        assert both.keys() - alone.keys() == {"acc"}
        for key, values in alone.items():
            np.testing.assert_array_equal(values, both[key])


@pytest.fixture(scope="module")
def compared(own: DataSet, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A student of one sensor beside everything that it can be compared with."""
    return trained(own, ["acc"], SPLIT, tmp_path_factory.mktemp("compared") / "out", COMPARED)


def test_what_is_compared_changes_nothing_else(
    own: DataSet, compared: Trained, tmp_path: Path
) -> None:
    without = trained(own, ["acc"], SPLIT, tmp_path)
    for name in ("teacher.safetensors", "student.safetensors", "calibration.npz"):
        assert compared.files[name].read_bytes() == without.files[name].read_bytes(), name
    assert list(without.figures) == [
        "trees",
        "mid_fusion",
        "teacher",
        "student_float",
        "student_tuned",
    ]
    for name, scores in without.figures.items():
        np.testing.assert_array_equal(scores.confusion, compared.figures[name].confusion)


def test_what_is_compared_has_its_figures(compared: Trained) -> None:
    assert list(compared.figures) == [
        *("trees", "cnn", "deepconvlstm", "early_fusion", "late_fusion", "mid_fusion", "teacher"),
        *("student_alone", "student_float", "student_tuned"),
    ]
    assert list(compared.validation) == list(compared.figures)
    assert (
        list(compared.parameters)
        == list(compared.macs)
        == [*BASELINES, "mid_fusion", "teacher", "student"]
    )
    # Of one sensor these two are the same network; the teacher sees the other sensor too.
    assert compared.macs["early_fusion"] == compared.macs["late_fusion"]
    assert compared.macs["mid_fusion"] > 1.5 * compared.macs["late_fusion"]


def test_the_untuned_student_is_the_one_that_was_distilled(compared: Trained) -> None:
    out = compared.files["student.json"].parent
    assert {path.relative_to(out) for path in out.rglob("*") if path.is_file()} == {
        *map(Path, [*compared.files, "config.json"])
    }
    card = read_card(compared.files["untuned/student.json"])
    tuned = read_card(compared.files["student.json"])
    assert tuned.trained_ranges
    assert card == tuned.model_copy(update={"trained_ranges": {}})
    student = Student(**card.architecture.config)
    load_weights(student, compared.files["untuned/student.safetensors"])
    test = read_npz(compared.files["test.npz"])
    answers = predict(student, {"acc": test["acc"]}).argmax(1)
    assert (answers == test["labels"]).sum() == compared.figures["student_float"].correct


class PressedAt:
    """Ctrl-C when a stage begins."""

    def __init__(self, stage: str) -> None:
        self._stage = stage

    def task(self, name: str, total: int | None = None) -> AbstractContextManager[Task]:
        if name == self._stage:
            raise KeyboardInterrupt
        return SILENT.task(name, total)


def test_a_comparison_goes_on_where_it_was_interrupted(
    own: DataSet, compared: Trained, tmp_path: Path
) -> None:
    compare = ["cnn", "early_fusion", "student_alone"]
    with pytest.raises(Interrupted):
        trained(own, ["acc"], SPLIT, tmp_path, compare, PressedAt("early_fusion"))
    kept = sorted(path.name for path in tmp_path.rglob("*.state"))
    assert kept == [
        *("cnn.state", "student.state", "teacher-1.state", "teacher-2.state", "tuning.state")
    ]
    found = trained(own, ["acc"], SPLIT, tmp_path, compare, resume=True)
    for name, scores in found.figures.items():
        np.testing.assert_array_equal(scores.confusion, compared.figures[name].confusion)
