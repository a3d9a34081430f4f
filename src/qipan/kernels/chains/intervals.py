"""Serial intervals: the infectee's onset minus the infector's, in whole days."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class SerialInterval:
    """n pairs with both onsets known; mean and sample standard deviation (n - 1) in days, None where n is
    too small to have one; how many intervals are negative (infectee ill before the infector).
    """

    n: int
    mean: float | None
    sd: float | None
    negative: int


def serial_interval(days: npt.NDArray[np.float64]) -> SerialInterval:
    """Summary of intervals in days; NaN (an onset unknown) is left out and only lowers n.

    Negative intervals stay in: leaving them out biases mean and spread (Ali et al. 2020, Science 369:1106).
    """
    # sorted, so that the order of rows cannot show in the last digit
    known = np.sort(days[~np.isnan(days)])
    n = int(known.size)
    return SerialInterval(
        n=n,
        mean=float(known.mean()) if n else None,
        sd=float(known.std(ddof=1)) if n > 1 else None,
        negative=int((known < 0).sum()),
    )
