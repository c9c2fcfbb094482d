"""Regular patterns of places in a tensor: an offset and a stride an axis, in elements."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def places(dims: Sequence[int], strides: Sequence[int], offset: int = 0) -> npt.NDArray[np.int64]:
    """The offset of every element of a block of `dims`, in an array of that shape."""
    found = np.full(tuple(dims), offset, np.int64)
    for axis, (size, stride) in enumerate(zip(dims, strides, strict=True)):
        shape = [1] * len(dims)
        shape[axis] = size
        found += (np.arange(size) * stride).reshape(shape)
    return found


def strides_of(found: npt.NDArray[np.int64]) -> tuple[int, list[int]] | None:
    """The offset and strides that give these places; None if none do, or there is no place."""
    if found.size == 0:
        return None
    origin = (0,) * found.ndim
    offset = int(found[origin])
    strides = []
    for axis, size in enumerate(found.shape):
        second = (*origin[:axis], 1, *origin[axis + 1 :])
        strides.append(int(found[second]) - offset if size > 1 else 0)
    return (
        (offset, strides) if np.array_equal(places(found.shape, strides, offset), found) else None
    )
