"""Take a PyTorch model to a microcontroller, and prove at every step that it is still right.

    conversion = midfuse.convert("net.onnx", "calibration.npz", "runs/net")
    evaluation = midfuse.evaluate(conversion.tflite, "qemu-mps2-an386", "windows.npz")

Every function is silent, raises a `midfuse.core.errors.MidfuseError`, and returns a model of
`midfuse.core.results`; the command of the same name calls it. Each is imported when it is first
used, so that importing midfuse loads neither torch nor tensorflow.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from converter import convert
    from firmware_tools.api import build, evaluate, flash, profile
    from midfuse.core.card import read_card as load_card

__version__ = "0.1.0"
__all__ = ["build", "convert", "evaluate", "flash", "load_card", "profile"]

_PLACES = {
    "build": ("firmware_tools.api", "build"),
    "convert": ("converter", "convert"),
    "evaluate": ("firmware_tools.api", "evaluate"),
    "flash": ("firmware_tools.api", "flash"),
    "load_card": ("midfuse.core.card", "read_card"),
    "profile": ("firmware_tools.api", "profile"),
}


def __getattr__(name: str) -> Any:
    if name == "stream":
        raise AttributeError("midfuse.stream is reserved: this version does not stream yet")
    if name not in _PLACES:
        raise AttributeError(f"module 'midfuse' has no attribute {name!r}")
    module, function = _PLACES[name]
    return getattr(import_module(module), function)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
