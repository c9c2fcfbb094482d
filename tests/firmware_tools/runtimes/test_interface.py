"""A runtime of another package: found by its entry point, driven by the interface alone."""

import json
from collections.abc import Sequence
from importlib import metadata
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from firmware_tools.runtimes import interface
from firmware_tools.runtimes.interface import Expected, find_runtime
from firmware_tools.runtimes.midfuse import Midfuse
from midfuse.cli.main import main
from midfuse.core.errors import InputError
from midfuse.core.oracle import Values
from midfuse.core.progress import SILENT, Progress
from midfuse.core.tflite_file import TFLiteModel
from tests.boards.conftest import need_oracle, random_windows
from tests.support.paths import DATA

MODEL = DATA / "cnn_har_int8.tflite"
# By how much the made-up runtime is off, and what it promises.
OFF, TOLERANCE = 2, 3


class MadeUp(Midfuse):
    """Ours under another name, whose right answers are a little other ones."""

    name = "made-up"

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def expected(
        self, model: TFLiteModel, inputs: Sequence[Values], progress: Progress = SILENT
    ) -> Expected:
        right = super().expected(model, inputs, progress)
        moved = [np.where(x > 0, x - OFF, x + OFF).astype(x.dtype) for x in right.outputs]
        return Expected(moved, "made-up answers", TOLERANCE)


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("made-up", f"{__name__}:MadeUp", interface.GROUP)

    def entry_points(*, group: str) -> list[EntryPoint]:
        return [*metadata.entry_points(group=group), entry]

    monkeypatch.setattr(interface, "entry_points", entry_points)


@pytest.mark.usefixtures("made_up")
@pytest.mark.parametrize("tolerance", [OFF, OFF - 1])
def test_evaluate_runs_it_and_judges_by_its_tolerance(
    tolerance: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_oracle()
    monkeypatch.setattr(f"{__name__}.TOLERANCE", tolerance)
    inputs = tmp_path / "in.npz"
    np.savez(inputs, **{"0": random_windows_of(MODEL, 3)})
    command = ["evaluate", str(MODEL), "--board=native", "--runtime=made-up", f"--inputs={inputs}"]
    answer = CliRunner().invoke(main, [*command, f"--out={tmp_path / 'out'}", "--json"])
    data = json.loads(answer.stdout)
    assert data["compared_with"] == "made-up answers"
    assert (data["largest_difference"], data["tolerance"]) == (OFF, tolerance)
    assert data["differing_bytes"] > 0
    assert answer.exit_code == (0 if tolerance >= OFF else 1), answer.output
    if tolerance < OFF:
        assert "an output value differs from made-up answers by 2" in answer.stderr


def random_windows_of(path: Path, count: int) -> Values:
    from midfuse.core.tflite_file import read_tflite

    return random_windows(read_tflite(path), count)[0]


@pytest.mark.usefixtures("made_up")
def test_the_environment_names_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDFUSE_MADE_UP", str(tmp_path))
    found = find_runtime("made-up")
    assert isinstance(found, MadeUp)
    assert found.folder == tmp_path


def test_an_unknown_one_is_one_line() -> None:
    with pytest.raises(InputError, match="`runtime` nope: unknown; known: midfuse, tflm"):
        find_runtime("nope")
