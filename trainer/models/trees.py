"""The trees baseline: a random forest on hand-made features of the same windows.

Features of every channel, and of the length of every modality of three channels: mean, standard
deviation, minimum, maximum, median, quartiles, root mean square, skewness, kurtosis, mean absolute
step, share of mean crossings; of its spectrum without the mean: strongest frequency, its share of
the power, the spectral entropy, the power in 6 bands (octaves) as logarithms. Of every pair of
channels, across modalities too: the correlation.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier

from trainer.data.windows import Windows

# On validation subjects a forest was as good as extremely randomised trees or better, with the
# windows four times as dense too.
TREES = 500


def features(windows: Windows) -> npt.NDArray[np.float32]:
    """Windows to features (N, F)."""
    signals = list(windows.inputs.values())
    channels = np.concatenate(signals, 2).astype(np.float64)
    lengths = [np.linalg.norm(x, axis=2, keepdims=True) for x in signals if x.shape[2] == 3]
    x = np.concatenate([channels, *lengths], 2)
    centred = x - x.mean(1, keepdims=True)
    scaled = centred / (x.std(1, keepdims=True) + 1e-9)
    parts = [
        x.mean(1),
        x.std(1),
        x.min(1),
        x.max(1),
        *np.quantile(x, (0.25, 0.5, 0.75), axis=1),
        np.sqrt((x**2).mean(1)),
        (scaled**3).mean(1),
        (scaled**4).mean(1),
        np.abs(np.diff(x, axis=1)).mean(1),
        (np.diff(np.signbit(centred), axis=1)).mean(1),
    ]
    power = np.abs(np.fft.rfft(centred, axis=1))[:, 1:] ** 2 + 1e-12
    share = power / power.sum(1, keepdims=True)
    parts += [share.argmax(1), share.max(1), -(share * np.log(share)).sum(1)]
    octaves = [2**i - 1 for i in range(7)]
    parts += [np.log(power[:, low:high].sum(1) + 1e-12) for low, high in pairwise(octaves)]
    unit = scaled[:, :, : channels.shape[2]]
    correlation = np.einsum("nti,ntj->nij", unit, unit) / x.shape[1]
    rows, columns = np.triu_indices(channels.shape[2], 1)
    parts.append(correlation[:, rows, columns])
    return np.concatenate(parts, 1).astype(np.float32)


def train_trees(training: Windows, seed: int) -> RandomForestClassifier:
    """Fit the trees."""
    trees = RandomForestClassifier(TREES, n_jobs=2, random_state=seed)
    return trees.fit(features(training), training.labels)
