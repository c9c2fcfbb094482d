"""Weights in safetensors, which carries numbers only; the config travels in the model card."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from midfuse.errors import InputError


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a model's parameters and buffers."""
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, path)


def load_weights(model: nn.Module, path: Path) -> None:
    """Fill a model from a file.

    Raises:
        InputError: no such file, not safetensors, or weights of another architecture.
    """
    try:
        model.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file", "name a .safetensors checkpoint") from None
    except SafetensorError as error:
        raise InputError(f"{path}: not a safetensors file ({error})", "train again") from None
    except RuntimeError:
        raise InputError(
            f"{path}: weights of another architecture", "use the model card written beside it"
        ) from None
