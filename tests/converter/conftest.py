"""Real conversions, each done once: the stand-in module, an `.onnx`, and a card's student."""

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

from converter.pipeline import convert_model
from converter.result import Conversion
from midfuse.core.card import (
    Architecture,
    Input,
    Modality,
    ModelCard,
    Output,
    Training,
    Window,
    write_card,
)
from tests.converter.standin import CLASSES

# A process that has computed on several threads cannot be forked, which the command does.
torch.set_num_threads(1)

STANDIN = Path(__file__).with_name("standin.py")
FloatArray = npt.NDArray[np.float32]


def sensor_windows(count: int, seed: int) -> dict[str, FloatArray]:
    """Two sensors' windows (count, 128, 3): a slow swing and noise, as a wrist gives them."""
    rng = np.random.default_rng(seed)
    time = np.arange(128)[None, :, None] / 50
    windows = {}
    for name in ("acc", "gyro"):
        rate, phase, size = rng.uniform(0.5, 3, (3, count, 1, 3))
        swing = size * np.sin(2 * np.pi * rate * time + phase)
        windows[name] = (swing + 0.2 * rng.standard_normal((count, 128, 3))).astype(np.float32)
    return windows


@dataclass(frozen=True)
class Converted:
    """A finished `midfuse convert`: its JSON, its standard error, and its folder."""

    data: dict[str, Any]
    stderr: str
    folder: Path
    test: dict[str, npt.NDArray[Any]]


@pytest.fixture(scope="session")
def calibration_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("windows") / "calibration.npz"
    np.savez(path, **sensor_windows(150, seed=1))
    return path


@pytest.fixture(scope="session")
def converted(calibration_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Converted:
    """The stand-in through the command, as a user runs it."""
    folder = tmp_path_factory.mktemp("converted")
    labels = np.random.default_rng(3).integers(0, CLASSES, 120)
    test: dict[str, npt.NDArray[Any]] = {**sensor_windows(120, seed=2), "labels": labels}
    np.savez(folder / "test.npz", **test)
    command = [sys.executable, "-m", "midfuse", "convert", f"{STANDIN}:two_sensors", "--json"]
    command += ["--calibration", str(calibration_file), "--test", str(folder / "test.npz")]
    done = subprocess.run(
        [*command, "--out", str(folder / "out")],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return Converted(json.loads(done.stdout), done.stderr, folder / "out", test)


def random_student(folder: Path) -> Path:
    """What the trainer writes, with weights that nobody trained; normalisations have statistics."""
    config = {"channels": [3, 3], "length": 128, "classes": CLASSES}
    (entry,) = (e for e in entry_points(group="midfuse.architectures") if e.name == "dmft-student")
    torch.manual_seed(5)
    module = entry.load()(**config).train()
    for seed in range(10):
        batch = sensor_windows(32, seed)
        module(torch.from_numpy(batch["acc"]), torch.from_numpy(batch["gyro"]))
    save_file(module.state_dict(), folder / "student.safetensors")
    inputs = [
        Input(
            name=name,
            modality=name,
            shape=[1, 128, 3],
            mean=[0.5, -1.0, 9.0],
            std=[2.0, 0.5, 3.0],
        )
        for name in ("acc", "gyro")
    ]
    card = ModelCard(
        name="student",
        modalities=[
            Modality(name=name, channels=["x", "y", "z"], unit="1", rate_hz=50)
            for name in ("acc", "gyro")
        ],
        window=Window(length=128, hop=64),
        labels=[f"class {i}" for i in range(CLASSES)],
        inputs=inputs,
        outputs=[Output(name="logits", shape=[1, CLASSES])],
        architecture=Architecture(name="dmft-student", config=config),
        training=Training(dataset="none", licence="none", split={}, seed=5, figures={}),
    )
    write_card(card, folder / "student.json")
    return folder / "student.safetensors"


@pytest.fixture(scope="session")
def student_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_student(tmp_path_factory.mktemp("student"))


@pytest.fixture(scope="session")
def converted_student(
    student_file: Path, calibration_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Conversion:
    out = tmp_path_factory.mktemp("student") / "out"
    return convert_model(student_file, str(calibration_file), out=out)


def save_cnn(path: Path) -> Path:
    """A small 2-D CNN as `.onnx`, its batch axis open, its names such as exporters make them."""
    rng = np.random.default_rng(0)

    def weight(name: str, *shape: int) -> TensorProto:
        values = rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]) or 1)
        return numpy_helper.from_array(values.astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["image.1", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1], name="/c1"),
        helper.make_node("Relu", ["c1"], ["r1"], name="/r1"),
        helper.make_node("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p1", "w2", "b2"], ["c2"], strides=[2, 2], name="/c2"),
        helper.make_node("Relu", ["c2"], ["r2"], name="/r2"),
        helper.make_node("GlobalAveragePool", ["r2"], ["g"], name="/g"),
        helper.make_node("Flatten", ["g"], ["f"], name="/f"),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["score:0"], transB=1, name="/fc"),
    ]
    weights = [weight("w1", 8, 2, 3, 3), weight("b1", 8), weight("w2", 12, 8, 3, 3)]
    weights += [weight("b2", 12), weight("w3", 5, 12), weight("b3", 5)]
    graph = helper.make_graph(
        nodes,
        "cnn",
        [helper.make_tensor_value_info("image.1", TensorProto.FLOAT, ["batch", 2, 16, 20])],
        [helper.make_tensor_value_info("score:0", TensorProto.FLOAT, ["batch", 5])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def onnx_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_cnn(tmp_path_factory.mktemp("onnx") / "cnn.onnx")


@pytest.fixture(scope="session")
def converted_onnx(onnx_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    images = np.random.default_rng(4).standard_normal((40, 2, 16, 20)).astype(np.float32)
    out = tmp_path_factory.mktemp("onnx") / "out"
    return convert_model(onnx_file, {"image.1": images}, out=out)
