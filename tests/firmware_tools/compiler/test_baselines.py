"""The three baseline models: every op's tensor and every output, byte for byte TFLM's."""

import json
from pathlib import Path

import numpy as np
import pytest

from midfuse.core.tflite_file import read_tflite
from tests.support.host_build import random_windows, run_compiled, run_oracle
from tests.support.paths import DATA, SHARED

BASELINES = SHARED / "baselines" / "baselines.json"
MODELS = sorted(DATA.glob("*.tflite"))

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
@pytest.mark.parametrize("observable", [False, True], ids=["ordinary", "observable"])
def test_bytes_equal_tflm(path: Path, observable: bool, tmp_path: Path) -> None:
    model = read_tflite(path)
    windows = random_windows(model, 30, np.random.default_rng(7))
    ours = run_compiled(model, windows, tmp_path, observable=observable)
    np.testing.assert_array_equal(ours, run_oracle(model, windows, observable=observable))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_recorded_tflm_answers(path: Path, tmp_path: Path) -> None:
    """The answers recorded on a Cortex-M4 that `../shared/baselines/baselines.json` lists."""
    if not BASELINES.exists():
        pytest.skip(f"{BASELINES} is not there")
    recorded = json.loads(BASELINES.read_text())["models"][path.stem]["outputs"]
    model = read_tflite(path)
    state, windows = 12345, []
    for _ in recorded:
        window = []
        for index in model.inputs:
            codes = []
            for _ in range(model.tensors[index].elements):
                state = (state * 1664525 + 1013904223) % (1 << 32)
                codes.append(state >> 24)
            window.append(np.array(codes, np.uint8).view(np.int8))
        windows.append(window)
    ours = run_compiled(model, windows, tmp_path, observable=False)
    np.testing.assert_array_equal(ours.reshape(len(recorded), -1), recorded)
