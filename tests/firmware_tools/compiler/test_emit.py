"""The text of `model.c`: what it takes to live in somebody else's program."""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_tools.compiler import RUNTIME, compile_model
from firmware_tools.compiler.emit import c_float
from midfuse.core.tflite_file import parse_tflite, read_tflite
from tests.support.paths import DATA

pytest.importorskip("tflite_micro", reason="the schema to build models with is in its wheel")
from tests.firmware_tools.compiler.cases import CASES
from tests.support.tflite_builder import TFLiteBuilder

MODEL = DATA / "transformer_relu_int8.tflite"
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Werror", f"-I{RUNTIME}"]


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(data=st.data())
def test_every_op_compiles_as_cxx(data: st.DataObject) -> None:
    """C++ wants a struct's members in order and complete; C does not mind."""
    builder = TFLiteBuilder()
    for case in CASES.values():
        case(builder, data.draw)
    with TemporaryDirectory() as folder:
        compile_model(parse_tflite(builder.content(), Path("all.tflite")), Path(folder))
        command = ["g++", "-x", "c++", "-std=c++11", "-fsyntax-only", *WARNINGS]
        subprocess.run([*command, str(Path(folder) / "model.c")], check=True)


def test_the_model_is_the_only_symbol(tmp_path: Path) -> None:
    compile_model(read_tflite(MODEL), tmp_path, symbol="mf_model_mine")
    command = ["gcc", "-std=c99", *WARNINGS, "-c", "model.c", "-o", "model.o"]
    subprocess.run(command, check=True, cwd=tmp_path)
    listing = subprocess.run(
        ["nm", "-g", "--defined-only", "model.o"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    ).stdout
    assert [line.split()[2] for line in listing.splitlines()] == ["mf_model_mine"]


@given(bits=st.integers(1, 0x7F7F_FFFF))
def test_a_float_comes_back(bits: int) -> None:
    value = np.uint32(bits).view(np.float32)
    text = c_float(value)
    assert text.endswith("f")
    assert np.float32(text[:-1]) == value
