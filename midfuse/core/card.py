"""The model card: one JSON file beside a model that says all that a later stage must know.

The trainer begins it (`inputs` without a quantised form, `tflite` absent); the converter
completes it. A reader refuses a `schema_version` it does not know.

From raw sensor samples to int8, exactly as the device does it, for channel c of an input:

    q = clamp(rint(float32(float32(x * gain[c]) + offset[c])), -128, 127)

in IEEE float32, the product and the sum each rounded to nearest even (no fused multiply-add),
`rint` to nearest even. `quantise_window` below is that line in numpy, so a stream on the device
can equal the host to the byte.
"""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from midfuse.core.errors import InputError
from midfuse.core.files import write_model

SCHEMA_VERSION = 2
_MAX_BYTES = 16 << 20


_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Modality(_Strict):
    """A sensor: its channels in order, their common unit, and its sampling rate.

    `device` names the housing that it is fixed in: sensors of one housing turn together. With
    `joints`, the channels are x, y, z of that many joints, joint after joint.
    """

    name: str
    channels: list[str]
    unit: str
    rate_hz: float = Field(gt=0)
    device: str = ""
    joints: int = Field(default=0, ge=0)

    @property
    def housing(self) -> str:
        """What turns, fails and is late as one: the device, or the sensor by itself."""
        return self.device or self.name

    @property
    def turns(self) -> bool:
        """Whether its channels are x, y, z of something, which a rotation mixes."""
        return self.joints > 0 or len(self.channels) == 3


class Window(_Strict):
    """How a stream is cut: `length` samples, a new window every `hop` samples.

    With `whole`, a window is a whole recording of one movement, stretched to `length` samples.
    """

    length: int = Field(gt=0)
    hop: int = Field(gt=0)
    whole: bool = False


class Input(_Strict):
    """One model input, in model order. `mean` and `std` standardise a channel in float.

    `scale` and `zero_point` are the int8 form, set by the converter together with `gain` and
    `offset`, the device's arithmetic (see the module's docstring).
    """

    name: str
    modality: str
    shape: list[int]
    layout: Literal["NTC"] = "NTC"
    dtype: Literal["float32", "int8"] = "float32"
    mean: list[_Finite]
    std: list[_Positive]
    tensor: str | None = None
    scale: float | None = None
    zero_point: int | None = None
    gain: list[float] | None = None
    offset: list[float] | None = None


class Output(_Strict):
    """One model output, in model order; `scale` and `zero_point` once it is int8."""

    name: str
    shape: list[int]
    dtype: Literal["float32", "int8"] = "float32"
    tensor: str | None = None
    scale: float | None = None
    zero_point: int | None = None


class Architecture(_Strict):
    """Which registered class rebuilds the checkpoint, and with what arguments."""

    name: str
    config: dict[str, Any]


class Training(_Strict):
    """Where the weights came from: data, subject split, seed, and the figures reached."""

    dataset: str
    licence: str
    split: dict[str, list[str]]
    seed: int
    figures: dict[str, float]


class TFLite(_Strict):
    """The converted file this card describes, by name and content."""

    file: str
    sha256: str


class ModelCard(_Strict):
    """What travels with a model; see the module's docstring.

    `trained_ranges` is what the trainer settled, by the name of a module of the deployed student:
    what that module gives is quantised on the grid of (low, high). `activation_ranges` is what the
    converter quantised with, by tensor of the float `.tflite`.
    """

    schema_version: Literal[2] = 2
    name: str
    modalities: list[Modality]
    window: Window
    labels: list[str]
    inputs: list[Input]
    outputs: list[Output]
    architecture: Architecture
    trained_ranges: dict[str, tuple[_Finite, _Finite]] = Field(default_factory=dict)
    activation_ranges: dict[str, tuple[_Finite, _Finite]] = Field(default_factory=dict)
    training: Training
    tflite: TFLite | None = None


def read_card(path: Path) -> ModelCard:
    """Read and validate a card.

    Raises:
        InputError: no such file, not JSON, another schema version, or a field that is wrong.
    """
    try:
        if path.stat().st_size > _MAX_BYTES or not path.is_file():
            raise InputError(f"{path}: not a model card", "name a model card")
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror})", "name a model card"
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error})", "name a model card") from None
    version = fields.get("schema_version") if isinstance(fields, dict) else None
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{path}: schema_version is {version!r}, this midfuse reads {SCHEMA_VERSION}",
            "install the midfuse that wrote it, or train again",
        )
    try:
        return ModelCard.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {field}: {first['msg']}", "correct the field") from None


def write_card(card: ModelCard, path: Path) -> None:
    """Write a card as indented JSON.

    Raises:
        InputError: it cannot be written.
    """
    write_model(path, card)


def sha256(data: bytes) -> str:
    """The hexadecimal SHA-256 by which cards, images and recorded answers name a model."""
    return hashlib.sha256(data).hexdigest()


def device_arithmetic(
    mean: list[float], std: list[float], scale: float, zero_point: int
) -> tuple[list[float], list[float]]:
    """Fold standardisation and quantisation into one `gain` and one `offset` a channel.

    q = ((x - mean) / std) / scale + zero_point, computed in float64 and rounded to float32 once.
    """
    gain = 1.0 / (np.asarray(std, np.float64) * scale)
    offset = zero_point - np.asarray(mean, np.float64) * gain
    return gain.astype(np.float32).tolist(), offset.astype(np.float32).tolist()


def quantise_window(samples: npt.NDArray[np.float32], entry: Input) -> npt.NDArray[np.int8]:
    """Raw samples (..., channel) in the sensor's unit to the int8 bytes the device would feed.

    Raises:
        InputError: the card is not finished by the converter.
    """
    if entry.gain is None or entry.offset is None:
        raise InputError(f"model card: input {entry.name} has no gain", "convert the model first")
    product = samples.astype(np.float32) * np.asarray(entry.gain, np.float32)
    shifted = product + np.asarray(entry.offset, np.float32)
    return np.clip(np.rint(shifted), -128, 127).astype(np.int8)
