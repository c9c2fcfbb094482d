"""Calibration windows on another scale than the model's: seen, by three witnesses."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from converter.reading.modules import export_onnx
from converter.reading.scale import check_scale
from converter.reading.source import Source, open_source
from converter.reading.windows import FloatArray, Windows, read_windows
from midfuse.core.card import read_card
from midfuse.core.errors import InputError
from tests.converter.conftest import sensor_windows


class Normalised(nn.Module):
    """Two normalisations that an exporter cannot fold into what comes before them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.BatchNorm1d(3)
        self.mix = nn.Conv1d(3, 8, 1)
        self.second = nn.BatchNorm1d(8)

    def forward(self, acc: Tensor) -> Tensor:
        x = self.mix(self.first(acc.transpose(1, 2))).relu()
        y: Tensor = self.second(x).mean(2)
        return y


def _trained() -> nn.Module:
    torch.manual_seed(0)
    model = Normalised().train()
    for seed in range(60):
        model(torch.from_numpy(sensor_windows(16, seed)["acc"]))
    return model.eval()


def _source(kind: str, tmp_path: Path) -> Source:
    source = open_source(_trained())
    if kind == "onnx":
        assert source.module is not None
        example = [sensor_windows(1, 0)["acc"]]
        export_onnx(source.module, ["acc"], None, example, tmp_path / "m.onnx", "m")
        source = open_source(tmp_path / "m.onnx")
    return source


def _windows(source: Source, arrays: dict[str, FloatArray]) -> tuple[Source, Windows]:
    windows = read_windows(arrays, source.inputs)
    return source.settled(windows), windows


@pytest.mark.parametrize("kind", ["module", "onnx"])
@pytest.mark.parametrize(
    ("factor", "offset", "words"),
    [
        (9.80665, 0, r"input of first: .* a factor of (9|10)\.?\d*; are these m/s² and .* on g\?"),
        (1 / 9.80665, 0, "are these g and was it trained on m/s²"),
        (57.29578, 0, "are these degrees and was it trained on radians"),
        (1000, 0, "are these thousandths"),
        (30, 0, "use windows in the unit"),
        (1, 12, r"the mean is 1\d\.?\d*, in training .* standard deviations away"),
    ],
)
def test_normalisations_remember_their_scale(
    kind: str, factor: float, offset: float, words: str, tmp_path: Path
) -> None:
    source = _source(kind, tmp_path)
    arrays = {"acc": sensor_windows(100, seed=90)["acc"]}
    settled, windows = _windows(source, arrays)
    check_scale(settled, windows, None, "calibration.npz")
    far = {"acc": (arrays["acc"] * factor + offset).astype(np.float32)}
    with pytest.raises(InputError, match=words) as caught:
        check_scale(*_windows(source, far), None, "calibration.npz")
    assert str(caught.value).startswith("calibration.npz: the input of first: ")


def test_a_dead_channel_and_an_untrained_model_are_no_reason() -> None:
    arrays = {"acc": sensor_windows(50, seed=90)["acc"]}
    arrays["acc"][..., 1] = 0
    check_scale(*_windows(open_source(_trained()), arrays), None, "c")
    far = {"acc": arrays["acc"] * np.float32(100)}
    check_scale(*_windows(open_source(Normalised().eval()), far), None, "c")


def test_a_card_says_how_windows_are_standardised(student_file: Path) -> None:
    source = open_source(student_file)
    arrays = {name: values / values.std() for name, values in sensor_windows(50, seed=1).items()}
    check_scale(*_windows(source, arrays), None, "c")
    far = arrays | {"acc": arrays["acc"] * np.float32(9.80665)}
    with pytest.raises(InputError, match=r"c: input acc by its card: .* and was it trained on g\?"):
        check_scale(*_windows(source, far), None, "c")
    entry = read_card(student_file.with_suffix(".json")).inputs[1]
    raw = (arrays["gyro"] * 8 * np.array(entry.std) + 20 * np.array(entry.mean)).astype(np.float32)
    with pytest.raises(InputError, match="c: input gyro by its card"):
        check_scale(*_windows(source, arrays | {"gyro": raw}), None, "c")


def test_raw_samples_under_a_card_are_recognised(student_file: Path) -> None:
    source = open_source(student_file)
    assert source.card is not None
    entries = [
        entry.model_copy(update={"mean": [0.0, 0.0, 50.0], "std": [10.0, 20.0, 30.0]})
        for entry in source.card.inputs
    ]
    card = source.card.model_copy(update={"inputs": entries})
    source = Source(source.name, source.where, source.inputs, card=card, module=source.module)
    raw = {
        name: (values * np.array(entries[0].std) + np.array(entries[0].mean)).astype(np.float32)
        for name, values in sensor_windows(50, seed=1).items()
    }
    with pytest.raises(InputError, match="raw samples: take the card's mean away"):
        check_scale(*_windows(source, raw), None, "c")


def test_test_windows_on_another_scale(onnx_file: Path) -> None:
    """The last witness, where the model holds no statistics."""
    images = np.random.default_rng(0).standard_normal((20, 2, 16, 20)).astype(np.float32)
    source, windows = _windows(open_source(onnx_file), {"image.1": images})
    _, other = _windows(source, {"image.1": images[::-1] * np.float32(2)})
    check_scale(source, windows, other, "c")
    _, far = _windows(source, {"image.1": images / np.float32(1000)})
    with pytest.raises(InputError, match=r"input image.1 beside the test windows.*thousandths"):
        check_scale(source, windows, far, "c")
