"""MODEL, whatever it is: our student, an `.onnx`, `file.py:factory`, or a module in memory."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from onnx import ModelProto

from converter.reading.onnx_file import OnnxModel, check_inputs_used, input_specs, read_onnx
from converter.reading.onnx_ops import check_onnx_ops
from converter.reading.onnx_shapes import fix_shapes
from converter.reading.windows import FloatArray, InputSpec, Windows, settled
from midfuse.core.card import ModelCard, read_card
from midfuse.core.errors import InputError

# converter.reading.modules imports torch, which takes seconds: only what needs it imports it.
if TYPE_CHECKING:
    from torch import nn

_KINDS = "name a student.safetensors or its card, an .onnx, or file.py:factory"


class FloatReference(Protocol):
    """The float model as it was given: one window in, its outputs in order."""

    def run(self, window: list[FloatArray]) -> list[FloatArray]: ...


@dataclass(frozen=True)
class Source:
    """A model ready for conversion; `name` names its files, `where` names it in errors.

    Exactly one of `module` and `onnx` is there; `card` only with our student.
    """

    name: str
    where: str
    inputs: list[InputSpec]
    card: ModelCard | None = None
    module: "nn.Module | None" = None
    onnx: ModelProto | None = None

    def settled(self, windows: Windows) -> "Source":
        """The same model for inputs of exactly these windows' shapes.

        Raises:
            InputError: as `fix_shapes`.
        """
        onnx = None if self.onnx is None else fix_shapes(self.onnx, windows.window(0), self.where)
        return replace(self, inputs=settled(self.inputs, windows), onnx=onnx)

    def reference(self) -> FloatReference:
        """What the float `.tflite` has to equal."""
        if self.module is not None:
            from converter.reading.modules import TorchModel

            return TorchModel(self.module, self.where)
        assert self.onnx is not None
        return OnnxModel(self.onnx, self.where)

    def to_onnx(self, example: list[FloatArray], path: Path) -> ModelProto:
        """The model as ONNX; a module is exported to `path` by tracing it on `example`."""
        if self.onnx is not None:
            return self.onnx
        from converter.reading.modules import export_onnx

        assert self.module is not None
        outputs = [entry.name for entry in self.card.outputs] if self.card else None
        names = [spec.name for spec in self.inputs]
        export_onnx(self.module, names, outputs, example, path, self.where)
        return fix_shapes(_read_onnx(path, self.where, names), example, self.where)


def open_source(model: Any) -> Source:
    """Find out what MODEL is and load it.

    Raises:
        InputError: no such file, a kind that is not known, or a model that cannot be loaded.
    """
    if not isinstance(model, str | Path):
        from converter.reading.modules import check_module, forward_inputs

        name = type(model).__name__
        return Source(
            name.lower(), name, forward_inputs(model, name), module=check_module(model, name)
        )
    path = Path(model)
    if path.suffix in (".safetensors", ".json"):
        return _student(path.with_suffix(".json"))
    if path.suffix == ".onnx":
        proto = _read_onnx(path, str(path))
        return Source(path.stem, str(path), input_specs(proto), onnx=proto)
    file, colon, factory = str(model).rpartition(":")
    if colon and re.fullmatch(r"[A-Za-z_]\w*", factory) and file.endswith(".py"):
        from converter.reading.modules import forward_inputs, load_factory

        module = load_factory(Path(file), factory)
        return Source(factory, str(model), forward_inputs(module, str(model)), module=module)
    raise InputError(f"{model}: not a model that can be converted", _KINDS)


def _read_onnx(path: Path, where: str, inputs: list[str] | None = None) -> ModelProto:
    model = read_onnx(path, where)
    check_inputs_used(model, inputs or [spec.name for spec in input_specs(model)], where)
    check_onnx_ops(model, where)
    return model


def _student(card_path: Path) -> Source:
    card = read_card(card_path)
    from converter.reading.modules import load_student

    inputs = [InputSpec(entry.name, tuple(entry.shape)) for entry in card.inputs]
    sound = [
        entry.shape
        and min(entry.shape) > 0
        and len(entry.mean) == len(entry.std) == entry.shape[-1]
        for entry in card.inputs
    ]
    if not sound or not all(sound):
        raise InputError(
            f"{card_path}: inputs: none, or one whose mean and std are not of its shape",
            "correct the field",
        )
    return Source(
        card_path.stem,
        str(card_path),
        inputs,
        card=card,
        module=load_student(card, card_path),
    )
