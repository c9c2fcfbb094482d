"""`midfuse run`: how splits are pooled, and how a stage's failure ends the run."""

import subprocess
import sys
from pathlib import Path

from midfuse.workflows.run import MODELS, SplitRun, summarise


def split_run(split: int, windows: int, correct: int, *, ram: int | None = 1000) -> SplitRun:
    return SplitRun(
        split=split,
        splits=5,
        test_subjects=[str(2 * split + 1), str(2 * split + 2)],
        windows=windows,
        correct=dict.fromkeys(MODELS, correct),
        differing_bytes=split,
        instructions=1000.0 * (split + 1),
        ram_bytes=ram,
        flash_bytes=50,
        seconds={"train": 1.0, "convert": 2.0},
    )


def test_pooling_counts_windows_not_splits() -> None:
    summary = summarise("d", "b", [split_run(0, 100, 90), split_run(1, 300, 150)])
    assert summary.windows == 400
    assert summary.accuracy["on_device"] == 240 / 400
    assert summary.differing_bytes == 1
    assert summary.instructions_per_inference == 1500.0
    assert summary.seconds == {"train": 2.0, "convert": 4.0}
    assert [each.accuracy["teacher"] for each in summary.splits] == [0.9, 0.5]


def test_figures_that_a_board_cannot_give_stay_empty() -> None:
    assert summarise("d", "b", [split_run(0, 10, 5, ram=None)]).ram_bytes is None


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "midfuse", "run", *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_an_unknown_board_is_said_before_any_training(tmp_path: Path) -> None:
    answer = run("--board", "nativ", "--out", str(tmp_path / "out"))
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: no board 'nativ'")
    assert not (tmp_path / "out").exists()


def test_a_stage_that_fails_ends_the_run_with_its_exit_code(tmp_path: Path) -> None:
    answer = run("--board", "native", "--dataset", "none", "--out", str(tmp_path))
    assert answer.returncode == 2
    assert "none" in answer.stderr
    assert answer.stderr.splitlines()[-1].startswith("error: midfuse train failed")
    assert not (tmp_path / "summary.json").exists()
