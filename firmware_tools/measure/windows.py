"""Windows to measure a model with where nobody has given any."""

import numpy as np
import numpy.typing as npt

from midfuse.core.errors import InputError
from midfuse.core.oracle import Values
from midfuse.core.tflite_file import Tensor, TFLiteModel


def draw_windows(model: TFLiteModel, count: int, seed: int = 0) -> list[Values]:
    """The model's inputs in its order and types, (count, *shape): two kinds of windows in turn.

    The even ones are random codes, which reach every corner of the arithmetic. The odd ones look
    like signals: random walks along the input's longest axis, one for each place on the others,
    around the middle of what the input's codes can say and with a standard deviation of a quarter
    of its half, so that they stay within calibration. Float inputs are such walks of deviation 1,
    or normal noise.

    Raises:
        InputError: an input of another type, whose values mean something that is not known here.
    """
    rng = np.random.default_rng(seed)
    found = []
    for index in model.inputs:
        tensor = model.tensors[index]
        if tensor.dtype not in ("int8", "int16", "float32"):
            raise InputError(
                f"{model.path}: input {tensor.name[:60]} is {tensor.dtype}, which has no random"
                " windows",
                "evaluate or profile it on `inputs` of your own",
            )
        values = np.empty((count, *tensor.shape), tensor.dtype)
        for at in range(count):
            values[at] = _walk(tensor, rng) if at % 2 else _noise(tensor, rng)
        found.append(values)
    return found


def _noise(tensor: Tensor, rng: np.random.Generator) -> npt.NDArray[np.generic]:
    if tensor.dtype == "float32":
        return rng.normal(size=tensor.shape)
    limits = np.iinfo(tensor.dtype)
    return rng.integers(limits.min, limits.max, tensor.shape, endpoint=True)


def _walk(tensor: Tensor, rng: np.random.Generator) -> npt.NDArray[np.generic]:
    axis = int(np.argmax(tensor.shape)) if tensor.shape else None
    walk = np.cumsum(rng.normal(size=tensor.shape), axis).reshape(tensor.shape)
    walk = (walk - walk.mean()) / (walk.std() or 1.0)
    if tensor.dtype == "float32":
        return walk
    limits = np.iinfo(tensor.dtype)
    return np.clip(np.round(walk * (limits.max // 4)), limits.min, limits.max)
