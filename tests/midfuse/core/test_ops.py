"""The op table's page and its errors say what the table says."""

from dataclasses import replace

import pytest

from midfuse.core.errors import InputError
from midfuse.core.ops import OPS
from midfuse.core.ops_page import PAGE, ops_page
from midfuse.core.support import check_support
from midfuse.core.tflite_file import read_tflite
from tests.support.paths import DATA

MODEL = DATA / "cnn_har_int8.tflite"


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == ops_page(), "write it again: make docs"
    assert all(f"| {name} |" in ops_page() for name in OPS)


@pytest.mark.parametrize("end", ["input", "output"])
def test_a_refused_type_names_what_is_supported(end: str) -> None:
    model = read_tflite(MODEL)
    op = next(op for op in model.ops if op.name == "CONV_2D")
    wrong = op.inputs[0] if end == "input" else op.outputs[0]
    tensors = list(model.tensors)
    tensors[wrong] = replace(tensors[wrong], dtype="uint8")
    broken = replace(model, ops=[op], tensors=tensors)
    with pytest.raises(InputError) as caught:
        check_support(broken, "m.tflite")
    name = tensors[wrong].name[:60]
    said = f"op {op.index} (CONV_2D): tensor {name} is uint8, CONV_2D is supported on "
    assert str(caught.value).startswith(f"m.tflite: {said}{', '.join(OPS['CONV_2D'].forms)}; ")
