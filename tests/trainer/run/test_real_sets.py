"""The published data sets, from the archives to int8: minutes each, so `make test-full` runs it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midfuse.core.oracle import read_npz
from midfuse.core.scores import Confusion, confusion_of
from tests.support.paths import SHARED
from trainer.run.checkpoint import load_tuned
from trainer.run.fit import predict

DATA = SHARED / "data"

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not DATA.is_dir(), reason="the recordings are not there (../shared/data)"),
]


def midfuse(*arguments: str) -> dict[str, Any]:
    line = [sys.executable, "-m", "midfuse", *arguments, "--json"]
    result = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


@pytest.mark.parametrize(
    ("dataset", "sensors", "least"),
    [
        ("uci-hapt", "", 0.955),
        ("utd-mhad", "acc,gyro", 0.835),
        ("utd-mhad", "acc,gyro,skeleton", 0.94),
        ("sp-sw-har", "", 0.88),
    ],
)
def test_int8_is_right_as_often_as_promised_and_as_the_float_student(
    dataset: str, sensors: str, least: float, tmp_path: Path
) -> None:
    """`least` is a macro-F1 over all held-out windows: what a user may expect of each set."""
    chosen = ["--modalities", sensors] if sensors else []
    out = str(tmp_path / "train")
    trained = midfuse(
        *("train", "--dataset", dataset, "--data", str(DATA), *chosen, "--all-splits", "--out", out)
    )
    float_correct = agreeing = 0
    parts = []
    for training in trained["trainings"]:
        student = Path(training["files"]["student.safetensors"])
        calibration, test = (training["files"][f"{name}.npz"] for name in ("calibration", "test"))
        converted = tmp_path / f"convert-{training['split']}"
        midfuse(
            *("convert", str(student), "--calibration", calibration, "--test", test),
            *("--out", str(converted)),
        )
        held_out = read_npz(Path(test))
        card = json.loads((converted / "student.json").read_text())
        logits = read_npz(converted / "expected.npz")["output_0"]
        answers = logits.reshape(len(logits), -1).argmax(1)
        inputs = {entry["name"]: held_out[entry["name"]] for entry in card["inputs"]}
        tuned = predict(load_tuned(student.with_suffix(".json")), inputs).argmax(1)
        agreeing += int((tuned == answers).sum())
        parts.append(confusion_of(answers, held_out["labels"], logits[0].size))
        float_correct += training["figures"]["student_float"]["correct"]
    int8 = Confusion(np.sum(parts, axis=0))
    assert int8.macro_f1 >= least
    assert agreeing / int8.windows >= 0.995
    assert 100 * (float_correct - int8.correct) / int8.windows <= 0.3
