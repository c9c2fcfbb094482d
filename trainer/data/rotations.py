"""Rotations in space."""

import numpy as np
import numpy.typing as npt


def rotations(
    axis: npt.NDArray[np.float64], angle: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Rotations (count, 3, 3) about axes (count, 3) of any length by angles (count,) in radians.

    Rodrigues' formula.
    """
    axis = axis / np.linalg.norm(axis, axis=1, keepdims=True)
    angle = angle[:, None, None]
    k = np.zeros((len(axis), 3, 3))
    k[:, 0, 1], k[:, 0, 2], k[:, 1, 2] = -axis[:, 2], axis[:, 1], -axis[:, 0]
    k -= k.transpose(0, 2, 1)
    return (np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)).astype(np.float32)
