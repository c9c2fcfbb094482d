"""`midfuse bench`: its figures are evaluate's and the image's, and it judges them."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner, Result

from firmware_tools.board.registry import read_board
from firmware_tools.image.image import read_image
from firmware_tools.measure.bench import cores_here, run_bench
from firmware_tools.measure.evaluate import evaluate_model
from firmware_tools.measure.reference import BUILT_IN, read_reference
from firmware_tools.measure.windows import draw_windows
from firmware_tools.runtimes.midfuse import Midfuse
from midfuse.cli.main import main
from midfuse.core.macs import model_macs
from midfuse.core.results import Figures
from midfuse.core.tflite_file import read_tflite
from tests.boards.conftest import MODELS, need, need_oracle
from tests.support.paths import DATA

CNN = DATA / "cnn_har_int8.tflite"
M4 = read_board("qemu-mps2-an386")


def bench(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["bench", *map(str, arguments)], env={"COLUMNS": "80"})


def reference(path: Path, targets: dict[str, float], sha256: str | None = None) -> Path:
    """A file with targets for the CNN on the M4, and another runtime's figures."""
    others = {"cortex-m4": {"TFLM": {"instructions": 9e6}}}
    model = {"sha256": sha256, "runtimes": others, "targets": {"cortex-m4": targets}}
    text = {"schema_version": 1, "how_measured": "by hand", "models": {CNN.stem: model}}
    path.write_text(json.dumps(text))
    return path


def one_line(answer: Result, code: int) -> str:
    assert answer.exit_code == code, answer.output
    (line,) = (line for line in answer.stderr.splitlines() if line.startswith("error: "))
    return line


def test_figures_are_those_of_evaluate_and_of_the_image(tmp_path: Path) -> None:
    need_oracle()
    board, model = need(M4), read_tflite(CNN)
    judged = reference(tmp_path / "r.json", {"instructions": 5e6, "flash_bytes": 1e6})
    answer = bench(CNN, "--board", board.name, "--inferences=4", "--out", tmp_path / "out",
                   "--reference", judged, "--json")  # fmt: skip
    assert answer.exit_code == 0, answer.output
    data = json.loads(answer.stdout)
    assert data == json.loads((tmp_path / "out" / "bench.json").read_text())
    (cell,) = data["cells"]
    found, _ = evaluate_model(
        model, board, draw_windows(model, 4), tmp_path / "evaluate", Midfuse()
    )
    assert found.instructions_per_inference is not None
    for figure in ("mean", "min", "max"):
        instructions = getattr(found.instructions_per_inference, figure)
        assert cell["instructions"][figure] == pytest.approx(instructions, abs=41)
    for figure in ("ram_bytes", "flash_bytes", "arena_bytes"):
        assert cell[figure] == getattr(found, figure)
    assert (cell["differing_bytes"], cell["macs"]) == (0, model_macs(model))
    image = read_image(tmp_path / "evaluate" / "firmware.elf", board)
    assert cell["flash_parts"] == image.flash_parts
    steps = cell["profile"]["steps"]
    assert sum(step["taken"] for step in steps) == pytest.approx(cell["instructions"]["mean"], 0.02)
    assert cell["runtimes"] == {"TFLM": {"instructions": 9e6}}
    assert [(t["figure"], t["at_most"], t["met"]) for t in cell["targets"]] == [
        ("instructions", 5e6, True),
        ("flash_bytes", 1e6, True),
    ]


def test_a_missed_target_is_shown_and_told(tmp_path: Path) -> None:
    need_oracle()
    targets = {"instructions": 1000, "instructions_per_mac": 0.001, "arena_bytes": 1 << 20}
    arguments = (CNN, "--board", need(M4).name, "--inferences=1", "--out", tmp_path / "out")
    answer = bench(*arguments, "--reference", reference(tmp_path / "r.json", targets))
    line = one_line(answer, 1)
    assert "2 of 3 targets missed, first cnn_har_int8 on qemu-mps2-an386: instructions " in line
    assert ", at most 1,000;" in line
    assert "919,936 multiply-accumulates; 1 windows a core, 0 bytes differ" in answer.stdout
    for words in (r"cortex-m4 .* 9\.00 .* ≤ 0\.001", r"cortex-m4 .* ≤ 1024", r"\nCONV_2D +[\d,]+"):
        assert re.search(words, answer.stdout)
    assert "…" not in answer.stdout  # the tables fit a terminal of 80 columns
    chart = ElementTree.parse(tmp_path / "out" / "bench.svg").getroot()
    bars = chart.findall(".//{*}rect")[2:]  # behind the key's two
    ours, theirs = (float(bar.get("width", "0")) for bar in bars)
    assert 0 < ours < theirs
    # Targets of another model of the same name are not this one's.
    other = reference(tmp_path / "r.json", targets, sha256="0" * 64)
    assert bench(*arguments, "--reference", other).exit_code == 0


def test_a_board_a_core() -> None:
    """Of two boards of a core, the one with room for more models."""
    need(M4)
    found = {board.core: board.name for board in cores_here()}
    assert found["cortex-m4"] == M4.name
    assert found["cortex-m0"] == "qemu-mps2-an385-m0"
    assert list(found) == sorted(found, key=lambda core: int(core.removeprefix("cortex-m")))


def test_a_board_that_is_too_small_is_passed_over(tmp_path: Path) -> None:
    """Unless it was asked for."""
    need_oracle()
    from tests.support.large_model import too_large

    model, recorded = read_tflite(too_large(tmp_path)), read_reference(BUILT_IN)
    boards = [need(read_board("microbit")), need(M4)]
    found = run_bench([model], boards, 1, recorded, tmp_path, Midfuse(), skip=True)
    assert [cell.board for cell in found.cells] == [M4.name]
    (line,) = found.skipped
    assert line.startswith("large on microbit: ")
    assert "does not fit microbit" in line
    answer = bench(model.path, "--board=microbit", "--inferences=1", f"--out={tmp_path}")
    assert "does not fit microbit" in one_line(answer, 2)


def test_what_is_recorded_is_of_the_models_in_the_repository() -> None:
    recorded = read_reference(BUILT_IN)
    assert set(recorded.models) == set(MODELS)
    for name in MODELS:
        found = recorded.find(read_tflite(DATA / f"{name}.tflite"))
        assert set(found.targets) == {"cortex-m4", "cortex-m55"}
        for core, target in found.targets.items():
            theirs = found.runtimes[core]["TFLM + CMSIS-NN"]
            assert target.instructions is not None
            assert theirs.instructions is not None
            assert target.instructions < theirs.instructions
    assert recorded.find(read_tflite(DATA / f"{MODELS[0]}.tflite")).targets["cortex-m4"] == Figures(
        instructions=1_400_000, arena_bytes=8 * 1024
    )


def test_windows_are_half_noise_and_half_signals() -> None:
    model = read_tflite(CNN)
    (values,) = draw_windows(model, 6)
    assert values.shape == (6, *model.tensors[model.inputs[0]].shape)
    assert np.array_equal(values, draw_windows(model, 6)[0])
    signal = values.astype(np.float64)
    spread = signal.std(axis=(1, 2, 3))
    assert all(70 < each < 78 for each in spread[::2])
    assert all(20 < each < 40 for each in spread[1::2])
    steps = np.abs(np.diff(signal, axis=int(np.argmax(values.shape[1:])) + 1)).mean(axis=(1, 2, 3))
    assert max(steps[1::2]) * 5 < min(steps[::2])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "JSON: "),
        ('{"schema_version": 2, "how_measured": "", "models": {}}', "schema_version: "),
        (
            '{"schema_version": 1, "how_measured": "", "models": {"m": {"runtimes": {"c": 1}}}}',
            "models.m.runtimes.c: ",
        ),
    ],
    ids=["empty", "version", "key"],
)
def test_a_reference_that_cannot_be_used(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(content)
    line = one_line(bench(CNN, f"--reference={path}", f"--out={tmp_path / 'out'}"), 2)
    assert line.startswith(f"error: {path}: {message}")
    assert not (tmp_path / "out").exists()


def test_use_that_is_wrong_is_one_line(tmp_path: Path) -> None:
    out = f"--out={tmp_path / 'out'}"
    cases: list[tuple[list[Any], str]] = [
        ([CNN, "--board=native"], "native counts no instructions; name an emulated board"),
        ([tmp_path / "no.tflite"], "no.tflite: cannot be read"),
        ([CNN, "--board=qemu-mps2-an368"], "near names: qemu-mps2-an"),
    ]
    for arguments, message in cases:
        assert message in one_line(bench(*arguments, out), 2)
    assert bench(CNN, "--inferences=0", out).exit_code == 2
