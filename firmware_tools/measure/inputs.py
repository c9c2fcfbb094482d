"""A user's arrays as a model's inputs and labels."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from midfuse.core.errors import InputError
from midfuse.core.numeric import quantise
from midfuse.core.oracle import Values
from midfuse.core.tflite_file import Tensor, TFLiteModel


def match_inputs(
    arrays: Mapping[str, npt.NDArray[Any]], model: TFLiteModel, path: Path
) -> list[Values]:
    """The model's inputs among named arrays, in model order and type: (window, *shape).

    An array is named by its tensor, its signature name or its position. An input's own type is
    taken as it is; for an int8 or int16 input floats are quantised, for a float32 input they are
    rounded. Other arrays are ignored. `path` names the file in errors.

    Raises:
        InputError: an input is missing, or has the wrong shape, type or number of windows.
    """
    found = []
    for position, index in enumerate(model.inputs):
        tensor = model.tensors[index]
        names = dict.fromkeys((tensor.name, model.input_names[position], str(position)))
        key = next((name for name in names if name in arrays), None)
        if key is None:
            raise InputError(
                f"{path}: no array for input {position}",
                f"name it {' or '.join(repr(name) for name in names)}",
            )
        values = arrays[key]
        bare = tensor.shape[1:] if tensor.shape[:1] == (1,) else tensor.shape
        if values.ndim == 0 or values.shape[1:] not in (tensor.shape, bare):
            raise InputError(
                f"{path}: {key}: shape {values.shape}, the model wants (windows, *{bare})",
                "put the windows on the first axis",
            )
        values = _in_type(values, tensor, f"{path}: {key}")
        found.append(np.ascontiguousarray(values).reshape(len(values), *tensor.shape))
    lengths = {len(values) for values in found}
    if len(lengths) != 1 or lengths == {0}:
        raise InputError(
            f"{path}: the inputs have {sorted(lengths)} windows", "give each the same number, not 0"
        )
    return found


def _in_type(values: npt.NDArray[Any], tensor: Tensor, where: str) -> Values:
    real = np.issubdtype(values.dtype, np.floating)
    if real and not np.isfinite(values).all():
        raise InputError(f"{where}: has NaN or infinity", "clean the data")
    if str(values.dtype) == tensor.dtype:
        return values
    if real and tensor.dtype == "float32":
        return values.astype(np.float32)
    quantised = tensor.dtype in ("int8", "int16") and tensor.quantization is not None
    if real and quantised:
        return quantise(values, tensor.scale, tensor.zero_point, tensor.dtype)
    also = ", or float to be quantised" if quantised else ""
    raise InputError(f"{where}: dtype {values.dtype}", f"give {tensor.dtype}{also}")


def match_labels(
    arrays: Mapping[str, npt.NDArray[Any]], key: str, windows: int, path: Path
) -> npt.NDArray[Any]:
    """The class numbers under `key`, (window,).

    Raises:
        InputError: missing, not integers, or another number of windows.
    """
    if key not in arrays:
        raise InputError(f"{path}: no array {key!r}", f"it has {', '.join(sorted(arrays))}")
    labels = arrays[key]
    if labels.shape != (windows,) or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"{path}: {key}: {labels.dtype} of shape {labels.shape}",
            f"give one integer a window, ({windows},)",
        )
    return labels
