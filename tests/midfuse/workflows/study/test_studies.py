"""What the studies make of their commands' answers, and how they show it."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from midfuse.core.scores import Confusion
from midfuse.workflows.study.effectiveness import Result, summarise
from midfuse.workflows.study.plan import Plan
from midfuse.workflows.study.report import Report, Table, write_report
from midfuse.workflows.study.scalability import Point, axes_of


def plan(**changes: object) -> Plan:
    options = {
        "study": "scalability", "dataset": "seglearn-watch", "data": None, "modalities": None,
        "teacher_modalities": None, "split": 0, "all_splits": False, "seeds": 1,
        "student": "student-m", "board": "qemu-mps2-an386", "out": Path("out"), "jobs": 2,
    }  # fmt: skip
    return Plan(**(options | changes))  # type: ignore[arg-type]


def result(
    split: int, seed: int, windows: int, right: dict[str, int], differing: int = 0
) -> Result:
    """Windows of two classes, all of the first; `right` of them are answered so by each model."""
    return Result(
        split,
        seed,
        {name: Confusion(np.array([[n, windows - n], [0, 0]])) for name, n in right.items()},
        {
            "subjects": {"test": [f"subject {split}"]},
            "parameters": {"teacher": 300, "student": 20},
            "macs": {"teacher": 3000, "student": 200},
        },
        {
            "board": "b",
            "instructions_per_inference": {"mean": 1000.0 * (split + 1)},
            "ram_bytes": 10 + split,
            "flash_bytes": None,
            "differing_bytes": differing,
        },
    )


def test_a_seeds_splits_are_pooled_and_seeds_are_paired() -> None:
    runs = [
        result(split, seed, windows, {"teacher": 9, "student_alone": a, "student_float": d}, seed)
        for seed, split, windows, a, d in (
            (0, 0, 10, 5, 6), (0, 1, 30, 15, 20), (1, 0, 10, 8, 8), (1, 1, 30, 24, 26),
        )
    ]  # fmt: skip
    found = summarise(runs)
    assert (found["splits"], found["seeds"], found["windows"]) == ([0, 1], [0, 1], 40)
    assert found["test_subjects"] == ["subject 0", "subject 1"]
    assert list(found["models"]) == ["teacher", "student_alone", "student_float"]
    alone = found["models"]["student_alone"]
    assert alone["accuracy"]["by_seed"] == [20 / 40, 32 / 40]
    assert alone["accuracy"]["mean"] == pytest.approx(0.65)
    assert alone["accuracy"]["deviation"] == pytest.approx(0.3 / np.sqrt(2))
    assert (alone["parameters"], alone["macs"]) == (20, 200)
    gain = found["distillation_gain"]["accuracy"]
    # The seeds are 30 points apart, the difference is not.
    assert gain["by_seed"] == pytest.approx([0.15, 0.05])
    assert gain["deviation"] == pytest.approx(0.1 / np.sqrt(2))
    board = found["board"]
    assert board["instructions_per_inference"] == 1500.0
    assert (board["ram_bytes"], board["flash_bytes"], board["differing_bytes"]) == (11, None, 2)


def test_one_seed_has_no_deviation_and_nothing_to_pair_no_gain() -> None:
    found = summarise([result(0, 0, 10, {"teacher": 9, "student_float": 8})])
    assert found["models"]["teacher"]["accuracy"] == {
        "mean": 0.9, "deviation": None, "by_seed": [0.9],
    }  # fmt: skip
    assert "distillation_gain" not in found


def test_axes_share_the_usual_point() -> None:
    names = ("a", "b", "c")
    recordings = {
        "modalities": [{"name": name} for name in names],
        "window": {"length": 128, "hop": 64, "whole": False},
    }
    axes = axes_of(plan(), recordings)
    assert [label for label, _ in axes["modalities"]] == ["a", "b", "c", "a + b", "a + b + c"]
    assert [label for label, _ in axes["window"]] == ["64 samples", "128 samples", "256 samples"]
    assert [label for label, _ in axes["width"]] == ["student-s", "student-m", "student-l"]
    usual = Point(names, None, "student-m")
    assert [sum(point == usual for _, point in axis) for axis in axes.values()] == [1, 1, 1]
    assert axes["window"][0][1] == Point(names, 64, "student-m")
    assert len({point.folder for axis in axes.values() for _, point in axis}) == 9
    chosen = axes_of(plan(modalities="c"), recordings)
    assert chosen["modalities"] == [("c", Point(("c",), None, "student-m"))]


def test_a_report_says_the_same_in_all_its_forms(tmp_path: Path) -> None:
    table = Table("Scores", ["model", "accuracy"], [["teacher", "81.0 %"]], ["One seed."])
    report = Report({"models": {"teacher": 0.81}}, [table], lambda to: to.write(b"PNG"))
    outcome = write_report(report, "effectiveness", "midfuse study effectiveness", tmp_path / "new")
    assert [path.name for path in outcome.files] == [
        "effectiveness.json", "effectiveness.md", "effectiveness.png",
    ]  # fmt: skip
    assert json.loads(outcome.files[0].read_text()) == outcome.data
    assert outcome.data["command"] == "midfuse study effectiveness"
    text = outcome.files[1].read_text()
    assert "| model | accuracy |\n| --- | ---: |\n| teacher | 81.0 % |\n\nOne seed.\n" in text
    assert outcome.files[2].read_bytes() == b"PNG"
    console = Console(width=100, record=True, file=StringIO())
    console.print(outcome.view)
    shown = console.export_text()
    assert all(word in shown for word in ("Scores", "teacher", "81.0 %", "One seed."))
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(
        path.name for path in outcome.files
    )


def midfuse(*arguments: str | Path, without: str = "") -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.modules[{without!r}] = None; from midfuse.cli.main import main; main()"
    line = [sys.executable, "-c", code] if without else [sys.executable, "-m", "midfuse"]
    return subprocess.run(
        [*line, "study", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_without_matplotlib_it_says_what_to_install() -> None:
    answer = midfuse("effectiveness", without="matplotlib")
    assert answer.returncode == 3
    assert answer.stderr == (
        "error: midfuse study needs the package matplotlib, which is not installed;"
        ' run: pip install "midfuse[train]"\n'
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["effectiveness", "--board", "nativ"], "no board 'nativ'"),
        (["scalability", "--board", "native"], "--board native: counts no instructions"),
    ],
)
def test_a_board_that_does_not_do_is_said_before_any_training(
    arguments: list[str], says: str, tmp_path: Path
) -> None:
    answer = midfuse(*arguments, "--out", tmp_path / "out")
    assert answer.returncode == 2
    assert says in answer.stderr
    assert not (tmp_path / "out").exists()
