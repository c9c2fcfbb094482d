"""Damaged and altered models: the compiler takes a file and writes C that compiles and stays
within its memory, or says in one line what is wrong. Never a crash, a hang or a gigabyte."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from firmware_tools.compiler import RUNTIME
from firmware_tools.image.elf import C_FLAGS
from midfuse.core.tflite_file import parse_tflite
from tests.support.host_build import random_windows, run_compiled
from tests.support.paths import DATA, ROOT

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.firmware_tools.compiler.cases import CASES
from tests.support.mutants import mutant
from tests.support.random_graph import RandomGraph
from tests.support.random_ops import independent_ops

SMALL = 40_000
RUNS_EVERY = 8  # building for the host takes ten times as long as compiling


@pytest.fixture(scope="session")
def originals(zoo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The baselines, the zoo's smaller models, random ops and random graphs."""
    folder = tmp_path_factory.mktemp("originals")
    for path in (*DATA.glob("*.tflite"), *zoo_folder.glob("*.tflite")):
        content = path.read_bytes()
        if len(content) < SMALL:
            (folder / path.name).write_bytes(content)
    kinds = list(CASES)

    @settings(
        max_examples=3,
        deadline=None,
        derandomize=True,  # a mutant's number says which it is
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        for some in (kinds[at::4] for at in range(4)):
            content = independent_ops(some, data.draw, set()).content
            (folder / f"ops_{len(list(folder.iterdir()))}.tflite").write_bytes(content)
        content = RandomGraph(data.draw).model(15).content
        (folder / f"graph_{len(list(folder.iterdir()))}.tflite").write_bytes(content)

    draw()
    return folder


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.full)])
def test_mutants_are_refused_or_compiled_right(originals: Path, count: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.support.mutants", "0", str(count)]
    done = subprocess.run(
        [*command, str(originals), str(tmp_path)],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    answers = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"{answers[-1:]}: {done.stderr}"
    assert [int(number) for number, *_ in answers] == list(range(count))  # of one line each
    compiled = [int(number) for number, answer, *_ in answers if answer == "compiled"]
    # Neither would be a test: all refused, or none.
    assert count / 20 < len(compiled) < count / 2
    flags = [*C_FLAGS, f"-I{RUNTIME}", "-fsyntax-only"]
    sources = [tmp_path / str(number) / "model.c" for number in compiled]
    for at in range(0, len(sources), 50):
        subprocess.run(["gcc", *flags, *map(str, sources[at : at + 50])], check=True)
    paths = sorted(originals.glob("*.tflite"))
    for number in compiled[::RUNS_EVERY]:
        model = parse_tflite(mutant(paths, number), Path(f"{number}.tflite"))
        if sum(tensor.bytes for tensor in model.tensors) < 1 << 20:
            windows = random_windows(model, 2, np.random.default_rng(number))
            run_compiled(model, windows, tmp_path / "run", observable=False)
