"""How well a judge agrees with people, who said yes or no to the same cases.

Beside plain accuracy, which a judge that always says yes gets for nothing where most is right.
scikit-learn has these too; it is not used, as it brings scipy for a few lines (a test compares
them where it is installed).
"""

import numpy as np
from numpy.typing import ArrayLike


def balanced_accuracy(said: ArrayLike, labels: ArrayLike) -> float | None:
    """The mean of the shares of yes and of no that are told right; None if one does not occur.

    Brodersen et al., "The Balanced Accuracy and Its Posterior Distribution" (2010). Telling
    nothing apart comes to 0.5.
    """
    told, true = np.asarray(said, bool), np.asarray(labels, bool)
    if true.all() or not true.any():
        return None
    return float((told[true].mean() + (~told[~true]).mean()) / 2)


def kappa(said: ArrayLike, labels: ArrayLike) -> float | None:
    """How much more two agree than by chance: 1 always, 0 as chance has it, below 0 less.

    Cohen, "A Coefficient of Agreement for Nominal Scales" (1960). None if chance alone agrees on
    everything: both always say the same.
    """
    one, other = np.asarray(said, bool), np.asarray(labels, bool)
    if not one.size:
        return None
    first, second = float(one.mean()), float(other.mean())
    chance = first * second + (1 - first) * (1 - second)
    return None if chance == 1 else (float((one == other).mean()) - chance) / (1 - chance)


def auroc(scores: ArrayLike, labels: ArrayLike) -> float | None:
    """How often a yes scores above a no, ties counting half: the area under the ROC curve.

    Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic
    (ROC) curve" (1982), by ranks. None if one of the two does not occur.
    """
    values, true = np.asarray(scores, float), np.asarray(labels, bool)
    yes, no = int(true.sum()), int((~true).sum())
    if not yes or not no:
        return None
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[group]
    return float((ranks[true].sum() - yes * (yes + 1) / 2) / (yes * no))


def best_threshold(scores: ArrayLike, labels: ArrayLike) -> float:
    """The threshold from which saying yes has the highest balanced accuracy, the lowest of such.

    To be tried on other cases than it was chosen on. Infinite if one of the two does not occur.
    """
    values, true = np.asarray(scores, float), np.asarray(labels, bool)
    if true.all() or not true.any():
        return float("inf")
    tried = np.unique(values)
    gains = [balanced_accuracy(values >= threshold, true) or 0.0 for threshold in tried]
    return float(tried[int(np.argmax(gains))])
