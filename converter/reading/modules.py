"""From a checkpoint or a `file.py:factory` to a float PyTorch module ready for export.

This file imports torch, which takes seconds: it is imported when a module is really needed.
"""

import importlib.util
import inspect
import warnings
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from converter.reading.windows import FloatArray, InputSpec
from midfuse.core.card import ModelCard
from midfuse.core.errors import InputError

OPSET = 17
# Blocks, channels, samples: a card that asks for more would build for minutes.
_LARGEST = 1 << 16


def load_student(card: ModelCard, card_path: Path) -> nn.Module:
    """Rebuild the module that a card names, with the weights beside it, in its deployed form.

    The class comes from the entry points `midfuse.architectures`, so a card can name nothing
    else. Where it has `deploy()`, the module that returns is the one for the microcontroller.

    Raises:
        InputError: an unknown architecture, a config it does not take, or weights that are
            missing, damaged, of other shapes, or not finite.
    """
    known = {entry.name: entry for entry in entry_points(group="midfuse.architectures")}
    name = card.architecture.name
    if name not in known:
        raise InputError(
            f"{card_path}: architecture.name {name!r} is not registered (there is"
            f" {', '.join(sorted(known)) or 'none'})",
            "install the package that brings it",
        )
    largest = max(_numbers(card.architecture.config), default=0)
    if largest > _LARGEST:
        raise InputError(
            f"{card_path}: architecture.config: no student has {largest} of anything",
            "correct the field",
        )
    try:
        module: nn.Module = known[name].load()(**card.architecture.config)
    except Exception as error:
        raise InputError(
            f"{card_path}: architecture.config: {_line(error)}", "correct the field"
        ) from error
    weights = card_path.with_suffix(".safetensors")
    try:
        state = load_file(weights)
        module.load_state_dict(state)
    except FileNotFoundError:
        raise InputError(f"{weights}: no such file", "keep the weights beside the card") from None
    except (SafetensorError, RuntimeError, OSError) as error:
        raise InputError(
            f"{weights}: not the weights of {name} ({_line(error)})", "train again"
        ) from error
    deploy = getattr(module, "deploy", None)
    module.eval()
    return check_module(deploy() if deploy is not None else module, str(weights))


def load_factory(path: Path, factory: str) -> nn.Module:
    """Call `factory()` from the Python file `path`, which is run: it is the user's own code.

    Raises:
        InputError: no such file or function, it raised, or what it returned is no module.
    """
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InputError(f"{path}: no such Python file", "name it as file.py:factory")
    source = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(source)
    except (Exception, SystemExit) as error:
        raise InputError(f"{path}: cannot be imported ({_line(error)})", "correct it") from error
    build = getattr(source, factory, None)
    if not callable(build):
        raise InputError(f"{path}: has no function {factory}", "name it as file.py:factory")
    try:
        module = build()
    except (Exception, SystemExit) as error:
        raise InputError(f"{path}: {factory}() raised {_line(error)}", "correct it") from error
    if not isinstance(module, nn.Module):
        raise InputError(
            f"{path}: {factory}() returned {type(module).__name__}", "return a torch.nn.Module"
        )
    return check_module(module, f"{path}:{factory}")


def check_module(module: nn.Module, where: str) -> nn.Module:
    """The module in evaluation mode; refused when a weight is NaN or infinite."""
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise InputError(f"{where}: weight {name} holds NaN or infinity", "train it again")
    return module.eval()


def forward_inputs(module: nn.Module, where: str) -> list[InputSpec]:
    """The inputs of a module without a card: the parameters of its `forward`, by name."""
    parameters = inspect.signature(module.forward).parameters.values()
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.kind in plain and p.default is p.empty]
    if not names:
        raise InputError(
            f"{where}: forward() names no inputs", "give forward() one named parameter an input"
        )
    return [InputSpec(name) for name in names]


class TorchModel:
    """The float reference: the module itself, one window at a time; `where` names it in errors."""

    def __init__(self, module: nn.Module, where: str) -> None:
        self._module = module
        self._where = where

    def run(self, window: list[FloatArray]) -> list[FloatArray]:
        """One inference.

        Raises:
            InputError: forward() fails on the window, or returns something else than tensors.
        """
        # One window is too little work to share: threads waiting for each other cost 50 times it.
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.inference_mode():
                found = self._module(*(torch.from_numpy(values) for values in window))
        except (Exception, SystemExit) as error:
            shapes = ", ".join(str(values.shape) for values in window)
            raise InputError(
                f"{self._where}: forward() fails on windows of {shapes} ({_line(error)})",
                "give calibration windows of the shape that it takes",
            ) from error
        finally:
            torch.set_num_threads(threads)
        outputs = found if isinstance(found, tuple | list) else (found,)
        for output in outputs:
            if not isinstance(output, torch.Tensor):
                raise InputError(
                    f"{self._where}: forward() returned {type(output).__name__}",
                    "return a tensor, or several",
                )
        return [output.numpy() for output in outputs]


def export_onnx(
    module: nn.Module,
    inputs: list[str],
    outputs: list[str] | None,
    example: list[FloatArray],
    path: Path,
    where: str,
) -> None:
    """Trace the module on one window (batch 1) and write it as ONNX.

    Outputs without names become `logits`, or `output_0`, `output_1`, … where there are several.

    Raises:
        InputError: the module does not take such a window, or does what ONNX cannot express.
    """
    window = tuple(torch.from_numpy(values.copy()) for values in example)
    if outputs is None:
        count = len(TorchModel(module, where).run(example))
        outputs = ["logits"] if count == 1 else [f"output_{i}" for i in range(count)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module,
                window,
                path,
                input_names=inputs,
                output_names=outputs,
                opset_version=OPSET,
                # The exporter that onnx2tf's rules were written against.
                dynamo=False,
            )
    except Exception as error:
        raise InputError(
            f"{where}: cannot be exported to ONNX ({_line(error)})",
            "replace what ONNX cannot express",
        ) from error


def _numbers(field: Any) -> Iterator[int]:
    """The whole numbers in a field of JSON."""
    if isinstance(field, dict | list):
        for part in field.values() if isinstance(field, dict) else field:
            yield from _numbers(part)
    elif isinstance(field, int):
        yield field


def _line(error: BaseException) -> str:
    """The first lines of a message that torch spreads over many, as one."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}"
