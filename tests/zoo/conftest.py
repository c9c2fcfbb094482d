"""The zoo's models and their windows, made once a test run by a process with tensorflow in it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from midfuse.tflite_file import TFLiteModel, read_tflite

ZOO = (
    "autoencoder",
    "ds_cnn",
    "mobilenet",
    "resnet8",
    "squeeze_excite",
    "tcn",
    "transformer",
    "unet",
)
ROOT = Path(__file__).parents[2]


class Specimen(NamedTuple):
    """A model and windows for it: int8, (window, *shape), calibrated ones and random bytes."""

    model: TFLiteModel
    windows: npt.NDArray[np.int8]


@pytest.fixture(scope="session")
def zoo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zoo")
    done = subprocess.run(
        [sys.executable, "-m", "tests.zoo.write", str(folder)],
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
    model = read_tflite(zoo_folder / f"{request.param}.tflite")
    calibrated = np.load(zoo_folder / f"{request.param}.npy")
    noise = np.random.default_rng(5).integers(-128, 128, calibrated.shape, dtype=np.int8)
    return Specimen(model, np.stack([calibrated, noise]))
