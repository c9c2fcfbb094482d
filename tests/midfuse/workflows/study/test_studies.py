"""What the studies make of their commands' answers, and how they show it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from midfuse.core.card import Window
from midfuse.core.results import BySeed, Spread, StudyResult, SubjectSplit
from midfuse.core.scores import Confusion
from midfuse.workflows.study.effectiveness import Outcome, summarise
from midfuse.workflows.study.plan import Plan
from midfuse.workflows.study.report import Report, Table, write_report
from midfuse.workflows.study.scalability import Point, axes_of
from tests.support.results import data_set, evaluation, training


def plan(**changes: object) -> Plan:
    options = {
        "study": "scalability", "dataset": "seglearn-watch", "data": None, "modalities": None,
        "teacher_modalities": None, "split": 0, "all_splits": False, "seeds": 1,
        "student": "student-m", "board": "qemu-mps2-an386", "out": Path("out"), "jobs": 2,
    }  # fmt: skip
    return Plan(**(options | changes))  # type: ignore[arg-type]


def outcome(
    split: int, seed: int, windows: int, right: dict[str, int], differing: int = 0
) -> Outcome:
    """Windows of two classes, all of the first; `right` of them are answered so by each model."""
    instructions = 1000.0 * (split + 1)
    return Outcome(
        split,
        seed,
        {name: Confusion(np.array([[n, windows - n], [0, 0]])) for name, n in right.items()},
        training(subjects=SubjectSplit(train=[], validation=[], test=[f"subject {split}"])),
        evaluation(
            instructions_per_inference=Spread(mean=instructions, min=0.0, max=9e9),
            ram_bytes=10 + split,
            differing_bytes=differing,
        ),
    )


def test_a_seeds_splits_are_pooled_and_seeds_are_paired() -> None:
    runs = [
        outcome(split, seed, windows, {"teacher": 9, "student_alone": a, "student_float": d}, seed)
        for seed, split, windows, a, d in (
            (0, 0, 10, 5, 6), (0, 1, 30, 15, 20), (1, 0, 10, 8, 8), (1, 1, 30, 24, 26),
        )
    ]  # fmt: skip
    found = summarise(plan(study="effectiveness"), "all", runs)
    assert (found.splits, found.seeds, found.windows) == ([0, 1], [0, 1], 40)
    assert found.test_subjects == ["subject 0", "subject 1"]
    assert list(found.models) == ["teacher", "student_alone", "student_float"]
    alone = found.models["student_alone"]
    assert alone.accuracy.by_seed == [20 / 40, 32 / 40]
    assert alone.accuracy.mean == pytest.approx(0.65)
    assert alone.accuracy.deviation == pytest.approx(0.3 / np.sqrt(2))
    assert (alone.parameters, alone.macs) == (20, 200)
    assert found.distillation_gain is not None
    gain = found.distillation_gain.accuracy
    # The seeds are 30 points apart, the difference is not.
    assert gain.by_seed == pytest.approx([0.15, 0.05])
    assert gain.deviation == pytest.approx(0.1 / np.sqrt(2))
    board = found.board
    assert board.instructions_per_inference == 1500.0
    assert (board.ram_bytes, board.flash_bytes, board.differing_bytes) == (11, None, 2)


def test_one_seed_has_no_deviation_and_nothing_to_pair_no_gain() -> None:
    runs = [outcome(0, 0, 10, {"teacher": 9, "student_float": 8})]
    found = summarise(plan(study="effectiveness"), "all", runs)
    assert found.models["teacher"].accuracy == BySeed(mean=0.9, deviation=None, by_seed=[0.9])
    assert found.distillation_gain is None


def test_axes_share_the_usual_point() -> None:
    names = ("a", "b", "c")
    recordings = data_set(names, Window(length=128, hop=64))
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


def test_a_report_is_written_in_three_forms(tmp_path: Path) -> None:
    table = Table("Scores", ["model", "accuracy"], [["teacher", "81.0 %"]], ["One seed."])
    line = "midfuse study effectiveness"
    study = StudyResult(study="effectiveness", command=line, dataset="d", splits=[0], seeds=[0])
    files = write_report(Report(study, [table], lambda to: to.write(b"PNG")), tmp_path / "new")
    assert [path.name for path in files] == [
        "effectiveness.json", "effectiveness.md", "effectiveness.png",
    ]  # fmt: skip
    assert StudyResult.model_validate_json(files[0].read_bytes()) == study
    text = files[1].read_text()
    assert "| model | accuracy |\n| --- | ---: |\n| teacher | 81.0 % |\n\nOne seed.\n" in text
    assert line in text
    assert files[2].read_bytes() == b"PNG"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(
        path.name for path in files
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
