"""`midfuse perturb` on a training of a single epoch a stage."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import trainer.run.perturb
from midfuse.core.oracle import read_npz
from tests.trainer.conftest import own_recordings, write_folder
from trainer.commands.perturb import perturb_command
from trainer.data.protocols import Split
from trainer.run.checkpoint import load_student
from trainer.run.fit import predict
from trainer.run.folder import Run, fingerprint
from trainer.run.pipeline import train
from trainer.run.recipe import Recipe, Stage
from trainer.run.study import Plan, planned_dataset

_ONE = Stage(epochs=1, steps=1)
SHORT = Recipe(teacher=_ONE, student=_ONE, tuning=_ONE)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(own_recordings(), tmp_path_factory.mktemp("recordings") / "own")


def trained(recordings: Path, out: Path, modalities: list[str], teachers: list[str] | None) -> Path:
    """A training as `midfuse train` leaves it, on a schedule of its own."""
    plan = Plan(
        dataset="folder",
        data=str(recordings),
        modalities=modalities,
        teacher_modalities=teachers,
        protocol="usual",
        split=0,
        validation=False,
        seeds=[0],
        student="student-m",
        compare=[],
    )
    dataset, own = planned_dataset(plan)
    config = {"plan": plan.model_dump(), "data_sha256": fingerprint(dataset)}
    with Run.start(out, config) as run:
        split = Split(["1", "2", "3", "4"], [], ["5", "6"])
        assert train(dataset, own, split, 0, out, SHORT, run=run, compare=[]) is not None
    return out


@pytest.fixture(scope="module")
def training(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "both"
    return trained(recordings, out, ["acc", "gyro"], None)


def perturb(*arguments: str | Path) -> Result:
    return CliRunner().invoke(perturb_command, [*map(str, arguments), "--json"])


def answer_of(training: Path, out: Path) -> dict[str, Any]:
    result = perturb(training, "--out", out)
    assert result.exit_code == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    assert answer == json.loads((out / "perturbed.json").read_text())
    return answer


def test_untouched_windows_are_those_of_the_training_to_the_byte(
    training: Path, tmp_path: Path
) -> None:
    answer = answer_of(training, tmp_path / "out")
    given, test = read_npz(tmp_path / "out" / "perturbed.npz"), read_npz(training / "test.npz")
    conditions, windows = answer["conditions"], answer["windows"]
    assert windows == len(test["labels"])
    assert given.keys() == test.keys()
    for name, values in test.items():
        assert given[name].dtype == values.dtype
        assert given[name][:windows].tobytes() == values.tobytes()
        assert len(given[name]) == len(conditions) * windows
    for at, condition in enumerate(conditions):
        here = slice(condition["first"], condition["first"] + condition["windows"])
        assert here == slice(at * windows, (at + 1) * windows)
        np.testing.assert_array_equal(given["labels"][here], test["labels"])
        np.testing.assert_array_equal(given["subjects"][here], test["subjects"])
        if condition["kind"] == "missing":
            assert not given[condition["strength"]][here].any()

    figures = json.loads((training / "figures.json").read_text())["figures"]
    assert conditions[0]["kind"] == "untouched"
    assert conditions[0]["figures"]["teacher"]["correct"] == figures["teacher"]["correct"]
    # The figures of each condition are those of its windows in the file.
    student = load_student(training / "student.json")
    answers = predict(student, {name: given[name] for name in ("acc", "gyro")}).argmax(1)
    right = (answers == given["labels"]).reshape(len(conditions), windows).sum(1)
    assert right.tolist() == [c["figures"]["student_tuned_float"]["correct"] for c in conditions]


def test_the_same_training_gives_the_same_bytes(training: Path, tmp_path: Path) -> None:
    first, second = (answer_of(training, tmp_path / name) for name in ("a", "b"))
    assert first == second
    once, again = (read_npz(tmp_path / name / "perturbed.npz") for name in ("a", "b"))
    assert {n: x.tobytes() for n, x in once.items()} == {n: x.tobytes() for n, x in again.items()}


def test_of_more_windows_than_fit_evenly_spaced_ones_are_taken(
    training: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = read_npz(training / "test.npz")
    conditions = len(answer_of(training, tmp_path / "all")["conditions"])
    each = test["acc"][0].nbytes + test["gyro"][0].nbytes
    monkeypatch.setattr(trainer.run.perturb, "MOST_BYTES", conditions * each * 6 - 1)
    answer = answer_of(training, tmp_path / "some")
    assert answer["windows"] == 5
    given, kept = read_npz(tmp_path / "some" / "perturbed.npz"), [0, 7, 14, 21, 28]
    assert len(test["labels"]) == 36
    for name, values in test.items():
        assert given[name][:5].tobytes() == values[kept].tobytes()
    assert given["acc"].nbytes + given["gyro"].nbytes <= trainer.run.perturb.MOST_BYTES


def test_what_the_teacher_alone_sees_is_not_worn(recordings: Path, tmp_path: Path) -> None:
    training = trained(recordings, tmp_path / "acc", ["acc"], ["gyro"])
    answer = answer_of(training, tmp_path / "out")
    given, test = read_npz(tmp_path / "out" / "perturbed.npz"), read_npz(training / "test.npz")
    assert given.keys() == {"acc", "labels", "subjects"}
    assert given["acc"][: answer["windows"]].tobytes() == test["acc"].tobytes()
    kinds = {condition["kind"] for condition in answer["conditions"]}
    assert kinds == {"untouched", "noise", "rotation", "dropped"}
    figures = json.loads((training / "figures.json").read_text())["figures"]
    untouched = answer["conditions"][0]["figures"]
    assert untouched["teacher"]["correct"] == figures["teacher"]["correct"]


def refused(result: Result, out: Path) -> str:
    assert result.exit_code == 2
    assert result.stderr.count("error: ") == 1
    assert not out.exists()
    return result.stderr.splitlines()[-1]


def test_a_folder_without_a_complete_training_is_refused(training: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    nothing = tmp_path / "nothing"
    assert f"{nothing}: no complete training" in refused(perturb(nothing, "--out", out), out)
    damaged = Path(shutil.copytree(training, tmp_path / "damaged"))
    (damaged / "config.json").write_text("{")
    line = refused(perturb(damaged, "--out", out), out)
    assert f"{damaged / 'config.json'}: not JSON" in line


def test_files_of_another_training_are_refused(
    training: Path, recordings: Path, tmp_path: Path
) -> None:
    out, mixed = tmp_path / "out", Path(shutil.copytree(training, tmp_path / "mixed"))
    card = json.loads((mixed / "student.json").read_text())
    card["labels"][0] = "crawling"
    (mixed / "student.json").write_text(json.dumps(card))
    line = refused(perturb(mixed, "--out", out), out)
    assert f"{mixed / 'student.json'}: other sensors, labels or window" in line

    alone = trained(recordings, tmp_path / "acc", ["acc"], None)
    mixed = Path(shutil.copytree(training, tmp_path / "weights"))
    shutil.copy(alone / "teacher.safetensors", mixed)
    line = refused(perturb(mixed, "--out", out), out)
    assert f"{mixed / 'teacher.safetensors'}: weights of another architecture" in line


def test_moved_recordings_are_named_and_others_refused(training: Path, tmp_path: Path) -> None:
    arrays = own_recordings()
    moved = write_folder(arrays, tmp_path / "moved")
    result = perturb(training, "--data", moved, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    arrays["acc"][7] += 1
    others = write_folder(arrays, tmp_path / "others")
    out = tmp_path / "refused"
    line = refused(perturb(training, "--data", others, "--out", out), out)
    assert "the recordings of folder are not those it was trained on" in line


def test_a_folder_that_cannot_be_written_is_one_line(training: Path) -> None:
    result = perturb(training, "--out", "/dev/null/out")
    assert result.exit_code == 2
    assert (
        "/dev/null/out: cannot be written (Not a directory); name another folder as --out"
        in result.stderr
    )
