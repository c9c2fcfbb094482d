"""`midfuse train` from a recordings file to the files of the later stages."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from midfuse.card import read_card
from midfuse.oracle import read_npz
from tests.trainer.conftest import Arrays
from trainer import cli
from trainer.pipeline import FILES


def train(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "midfuse", "train", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def trained(data: Path, out: Path) -> dict[str, Any]:
    result = train("--dataset", "folder", "--data", data, "--out", out, "--json")
    assert result.returncode == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_it_writes_what_the_later_stages_read(
    arrays: Arrays, write: Callable[[Arrays], Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    answer = trained(write(arrays), out)
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)

    card = read_card(out / "student.json")
    assert [(i.name, i.shape) for i in card.inputs] == [("acc", [1, 128, 3]), ("gyro", [1, 128, 2])]
    assert card.labels == ["slow", "brisk", "fast"]
    split = card.training.split
    assert split == answer["subjects"]
    assert sorted(s for part in split.values() for s in part) == list("123456")

    # 300 samples give 3 windows; every recording of the held-out subjects, standardised by the
    # card's figures and in the card's order.
    test = read_npz(out / "test.npz")
    held_out = np.flatnonzero(np.isin(arrays["recording_subjects"].astype(str), split["test"]))
    for entry in card.inputs:
        windows = [
            arrays[entry.name][300 * at + start : 300 * at + start + 128]
            for at in held_out
            for start in (0, 64, 128)
        ]
        expected = (np.stack(windows) - np.array(entry.mean)) / np.array(entry.std)
        np.testing.assert_allclose(test[entry.name], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(
        test["labels"], np.repeat(arrays["recording_labels"][held_out], 3)
    )
    np.testing.assert_array_equal(
        test["subjects"], np.repeat(arrays["recording_subjects"][held_out].astype(str), 3)
    )

    for name in ("teacher", "student_float", "trees"):
        scores = answer["figures"][name]
        assert scores["windows"] == len(test["labels"])
        assert scores["accuracy"] == scores["correct"] / scores["windows"]
        assert card.training.figures[name] == scores["accuracy"]
        # Three paces, clearly apart: anything that learns finds most of them.
        assert scores["accuracy"] > 0.6, name


def test_poisoned_test_subjects_change_nothing_but_their_figures(
    arrays: Arrays, write: Callable[[Arrays], Path], tmp_path: Path
) -> None:
    first = trained(write(arrays), tmp_path / "first")
    tested = np.isin(arrays["recording_subjects"].astype(str), first["subjects"]["test"])
    arrays["acc"][np.repeat(tested, 300)] *= -1e6
    arrays["gyro"][np.repeat(tested, 300)] = 1e9
    again = trained(write(arrays), tmp_path / "again")
    assert again["figures"] != first["figures"]
    assert again["validation"] == first["validation"]
    runs = [tmp_path / "first", tmp_path / "again"]
    for name in ("teacher.safetensors", "student.safetensors"):
        weights = [(run / name).read_bytes() for run in runs]
        assert weights[0] == weights[1], name
    windows = [read_npz(run / "calibration.npz") for run in runs]
    for name, values in windows[0].items():
        np.testing.assert_array_equal(values, windows[1][name])
    # Means, deviations, trained ranges: whatever later stages take from the card.
    cards = [json.loads((run / "student.json").read_text()) for run in runs]
    for card in cards:
        del card["training"]["figures"]
    assert cards[0] == cards[1]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--dataset", "nonesuch"], "--dataset nonesuch: unknown"),
        (["--dataset", "folder", "--data", "/no/such/folder"], "/no/such/folder: no such"),
        (["--dataset", "seglearn-watch", "--data", "/no/such/folder"], "leave --data out"),
        (
            ["--split", "5"],
            "--split 5: protocol usual of seglearn-watch has no such split; choose 0 to 4",
        ),
        (["--out", "/dev/null/runs"], "--out /dev/null/runs: cannot be written"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    arguments: list[str], named: str, tmp_path: Path
) -> None:
    if "--out" not in arguments:
        arguments = [*arguments, "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(cli.train_command, arguments)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert named in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "out").exists()
