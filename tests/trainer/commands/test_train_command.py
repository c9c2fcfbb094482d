"""`midfuse train` from a recordings file to the files of the later stages."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from midfuse.core.card import read_card
from midfuse.core.oracle import read_npz
from tests.trainer.conftest import Arrays, own_recordings, write_folder
from trainer.commands import train as cli
from trainer.run.checkpoint import load_tuned
from trainer.run.fit import predict
from trainer.run.pipeline import FILES


def train(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "midfuse", "train", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def answer_of(*arguments: str | Path) -> dict[str, Any]:
    result = train(*arguments, "--json")
    assert result.returncode == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the user's own recordings."""
    return write_folder(own_recordings(), tmp_path_factory.mktemp("recordings") / "own")


@pytest.fixture(scope="module")
def out(own: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a training on them leaves behind."""
    folder = tmp_path_factory.mktemp("trained") / "out"
    answer = answer_of("--dataset", "folder", "--data", own, "--out", folder)
    assert answer == json.loads((folder / "summary.json").read_text())
    return folder


def figures(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "figures.json").read_text())
    return found


def assert_same_models(one: Path, other: Path) -> None:
    """Weights to the byte, and whatever later stages take from card and calibration."""
    for name in ("teacher.safetensors", "student.safetensors"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    windows = [read_npz(run / "calibration.npz") for run in (one, other)]
    for name, values in windows[0].items():
        np.testing.assert_array_equal(values, windows[1][name])
    cards = [json.loads((run / "student.json").read_text()) for run in (one, other)]
    for card in cards:
        del card["training"]["figures"]
    assert cards[0] == cards[1]


def test_it_writes_what_the_later_stages_read(out: Path) -> None:
    arrays, answer = own_recordings(), figures(out)
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [*FILES, "config.json", "summary.json"]
    )
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

    assert list(answer["figures"]) == [
        *("trees", "mid_fusion", "teacher", "student_float", "student_tuned")
    ]
    for name, scores in answer["figures"].items():
        assert scores["windows"] == len(test["labels"])
        assert scores["accuracy"] == scores["correct"] / scores["windows"]
        assert card.training.figures[name] == scores["accuracy"]
        assert set(scores["subjects"]) == set(split["test"])
        # Three paces, clearly apart: anything that learns finds most of them.
        assert scores["accuracy"] > 0.6, name
    config = json.loads((out / "config.json").read_text())
    assert config["plan"]["seeds"] == [0]
    assert config["recipe"]["student"]["rate"] > 0
    assert config["versions"]["torch"] == torch.__version__


def test_the_tuned_student_comes_back_from_its_files(out: Path) -> None:
    test = read_npz(out / "test.npz")
    inputs = {name: test[name] for name in ("acc", "gyro")}
    answers = predict(load_tuned(out / "student.json"), inputs).argmax(1)
    assert (
        int((answers == test["labels"]).sum())
        == figures(out)["figures"]["student_tuned"]["correct"]
    )


def test_poisoned_test_subjects_change_nothing_but_their_figures(
    arrays: Arrays, write: Callable[[Arrays], Path], out: Path, tmp_path: Path
) -> None:
    first = figures(out)
    tested = np.isin(arrays["recording_subjects"].astype(str), first["subjects"]["test"])
    arrays["acc"][np.repeat(tested, 300)] *= -1e6
    arrays["gyro"][np.repeat(tested, 300)] = 1e9
    answer_of("--dataset", "folder", "--data", write(arrays), "--out", tmp_path / "again")
    again = figures(tmp_path / "again")
    assert again["figures"] != first["figures"]
    assert_same_models(out, tmp_path / "again")


@pytest.mark.full
def test_a_killed_training_goes_on_to_the_same_bytes(own: Path, out: Path, tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    line = [sys.executable, "-m", "midfuse", "train", "--dataset", "folder"]
    line += ["--data", str(own), "--out", str(killed)]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 300
        while not list(killed.rglob("teacher-1.state")):
            assert process.poll() is None, "ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert not (killed / "student.safetensors").exists()
    answer_of("--resume", killed)
    assert_same_models(out, killed)
    assert sorted(path.name for path in killed.iterdir()) == sorted(
        path.name for path in out.iterdir()
    )


@pytest.mark.full
def test_several_seeds_are_pooled_into_mean_and_spread(own: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    data = ("--dataset", "folder", "--data", own, "--modalities", "acc", "--student", "student-s")
    answer = answer_of(*data, "--seeds", "2", "--split", "3", "--window", "140", "--out", out)
    each = [figures(out / f"split-3-seed-{seed}")["figures"]["trees"] for seed in (0, 1)]
    accuracies = [scores["accuracy"] for scores in each]
    assert answer["figures"]["trees"]["accuracy"]["mean"] == pytest.approx(np.mean(accuracies))
    assert answer["figures"]["trees"]["accuracy"]["deviation"] == pytest.approx(
        np.std(accuracies, ddof=1)
    )
    assert [run["seed"] for run in answer["trainings"]] == [0, 1]
    card = read_card(out / "split-3-seed-1" / "student.json")
    assert [(i.name, i.shape) for i in card.inputs] == [("acc", [1, 140, 3])]
    assert (card.window.length, card.window.hop) == (140, 70)
    # Of one subject's six recordings of 300 samples.
    assert len(read_npz(out / "split-3-seed-1" / "test.npz")["labels"]) == 6 * 3


@pytest.mark.parametrize(
    ("length", "named"),
    [(301, "no recording has 301 samples"), (19, "a window of 19 samples is shorter than a")],
)
def test_windows_that_cannot_be_cut_leave_nothing_behind(
    arrays: Arrays, write: Callable[[Arrays], Path], tmp_path: Path, length: int, named: str
) -> None:
    toml = write(arrays) / "midfuse.toml"
    toml.write_text(toml.read_text().replace("length = 128", f"length = {length}"))
    out = tmp_path / "out"
    arguments = ["--dataset", "folder", "--data", str(toml.parent), "--out", str(out)]
    result = CliRunner().invoke(cli.train, arguments)
    assert result.exit_code == 2
    assert named in result.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--dataset", "nonesuch"], "data set 'nonesuch': unknown"),
        (["--dataset", "folder", "--data", "/no/such/folder"], "/no/such/folder: no such"),
        (["--dataset", "seglearn-watch", "--data", "/no/such/folder"], "leave --data out"),
        (
            ["--split", "5"],
            "--split 5: protocol usual of seglearn-watch has no such split; choose 0 to 4",
        ),
        (["--modalities", "acc,lidar"], "data set seglearn-watch: no modality lidar"),
        (["--protocol", "leave-one-out", "--split", "10"], "choose 0 to 9"),
        (
            ["--compare", "cnn,rnn"],
            "--compare rnn: unknown; known: cnn, deepconvlstm",
        ),
        (["--resume", "/no/such/run"], "--resume /no/such/run: no unfinished run there"),
        (["--resume", "/no/such/run", "--seed", "1"], "goes on as it began, without --seed"),
        (["--resume", "/no/such/run", "--window", "64"], "goes on as it began, without --window"),
        (["--window", "19"], "a window of 19 samples is shorter than a segment; take 20 or more"),
        (["--window", "9999"], "no recording has 9999 samples, the length of a window; give"),
        (["--out", "/dev/null/runs"], "--out /dev/null/runs: cannot be written"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    arguments: list[str], named: str, tmp_path: Path
) -> None:
    if "--out" not in arguments and "--resume" not in arguments:
        arguments = [*arguments, "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(cli.train, arguments)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert named in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "out").exists()
