"""`memory.html`: the drawing says what the plan says, and takes names from anybody."""

import re
import shutil
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from firmware_tools.compiler import CompiledModel, compile_model
from firmware_tools.image.memory import memory_use
from firmware_tools.image.memory_page import memory_report
from midfuse.cli.main import main
from midfuse.core.tflite_file import TFLiteModel, parse_tflite, read_tflite
from tests.support.paths import DATA

pytest.importorskip("tflite_micro", reason="the schema to build models with is in its wheel")
from tests.support.large_model import too_large
from tests.support.tflite_builder import TFLiteBuilder

MODELS = sorted(DATA.glob("*.tflite"))
CNN = MODELS[0]


def draw(model: TFLiteModel, folder: Path) -> tuple[CompiledModel, str]:
    compiled = compile_model(model, folder)
    return compiled, memory_report(model, compiled, memory_use(compiled))


def svg(page: str) -> ElementTree.Element:
    (drawing,) = re.findall(r"<svg.*</svg>", page, re.DOTALL)
    return ElementTree.fromstring(drawing)


def box(rectangle: ElementTree.Element) -> tuple[float, float, float, float]:
    x, y, width, height = (float(rectangle.get(k, "")) for k in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_the_drawing_is_the_plan(path: Path, tmp_path: Path) -> None:
    compiled, page = draw(read_tflite(path), tmp_path)
    memory = memory_use(compiled)
    drawing = svg(page)
    boxes = [box(rectangle) for rectangle in drawing.iterfind("g/rect")]
    assert len(boxes) == len(compiled.plan.lives.distinct)
    for a, b in combinations(boxes, 2):
        over = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        assert min(over) < 0.21, "two blocks in one place at one time (beyond rounding)"
    (mark,) = (box(rectangle) for rectangle in drawing.iterfind("rect"))
    middle = (mark[0] + mark[2]) / 2
    alive = sum(b[3] - b[1] for b in boxes if b[0] < middle < b[2])
    whole = mark[3] - mark[1]
    assert alive == pytest.approx(whole * memory.peak_bytes / memory.arena_bytes, abs=1)
    assert max(b[2] for b in boxes) < float(drawing.get("width", ""))
    assert min(b[1] for b in boxes) == pytest.approx(mark[1], abs=0.2)
    assert memory.peak in "".join(drawing.itertext())


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_every_op_is_accounted_for(path: Path, tmp_path: Path) -> None:
    model = read_tflite(path)
    compiled, page = draw(model, tmp_path)
    text = re.sub(r"<[^>]*>|\s+", " ", page[page.index("The steps of") :])
    for op in model.ops:
        assert f" {op.index} {op.name}" in text
    constants = sum(
        int(n) for n in re.findall(r"<td>(?:weights|biases.*|tables)</td>.*>(\d+)<", page)
    )
    assert constants == memory_use(compiled).constant_bytes


def test_nothing_is_fetched_and_names_are_escaped(tmp_path: Path) -> None:
    builder = TFLiteBuilder()
    given = builder.input((1, 40), 0.5, 0)
    squared = builder.tensor((1, 40), 0.5, 0)
    builder.op("MUL", [given, given], squared)
    builder.tensors[squared].name = "</title><script>alert(1)</script>"
    _, page = draw(parse_tflite(builder.content(), Path("<b>.tflite")), tmp_path)
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;/title&gt;&lt;script&gt;" in page
    assert not re.search(r"https?:|src=|href=|@import|url\(", page)
    svg(page)


@pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
)
def test_the_command_draws_what_it_built(tmp_path: Path) -> None:
    command = ["build", str(CNN), "--board", "qemu-mps2-an386", "--out", str(tmp_path), "--report"]
    answer = CliRunner().invoke(main, command)
    assert answer.exit_code == 0
    page = (tmp_path / "memory.html").read_text()
    (peak,) = re.findall(r'<p class="peak">(.*)</p>', page)
    assert peak in answer.stdout.splitlines()
    assert f"wrote {tmp_path / 'memory.html'}" in answer.stdout
    flash = (tmp_path / "firmware.bin").stat().st_size
    assert re.search(rf"<td>in all</td>\D*{flash}<", page)


def test_a_model_that_does_not_fit_is_drawn_all_the_same(tmp_path: Path) -> None:
    model, out = too_large(tmp_path), tmp_path / "out"
    command = ["build", str(model), "--board", "microbit", "--out", str(out)]
    assert CliRunner().invoke(main, [*command, "--report"]).exit_code == 2
    assert [path.name for path in out.iterdir()] == ["memory.html"]


def test_source_has_its_drawing_when_asked(tmp_path: Path) -> None:
    command = ["build", str(CNN), "--source-only", "--out", str(tmp_path)]
    CliRunner().invoke(main, command)
    assert not (tmp_path / "memory.html").exists()
    CliRunner().invoke(main, [*command, "--report"])
    page = (tmp_path / "memory.html").read_text()
    assert "depends on the compiler" in page
