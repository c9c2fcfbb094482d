"""Ten models as other people write and export them: random weights, trained-looking statistics.

Nothing here knows of the converter. Each goes into an `.onnx` by `torch.onnx.export`, with the
options that people use: constant folding or not, an open batch axis or not, an older opset.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

FloatArray = npt.NDArray[np.float32]


class Cnn1d(nn.Sequential):
    """A stack as in many activity-recognition notebooks: channels first, pooled over time."""

    def __init__(self) -> None:
        super().__init__(
            *(nn.Conv1d(6, 16, 5, padding=2), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2)),
            *(nn.Conv1d(16, 24, 3, stride=2, padding=1), nn.GroupNorm(4, 24), nn.LeakyReLU(0.1)),
            *(nn.Conv1d(24, 32, 3), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten()),
            *(nn.Dropout(0.5), nn.Linear(32, 6), nn.Softmax(-1)),
        )


class Cnn2d(nn.Module):
    """A spectrogram classifier: rectangular kernels and strides, PReLU, ReLU6, two poolings."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU6())
        self.pool = nn.AvgPool2d(2)
        self.conv = nn.Conv2d(8, 16, (3, 5), stride=(2, 1), padding=(1, 0))
        self.slope = nn.PReLU(16)
        self.head = nn.Linear(16 * 3 * 3, 10)

    def forward(self, spectrogram: Tensor) -> Tensor:
        x = self.slope(self.conv(self.pool(self.stem(spectrogram))))
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        logits: Tensor = self.head(x.flatten(1))
        return logits


def _depthwise(channels: int, out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.Hardswish(),
        nn.Conv2d(channels, out, 1, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU6(),
    )


class DepthwiseSeparable(nn.Module):
    """MobileNet's blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU()
        )
        self.blocks = nn.Sequential(
            _depthwise(8, 16, 1), _depthwise(16, 24, 2), _depthwise(24, 24, 1)
        )
        self.pool = nn.AdaptiveAvgPool2d((1, 1))
        self.head = nn.Linear(24, 10)

    def forward(self, image: Tensor) -> Tensor:
        x = self.pool(self.blocks(self.stem(image)))
        logits: Tensor = self.head(torch.flatten(x, 1))
        return logits


class ResidualBlock(nn.Module):
    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm1d(out)
        self.conv2 = nn.Conv1d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm1d(out)
        self.shortcut = (
            nn.Sequential(nn.Conv1d(channels, out, 1, stride, bias=False), nn.BatchNorm1d(out))
            if stride != 1 or channels != out
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + self.shortcut(x))


class Residual(nn.Module):
    """A 1-D ResNet; the last normalisation stands after an addition and cannot be folded."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv1d(3, 16, 7, 2, 3)
        self.layers = nn.Sequential(
            ResidualBlock(16, 16, 1), ResidualBlock(16, 32, 2), ResidualBlock(32, 32, 1)
        )
        self.norm = nn.BatchNorm1d(32)
        self.head = nn.Linear(32, 5)

    def forward(self, signal: Tensor) -> Tensor:
        x = self.norm(self.layers(functional.max_pool1d(self.stem(signal), 3, 2, 1)))
        logits: Tensor = self.head(x.mean(-1))
        return logits


class Causal(nn.Module):
    """A convolution that sees the past only: padded on the left, dilated."""

    def __init__(self, channels: int, out: int, dilation: int) -> None:
        super().__init__()
        self.past = 2 * dilation
        self.conv = nn.Conv1d(channels, out, 3, dilation=dilation)
        self.match = nn.Conv1d(channels, out, 1) if channels != out else None

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.conv(functional.pad(x, (self.past, 0))))
        return functional.relu(y + (x if self.match is None else self.match(x)))


class Tcn(nn.Module):
    """A temporal convolutional network, attention on top; answers from its last time step."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(Causal(4 if d == 1 else 16, 16, d) for d in (1, 2, 4, 8)))
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, sequence: Tensor) -> Tensor:
        x = self.layers(sequence).transpose(1, 2)
        x = self.attention(x, x, x, need_weights=False)[0]
        logits: Tensor = self.head(x[:, -1])
        return logits


class Fusion(nn.Module):
    """A recording and a vector of features, joined late; two heads."""

    def __init__(self) -> None:
        super().__init__()
        self.motion = nn.Sequential(
            nn.Conv1d(3, 12, 5, stride=2), nn.ReLU(), nn.Conv1d(12, 16, 5, stride=2), nn.Tanh()
        )
        self.features = nn.Sequential(nn.Linear(9, 16), nn.Hardswish(), nn.Linear(16, 16))
        self.gate = nn.Linear(32, 16)
        self.activity = nn.Linear(16, 4)
        self.intensity = nn.Linear(16, 1)

    def forward(self, motion: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        a = self.motion(motion.permute(0, 2, 1)).amax(-1)
        b = 20 * self.features(features)
        gate = torch.sigmoid(self.gate(torch.cat([a, b], dim=1)))
        x = gate * a + (1 - gate) * b
        return self.activity(x), self.intensity(x).clamp(min=0)


class Transformer(nn.Module):
    """torch's own encoder layers with LayerNorm, behind and before; a class token, positions."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(6, 32)
        self.token = nn.Parameter(torch.randn(1, 1, 32))
        self.positions = nn.Parameter(0.5 * torch.randn(1, 17, 32))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(32, 4, 48, 0.1, batch_first=True, norm_first=first)
            for first in (False, True)
        )
        self.norm = nn.LayerNorm(32)
        self.head = nn.Linear(32, 6)

    def forward(self, tokens: Tensor) -> Tensor:
        x = torch.cat([self.token.expand(tokens.shape[0], -1, -1), self.embed(tokens)], dim=1)
        x = x + self.positions
        for layer in self.layers:
            x = layer(x)
        logits: Tensor = self.head(self.norm(x)[:, 0])
        return logits


def _double(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()),
        *(nn.Conv2d(out, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()),
    )


class UNet(nn.Module):
    """Down twice, up twice by transposed convolutions, joined with what was there before."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.bottom = _double(1, 6), _double(6, 8), _double(8, 12)
        self.up2, self.up1 = nn.ConvTranspose2d(12, 8, 2, 2), nn.ConvTranspose2d(8, 6, 2, 2)
        self.join2, self.join1 = _double(16, 8), _double(12, 6)
        self.mask = nn.Conv2d(6, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        a = self.down1(image)
        b = self.down2(functional.max_pool2d(a, 2))
        x = self.bottom(functional.max_pool2d(b, 2))
        x = self.join2(torch.cat([self.up2(x), b], 1))
        x = self.join1(torch.cat([self.up1(x), a], 1))
        return torch.sigmoid(self.mask(x))


class SqueezeExcite(nn.Module):
    """Channels weighed by a sigmoid gate over their means."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU())
        self.squeeze, self.excite = nn.Conv2d(16, 4, 1), nn.Conv2d(4, 16, 1)
        self.out = nn.Conv2d(16, 24, 3, 2, 1, groups=2)
        self.slow = nn.Conv2d(9, 9, 1)
        self.head = nn.Linear(24, 5)

    def forward(self, image: Tensor) -> Tensor:
        x = self.conv(image)
        gate = functional.adaptive_avg_pool2d(x, 1)
        gate = torch.sigmoid(self.excite(functional.relu(self.squeeze(gate))))
        x = functional.hardtanh(self.out(x * gate), 0.0, 6.0)
        some, others = torch.split(x, [9, 15], dim=1)
        some = torch.minimum(some, self.slow(some).abs())
        x = torch.cat([others, some], dim=1)
        logits: Tensor = self.head(x.mean([2, 3]))
        return logits


class Autoencoder(nn.Module):
    """Strided convolutions down to a few numbers, transposed ones back up."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Sequential(
            *(nn.Conv1d(2, 8, 4, 2, 1), nn.ReLU(), nn.Conv1d(8, 12, 4, 2, 1), nn.ReLU()),
            *(nn.Flatten(), nn.Linear(12 * 16, 10), nn.Tanh()),
        )
        self.expand = nn.Linear(10, 12 * 16)
        self.decode = nn.Sequential(
            *(nn.ConvTranspose1d(12, 8, 4, 2, 1), nn.ReLU(), nn.ConvTranspose1d(8, 2, 4, 2, 1)),
        )

    def forward(self, beat: Tensor) -> Tensor:
        x = self.expand(-self.encode(beat))
        rebuilt: Tensor = self.decode(x.view(-1, 12, 16))
        return rebuilt


@dataclass(frozen=True)
class Stranger:
    """A model, the shape of one window of each input, and how it is exported."""

    build: Callable[[], nn.Module]
    inputs: dict[str, tuple[int, ...]]
    export: dict[str, Any] = field(default_factory=dict)


def _open_batch(*names: str) -> dict[str, Any]:
    return {"dynamic_axes": {name: {0: "batch"} for name in names}}


STRANGERS = {
    "cnn_1d": Stranger(Cnn1d, {"signal": (6, 64)}, _open_batch("signal", "output")),
    "cnn_2d": Stranger(Cnn2d, {"spectrogram": (1, 24, 20)}, {"do_constant_folding": False}),
    "depthwise": Stranger(DepthwiseSeparable, {"image": (3, 24, 24)}, {"opset_version": 13}),
    "residual": Stranger(Residual, {"signal": (3, 64)}),
    "tcn": Stranger(Tcn, {"sequence": (4, 40)}, _open_batch("sequence")),
    "fusion": Stranger(Fusion, {"motion": (50, 3), "features": (9,)}),
    "transformer": Stranger(Transformer, {"tokens": (16, 6)}),
    "unet": Stranger(UNet, {"image": (1, 16, 16)}, {"opset_version": 11}),
    "squeeze_excite": Stranger(SqueezeExcite, {"image": (3, 16, 16)}, _open_batch("image")),
    "autoencoder": Stranger(Autoencoder, {"beat": (2, 64)}, {"do_constant_folding": False}),
}


def stranger_windows(stranger: Stranger, count: int, seed: int) -> dict[str, FloatArray]:
    """Waves along the longest axis, of another rate and phase in every row, and noise on top."""
    rng = np.random.default_rng(seed)
    windows = {}
    for name, shape in stranger.inputs.items():
        longest = int(np.argmax(shape))
        across = (count, *(1 if axis == longest else size for axis, size in enumerate(shape)))
        along = tuple(size if axis == longest else 1 for axis, size in enumerate(shape))
        rate, phase, size = rng.uniform(
            [[0.1], [0.0], [0.3]], [[0.6], [6.0], [2.0]], (3, np.prod(across))
        )
        time = np.arange(max(shape)).reshape(along)
        waves = size.reshape(across) * np.sin(rate.reshape(across) * time + phase.reshape(across))
        noise = 0.2 * rng.standard_normal((count, *shape))
        windows[name] = (waves + noise).astype(np.float32)
    return windows


def export_stranger(name: str, folder: Path) -> Path:
    """Build the model, run batches through it for its statistics, and write its `.onnx`."""
    stranger = STRANGERS[name]
    torch.manual_seed(sorted(STRANGERS).index(name))
    model = stranger.build().train()
    for seed in range(40):
        batch = stranger_windows(stranger, 16, seed)
        model(*(torch.from_numpy(values) for values in batch.values()))
    example = stranger_windows(stranger, 1, seed=9)
    path = folder / f"{name}.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            tuple(torch.from_numpy(values) for values in example.values()),
            path,
            **{
                "input_names": list(stranger.inputs),
                "output_names": ["output"] if name != "fusion" else ["activity", "intensity"],
                "opset_version": 17,
                "dynamo": False,
                **stranger.export,
            },
        )
    return path
