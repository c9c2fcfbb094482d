"""The published data sets, from the archives to int8: minutes each, so `make test-full` runs it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from midfuse.oracle import read_npz
from trainer.checkpoint import load_tuned
from trainer.fit import predict

DATA = Path(__file__).parents[3] / "shared" / "data"

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
    ("dataset", "sensors"),
    [
        ("uci-hapt", ""),
        ("utd-mhad", "acc,gyro"),
        ("utd-mhad", "acc,gyro,skeleton"),
        ("sp-sw-har", ""),
    ],
)
def test_int8_keeps_what_the_float_student_knows(
    dataset: str, sensors: str, tmp_path: Path
) -> None:
    chosen = ["--modalities", sensors] if sensors else []
    out = str(tmp_path / "train")
    trained = midfuse(
        *("train", "--dataset", dataset, "--data", str(DATA), *chosen, "--all-splits", "--out", out)
    )
    windows = float_correct = int8_correct = agreeing = 0
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
        windows += len(answers)
        agreeing += int((tuned == answers).sum())
        int8_correct += int((answers == held_out["labels"]).sum())
        float_correct += training["figures"]["student_float"]["correct"]
    assert agreeing / windows >= 0.995
    assert 100 * (float_correct - int8_correct) / windows <= 0.3
