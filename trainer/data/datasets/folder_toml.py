"""What a `midfuse.toml` says of a folder of recordings; `folder` shows one in full."""

import re
import tomllib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from midfuse.core.card import Window
from midfuse.core.errors import InputError
from trainer.data.datasets.archive import Member

_MOST_TOML_BYTES = 1 << 20
_NOT_STATED = "not stated"

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
_Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Sensor(_Strict):
    files: _Text
    columns: Annotated[list[_Text], Field(min_length=1)]
    unit: str
    rate_hz: _Positive
    time: _Text | None = None
    time_unit: Literal["s", "ms", "us", "ns"] = "s"
    device: str = ""
    joints: int = Field(default=0, ge=0)
    array: _Text | None = None


class Description(_Strict):
    title: str = _NOT_STATED
    licence: str = _NOT_STATED
    citation: str = _NOT_STATED
    labels: list[_Text] | None = None
    test_subjects: list[_Text] = Field(default_factory=list)
    label_column: _Text | None = None
    subject_column: _Text | None = None
    rate_hz: _Positive | None = None
    window: Window
    modalities: Annotated[dict[_Name, Sensor], Field(min_length=1)]

    @property
    def clock_hz(self) -> float:
        return self.rate_hz or max(sensor.rate_hz for sensor in self.modalities.values())


def read_description(toml: Member) -> Description:
    """Read and check a `midfuse.toml`.

    Raises:
        InputError: not TOML, or a field that is missing, unknown or wrong.
    """
    try:
        fields = tomllib.loads(toml.read(_MOST_TOML_BYTES).decode())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{toml.where}: not TOML ({error})", "correct it") from None
    try:
        description = Description.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{toml.where}: {field}: {first['msg']}", "see docs/data.md") from None

    def refuse(problem: str) -> InputError:
        return InputError(f"{toml.where}: {problem}", "see docs/data.md")

    sensors = description.modalities
    names = {name: set(_fields(sensor.files)) for name, sensor in sensors.items()}
    one = next(iter(names))
    for name, sensor in sensors.items():
        if name in ("labels", "subjects"):
            raise refuse(f"modalities.{name}: a file of windows has another array of this name")
        if names[name] != names[one]:
            raise refuse(f"modalities.{name}.files: not the fields of modalities.{one}.files")
        if (sensor.time is None) != (sensors[one].time is None):
            raise refuse(f"modalities.{name}.time: all modalities have time stamps, or none")
        if sensor.joints and len(sensor.columns) != 3 * sensor.joints:
            raise refuse(f"modalities.{name}.joints: not x, y, z of {sensor.joints} joints")
        if len(set(sensor.columns)) != len(sensor.columns):
            raise refuse(f"modalities.{name}.columns: a name is there twice")
    for what, column in (
        ("label", description.label_column),
        ("subject", description.subject_column),
    ):
        if (column is None) != (what in names[one]):
            raise refuse(f"{what}_column: give it, or {{{what}}} in all files' names, not both")
    labels = description.labels
    if labels is not None and (not labels or len(set(labels)) != len(labels)):
        raise refuse("labels: none, or one twice")
    return description


def _fields(files: str) -> list[str]:
    return re.findall(r"\{([a-z_]+)\}", files)


def pattern_of(files: str) -> str:
    """`{subject}/{take}.csv` as an expression: a field is anything within a name, at its shortest.

    A field that comes again stands for the same text again.
    """
    pattern, seen = "", set()
    for at, part in enumerate(re.split(r"\{([a-z_]+)\}", files)):
        if at % 2 == 0:
            pattern += re.escape(part)
        elif part in seen:
            pattern += f"(?P={part})"
        else:
            seen.add(part)
            pattern += f"(?P<{part}>[^/]+?)"
    return pattern
