"""The zoo's models and their windows, made once a test run by a process with tensorflow in it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from filelock import FileLock

from benchmarks.zoo import INT16, ZOO
from midfuse.core.tflite_file import TFLiteModel, read_tflite
from tests.support.paths import ROOT


class Specimen(NamedTuple):
    """A model and windows for it: codes, (window, *shape), calibrated ones and random bytes."""

    model: TFLiteModel
    windows: npt.NDArray[Any]


@pytest.fixture(scope="session")
def zoo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written once for all workers of a run."""
    shared = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if shared is None:
        return _written(tmp_path_factory.mktemp("zoo"))
    folder = tmp_path_factory.getbasetemp().parent / "zoo"
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            (_written(tmp_path_factory.mktemp("zoo"))).rename(folder)
    return folder


def _written(folder: Path) -> Path:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.zoo.write", str(folder)],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session", params=ZOO)
def specimen(request: pytest.FixtureRequest, zoo_folder: Path) -> Specimen:
    """Every model of the zoo, with one calibrated window and one of random bytes."""
    return _specimen(zoo_folder, request.param)


@pytest.fixture(scope="session", params=INT16)
def int16_specimen(request: pytest.FixtureRequest, zoo_folder: Path) -> Specimen:
    """The same of the models with int16 activations."""
    return _specimen(zoo_folder / "int16", request.param)


def _specimen(folder: Path, name: str) -> Specimen:
    model = read_tflite(folder / f"{name}.tflite")
    calibrated = np.load(folder / f"{name}.npy")
    noise = np.random.default_rng(5).bytes(calibrated.nbytes)
    shaped = np.frombuffer(noise, calibrated.dtype).reshape(calibrated.shape)
    return Specimen(model, np.stack([calibrated, shaped]))
