"""The report, the terminal's lines, the JSON and the overlays, on results of 1, 50 and 200 ops."""

import io
import json
import re
from collections import Counter
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from converter.checks.causes import BROKEN_DB, SUSPECT_DB
from converter.checks.limits import MAX_ACCURACY_DROP, MIN_SQNR_DB
from converter.checks.op_check import CauseKind, OpCheck, OpError, Verdict
from converter.commands.convert import convert
from converter.commands.view import summary
from converter.report.drawings import HEIGHT, OUTLIER, draw_histogram, draw_weights
from converter.report.model_explorer import write_overlays
from converter.report.page import group_by_part, write_report
from converter.report.per_op_json import SCHEMA_VERSION, write_per_op
from converter.report.words import bar_percent, headline, kept, sqnr, worst_first
from converter.result import Conversion
from midfuse.core.activations import peak_activations
from midfuse.core.tflite_file import Op, read_tflite
from tests.converter.made_up import made_up_check, made_up_model, made_up_result
from tests.support.paths import DATA, DOCS

HOSTILE = "</script></title><b onmouseover=alert(1)>\"'&amp;[red]\x1b[2J\n\u202ename"
_VOID = {"meta", "br", "path", "line", "circle", "rect"}


class _Page(HTMLParser):
    """The tags of a page and their attributes; every one that opens must close in its place."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


def _written(result: Conversion, folder: Path) -> tuple[str, _Page]:
    write_report(folder / "report.html", result)
    page = (folder / "report.html").read_text(encoding="utf-8")
    return page, _Page(page)


@pytest.mark.parametrize("ops", [1, 50, 200])
def test_every_op_is_there_in_order_with_both_errors(ops: int, tmp_path: Path) -> None:
    result = made_up_result(ops)
    _, page = _written(result, tmp_path)
    rows = [li["id"] for li in page.all("li")]
    assert rows == [f"op{index}" for index in range(ops)]
    widths = [
        (span["class"], float(re.fullmatch(r"width:([\d.]+)%", span["style"])[1]))  # type: ignore[index]
        for span in page.all("span")
        if span.get("class", "").startswith("bar ")
    ][2:]  # the key's
    assert widths == [
        (f"bar {kind}", bar_percent(error))
        for check in result.checks
        for kind, error in (("accumulated", check.accumulated), ("local", check.local))
    ]
    text = " ".join("".join(page.text).split())
    for check in result.checks:
        assert f"{check.accumulated.mean_steps:.2f}" in text
        assert f"{sqnr(check.accumulated)} local" in text
        if check.cause is not None:
            assert check.cause.sentence in text


def test_a_report_of_200_ops_stays_small_and_folds_what_is_fine(tmp_path: Path) -> None:
    result = made_up_result(200)
    # One part without a suspect: it is folded, all others are open.
    checks = [
        replace(check, verdict=Verdict.FINE, cause=None) if 60 <= check.index < 80 else check
        for check in result.checks
    ]
    page, parsed = _written(replace(result, checks=checks), tmp_path)
    assert len(page.encode()) < 500_000
    groups = [d for d in parsed.all("details") if d["class"] == "group"]
    assert ["open" in group for group in groups] == [at != 3 for at in range(10)]


def test_the_page_stands_alone_and_links_lead_somewhere(tmp_path: Path) -> None:
    _, page = _written(made_up_result(50), tmp_path)
    assert not {"script", "link", "img", "iframe", "object", "base"} & {tag for tag, _ in page.tags}
    ids = Counter(attributes["id"] for _, attributes in page.tags if "id" in attributes)
    assert max(ids.values()) == 1
    for _, attributes in page.tags:
        assert not {"src", "srcset", "action", "data", "xlink:href"} & attributes.keys()
        if "href" in attributes:
            assert attributes["href"][0] == "#"
            assert attributes["href"][1:] in ids
    style = (tmp_path / "report.html").read_text().split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_every_drawing_says_in_words_what_it_shows(tmp_path: Path) -> None:
    result = made_up_result(50)
    _, page = _written(result, tmp_path)
    drawings = page.all("svg")
    assert len(drawings) == 10 + 10  # the worst ten, and every op with weights
    assert all(svg["role"] == "img" for svg in drawings)
    first = worst_first(result.checks)[0]
    assert drawings[0]["aria-label"].startswith(f"Histogram of op {first.index} {first.op}")
    assert "% lie below it" in drawings[0]["aria-label"]
    assert re.search(r"channel 3 is [\d.]+ times the median", drawings[10]["aria-label"])


def test_hostile_names_stay_text_everywhere(tmp_path: Path) -> None:
    result = made_up_result(50, HOSTILE)
    page, parsed = _written(result, tmp_path)
    plain_tags = Counter(tag for tag, _ in _written(made_up_result(50), tmp_path)[1].tags)
    assert Counter(tag for tag, _ in parsed.tags) == plain_tags
    assert not any(name.startswith("on") for _, found in parsed.tags for name in found)
    assert "<b onmouseover" in "".join(parsed.text)
    assert not {"\x1b", "\u202e"} & set(page)

    console = Console(file=io.StringIO(), width=300, force_terminal=True)
    console.print(summary(result))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[red]" in shown
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown

    write_per_op(tmp_path / "per_op.json", result.model, 100, result.checks)
    read = json.loads((tmp_path / "per_op.json").read_text())
    assert read["ops"][0]["node"].startswith(f"/{HOSTILE}")


def test_fixes_are_listed_with_what_they_gained(tmp_path: Path) -> None:
    result = made_up_result(1)
    _, page = _written(result, tmp_path)
    text = " ".join("".join(page.text).split())
    row = "cross-layer equalisation channels of one size ✓ kept 4.1 dB → 8.3 dB 71.0% → 86.0%"
    assert f"{row} 66.0% → 77.0%" in text
    assert "bias correction biases not kept 8.3 dB → 8.4 dB" in text
    assert result.fixes is not None
    assert kept(result.fixes) == (
        "fixes: cross-layer equalisation, int16 for 2 tensors; SQNR 4.1 dB to 24.3 dB"
    )
    assert kept(result.fixes[1:2]) == "fixes: 1 tried, none helps"
    assert kept([]) == "fixes: none needed"
    _, healthy = _written(replace(result, fixes=[]), tmp_path)
    assert "the model was healthy as it was" in " ".join("".join(healthy.text).split())
    _, without = _written(replace(result, fixes=None), tmp_path)
    assert not any(attributes.get("id") == "fixes" for _, attributes in without.tags)


def test_what_has_no_value_says_so() -> None:
    error = made_up_check(made_up_model(1), 0).local
    none = replace(error, sqnr_db=None, channel_sqnr_db=None)
    exact = replace(none, max_abs=0.0, max_steps=0.0)
    assert (sqnr(none), bar_percent(none)) == ("no signal", 0.0)
    assert (sqnr(exact), bar_percent(exact)) == ("exact", 100.0)
    assert bar_percent(replace(error, sqnr_db=80.0, channel_sqnr_db=90.0)) == 100
    assert bar_percent(replace(error, sqnr_db=-3.0)) == 0
    assert bar_percent(replace(error, sqnr_db=40.0, channel_sqnr_db=20.0)) == 40


def test_the_headline_names_the_first_broken_op_else_the_first_suspect() -> None:
    checks = made_up_result(50).checks
    assert headline(checks).startswith("The first broken op is 12 ADD of layers.0.part.add. Range")
    mended = [
        replace(check, verdict=Verdict.FINE) if check.verdict is Verdict.BROKEN else check
        for check in checks
    ]
    assert headline(mended).startswith("No op is broken; the first suspect one is 7 ADD of")
    assert headline([check for check in mended if check.verdict is Verdict.FINE]) == (
        "Healthy: all 47 ops are fine."
    )


def test_the_worst_come_by_verdict_then_by_local_error() -> None:
    checks = made_up_result(50).checks
    none = replace(checks[0].local, sqnr_db=None, channel_sqnr_db=None, max_abs=0.0)
    ranked = worst_first([replace(checks[0], local=none), *checks[1:]])
    assert [check.verdict for check in ranked[:6]] == ["broken"] * 2 + ["suspect"] * 3 + ["fine"]
    fine = [min(c.local.sqnr_db or 0, c.local.channel_sqnr_db or 0) for c in ranked[5:-1]]
    assert fine == sorted(fine)
    assert ranked[-1].local is none


def test_ops_are_grouped_by_the_part_of_the_model() -> None:
    model = made_up_model(8)
    modules = ["embed.1.conv", None, "blocks.0.a.q", "blocks.0.b", "blocks.1", "head", "head.fc"]
    checks = [
        replace(made_up_check(model, index), module=module)
        for index, module in enumerate([None, *modules])
    ]
    groups = [(group.part, len(group.checks)) for group in group_by_part(checks)]
    assert groups == [("", 1), ("embed.1", 2), ("blocks.0", 2), ("blocks.1", 1), ("head", 2)]
    assert sum(len(group.checks) for group in group_by_part(checks)) == 8


def test_a_histogram_is_drawn_to_scale() -> None:
    check = made_up_check(made_up_model(1), 0)
    counts = np.zeros(66, np.int64)
    counts[[0, 1, 33, 65]] = [9, 0, 99, 1]
    histogram = replace(check.histogram, float_counts=counts, int8_counts=counts)
    drawing = draw_histogram(replace(check, histogram=histogram))
    tops = [float(y) for y in re.findall(r"V([\d.]+)H", drawing.float_path)]
    scale = HEIGHT / np.log(100)
    expected = [HEIGHT - scale * np.log(count + 1) for count in (9, 99, 1)]
    assert tops == pytest.approx(expected, abs=0.06)
    starts = [float(x) for x in re.findall(r"M([\d.]+) ", drawing.float_path)]
    assert starts[0] < drawing.left < starts[1] < drawing.right < starts[2]
    assert (drawing.below, drawing.above) == (9 / 109, 1 / 109)


def test_weights_are_drawn_a_bar_a_channel_and_outliers_apart() -> None:
    model = made_up_model(1)
    weights = model.tensors[1]
    assert weights.data is not None
    assert weights.quantization is not None
    (drawing,) = draw_weights(model, [made_up_check(model, 0)])
    real = weights.data * weights.quantization.scale[:, None]
    assert (drawing.low, drawing.high) == pytest.approx((real.min(), real.max()))
    reach = np.abs(real).max(1)
    assert [channel for channel, _ in drawing.outliers] == [3]
    assert drawing.outliers[0][1] == pytest.approx(reach[3] / np.median(reach))
    assert drawing.outliers[0][1] > OUTLIER
    assert (drawing.ordinary.count("M"), drawing.outlying.count("M")) == (23, 1)


def test_many_channels_share_bars() -> None:
    model = made_up_model(1)
    weights = model.tensors[1]
    assert weights.data is not None
    wide = np.repeat(weights.data, 50, axis=0)
    model.tensors[1] = replace(weights, data=wide, shape=wide.shape, quantization=None)
    (drawing,) = draw_weights(model, [made_up_check(model, 0)])
    assert (drawing.channels, drawing.together) == (1200, 13)
    assert drawing.ordinary.count("M") == 93


def test_overlays_are_node_data_by_position(tmp_path: Path) -> None:
    checks = made_up_result(50).checks
    exact = replace(checks[4].local, sqnr_db=None, channel_sqnr_db=None, max_abs=0.0)
    checks[4] = replace(checks[4], local=exact)
    write_overlays(tmp_path, checks)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "per_op_accumulated.model_explorer.json",
        "per_op_local.model_explorer.json",
    ]
    local = json.loads((tmp_path / "per_op_local.model_explorer.json").read_text())
    assert local["name"] == "local SQNR (dB)"
    assert set(local["results"]) == {str(index) for index in range(50) if index != 4}
    lowest = min(checks[12].local.sqnr_db or 0, checks[12].local.channel_sqnr_db or 0)
    assert local["results"]["12"] == {"value": pytest.approx(lowest, abs=0.005)}
    values = [threshold["value"] for threshold in local["thresholds"]]
    assert values == sorted(values)
    assert values[:2] == [10, 20]  # broken, suspect


def test_per_op_json_has_every_figure_and_no_infinity(tmp_path: Path) -> None:
    result = made_up_result(50)
    broken = replace(result.checks[0].local, mean_abs=np.inf, cosine=float("nan"))
    result.checks[0] = replace(result.checks[0], local=broken)
    write_per_op(tmp_path / "per_op.json", result.model, 100, result.checks)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    read = json.loads((tmp_path / "per_op.json").read_text(), parse_constant=refuse)
    assert read["schema_version"] == 2
    assert [op["index"] for op in read["ops"]] == list(range(50))
    first = read["ops"][0]
    assert (first["local"]["mean_abs"], first["local"]["cosine"]) == (None, None)
    assert first["local"]["sqnr_db"] == broken.sqnr_db
    assert "histogram" not in first
    assert read["ops"][12]["verdict"] == "broken"
    assert read["ops"][12]["cause"]["kind"] == "range dominated by outliers"


@pytest.mark.parametrize("ops", [1, 50, 200])
def test_the_terminal_gets_a_dozen_lines(ops: int) -> None:
    result = made_up_result(ops)
    console = Console(file=io.StringIO(), width=80)
    console.print(summary(result))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(lines) <= 15
    assert any(line.startswith(headline(result.checks)[:40]) for line in lines)


def test_activations_alive_at_once_by_hand() -> None:
    """Input 192 bytes, kept for every ADD; an ADD has it, its other input and its output."""
    model = made_up_model(5)
    assert [op.name for op in model.ops] == [
        "FULLY_CONNECTED", "SOFTMAX", "ADD", "BATCH_MATMUL", "RESHAPE",
    ]  # fmt: skip
    peak, op = peak_activations(model)
    assert (peak, op.name) == (3 * 192, "SOFTMAX")  # the input waits for the ADD
    lone = replace(model, ops=[Op(0, "SOFTMAX", (0,), (2,))], outputs=(2,))
    assert peak_activations(lone)[0] == 2 * 192


def test_no_tensor_of_an_op_is_left_out_of_the_activations() -> None:
    model = read_tflite(DATA / "cnn_har_int8.tflite")
    peak, at = peak_activations(model)
    for op in model.ops:
        indices = {i for i in (*op.inputs, *op.outputs) if i >= 0}
        own = [t.bytes for t in (model.tensors[i] for i in indices) if t.data is None]
        assert sum(own) <= peak
    assert at in model.ops


def test_the_page_of_the_command_says_what_the_code_does() -> None:
    """Its own page in docs names every cause, verdict, limit, option and field."""
    page = (DOCS / "convert-to-tflite.md").read_text()
    for kind in CauseKind:
        assert f"| {kind.value} |" in page
    assert f"| broken | local below {BROKEN_DB:g} dB" in page
    assert f"| suspect | local below {SUSPECT_DB:g} dB" in page
    assert re.search(rf"`--min-sqnr` \|.*\| {MIN_SQNR_DB:g} dB \|", page)
    assert re.search(rf"`--max-accuracy-drop` \|.*\| {MAX_ACCURACY_DROP:g} \|", page)
    for option in convert.params:
        if option.name not in ("model", "debug", "as_json"):
            assert option.opts[0] in page
    for field in (*fields(OpCheck), *fields(OpError)):
        assert f"`{field.name}`" in page or field.name == "histogram"
    assert f"`schema_version` is {SCHEMA_VERSION}" in page
