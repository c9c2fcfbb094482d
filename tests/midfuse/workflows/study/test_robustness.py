"""`midfuse study robustness`: what it makes of answers that are there, and all of it for real."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from midfuse.core.oracle import read_npz
from midfuse.core.results import PerturbedCondition, PerturbedFigures, PerturbResult, Result
from midfuse.workflows.study.jobs import Step
from midfuse.workflows.study.plan import Plan
from midfuse.workflows.study.robustness import chain_of
from tests.support.results import converted, evaluation, trained
from tests.trainer.conftest import own_recordings, write_folder

CONDITIONS: list[tuple[str, float | str, str]] = [
    ("untouched", 0, ""),
    ("noise", 0.3, "deviations"),
    ("noise", 1.0, "deviations"),
    ("missing", "gyro", ""),
]
# How many of 10 windows are answered right, by model, under each condition; by seed.
RIGHT = [
    {"teacher": [10, 9, 8, 5], "student_tuned_float": [9, 9, 7, 4], "on_device": [9, 8, 6, 4]},
    {"teacher": [8, 9, 6, 5], "student_tuned_float": [7, 7, 7, 2], "on_device": [7, 6, 6, 2]},
]


def robustness(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "midfuse", "study", "robustness", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def answered(step: Step, answer: Result) -> None:
    """As if the step had run."""
    step.folder.mkdir(parents=True)
    record = {"command": step.arguments, "answer": answer.to_json()}
    (step.folder / "answer.json").write_text(json.dumps(record))


def write_answers(out: Path, differing: int) -> None:
    """Two seeds' answers; windows of two classes, all of the first."""
    plan = Plan(
        study="robustness", dataset="seglearn-watch", data=None, modalities=None,
        teacher_modalities=None, split=0, all_splits=False, seeds=2, student="student-m",
        board="native", out=out, jobs=1,
    )  # fmt: skip
    for seed, right in enumerate(RIGHT):
        train, convert, perturb, evaluate = chain_of(plan, 0, seed)
        conditions = [
            PerturbedCondition(
                kind=kind,
                strength=strength,
                unit=unit,
                first=10 * at,
                windows=10,
                figures={
                    model: PerturbedFigures(
                        correct=right[model][at],
                        accuracy=right[model][at] / 10,
                        macro_f1=0.0,
                        confusion=[[right[model][at], 10 - right[model][at]], [0, 0]],
                    )
                    for model in ("teacher", "student_tuned_float")
                },
            )
            for at, (kind, strength, unit) in enumerate(CONDITIONS)
        ]
        answered(train, trained())
        answered(convert, converted())
        answered(
            perturb,
            PerturbResult(
                dataset="d", subjects=["1", "2"], seed=seed, windows=10, conditions=conditions
            ),
        )
        answered(evaluate, evaluation(differing_bytes=differing))
        labels = np.zeros(10 * len(CONDITIONS), np.int64)
        np.savez(perturb.folder / "perturbed.npz", labels=labels)
        first = np.concatenate([np.arange(10) < count for count in right["on_device"]])
        scores = np.where(np.stack([first, ~first], 1), 100, -100).astype(np.int8)
        np.savez(evaluate.folder / "outputs.npz", output_0=scores[:, None])


def test_losses_are_paired_by_seed_and_shown_in_all_forms(tmp_path: Path) -> None:
    write_answers(tmp_path, differing=0)
    result = robustness("--seeds", "2", "--out", tmp_path, "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found == json.loads((tmp_path / "robustness.json").read_text())
    assert [(c["kind"], c["strength"], c["unit"]) for c in found["conditions"]] == CONDITIONS
    assert (found["windows"], found["seeds"], found["differing_bytes"]) == (10, [0, 1], 0)
    for at, condition in enumerate(found["conditions"]):
        for model, figures in condition["models"].items():
            accuracies = [right[model][at] / 10 for right in RIGHT]
            lost = [(right[model][0] - right[model][at]) / 10 for right in RIGHT]
            assert figures["accuracy"]["by_seed"] == pytest.approx(accuracies)
            assert figures["lost"]["by_seed"] == pytest.approx(lost)
            assert figures["lost"]["deviation"] == pytest.approx(np.std(lost, ddof=1))
    text = (tmp_path / "robustness.md").read_text()
    assert "| untouched | 90.0 ± 14.1 % | 0.0 | 80.0 ± 14.1 % | 0.0 | 80.0 ± 14.1 % | 0.0 |" in text
    assert "| noise 1.0 deviations | 70.0 ± 14.1 % | -20.0 |" in text
    assert "| missing gyro | 50.0 ± 0.0 % | -40.0 |" in text
    width, height = struct.unpack(">II", (tmp_path / "robustness.png").read_bytes()[16:24])
    assert width > height > 400


def test_a_byte_that_differs_is_exit_code_1_and_the_figures_are_shown(tmp_path: Path) -> None:
    write_answers(tmp_path, differing=3)
    result = robustness("--seeds", "2", "--out", tmp_path)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith(
        "error: 6 output bytes on native differ from TFLM's"
    )
    assert f"wrote {tmp_path}/robustness.md" in result.stdout
    assert json.loads((tmp_path / "robustness.json").read_text())["differing_bytes"] == 6


@pytest.mark.full
def test_a_data_set_from_recordings_to_int8(tmp_path: Path) -> None:
    recordings = write_folder(own_recordings(), tmp_path / "own")
    out = tmp_path / "out"
    result = robustness(
        "--dataset", "folder", "--data", recordings, "--student", "student-s", "--seeds", "1",
        "--out", out, "--json",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["differing_bytes"] == 0
    assert {c["kind"] for c in found["conditions"]} == {
        "untouched", "noise", "rotation", "dropped", "shift", "missing",
    }  # fmt: skip
    # Untouched, each model answers as it did for the commands that came before.
    folder = out / "split-0-seed-0"
    windows, untouched = found["windows"], found["conditions"][0]["models"]
    assert windows == len(read_npz(folder / "train" / "test.npz")["labels"])
    (training,) = json.loads((folder / "train" / "summary.json").read_text())["trainings"]
    int8 = json.loads((folder / "int8" / "answer.json").read_text())["answer"]
    for model, correct in (
        ("teacher", training["figures"]["teacher"]["correct"]),
        ("on_device", int8["accuracy"]["correct"]["int8_host"]),
    ):
        assert untouched[model]["accuracy"]["mean"] == pytest.approx(correct / windows), model
    # The paces are told apart by what moves, so a silent sensor is missed, one of them at least.
    silent = [c for c in found["conditions"] if c["kind"] == "missing"]
    assert max(c["models"]["on_device"]["lost"]["mean"] for c in silent) > 0
