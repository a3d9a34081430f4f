"""The offspring distribution: mean R and dispersion k of a negative binomial, by maximum likelihood.

Lloyd-Smith et al. 2005 (Nature 438:355-359) model the cases that one case infects as negative binomial with
mean R and dispersion k (variance R + R²/k; small k: few cases infect many). Lloyd-Smith 2007 (PLoS ONE
2:e180): estimate a = 1/k, whose range [0, ∞) includes the Poisson limit. The maximum in R is the sample mean
whatever a is, so the likelihood of a with R at its mean is the profile likelihood.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: 0.95 quantile of chi-squared with one degree of freedom: twice the drop of log-likelihood at the limits.
CHI2_95 = 3.841458820694124

_LOG_A_MIN, _LOG_A_MAX = float(np.log(1e-9)), float(np.log(1e9))
_BISECTIONS = 120


@dataclass(frozen=True, slots=True)
class Reproduction:
    """Mean offspring R over all n cases; k with its 95% profile-likelihood interval.

    `k` None with `k_low` given: no more variance than Poisson, k is infinite. `k_high` None with `k_low`
    given: the interval has no upper end (Poisson not excluded). All None: nobody infected anybody, so
    nothing can be said.
    """

    n: int
    mean: float | None
    k: float | None
    k_low: float | None
    k_high: float | None


class _Profile:
    """Log-likelihood of a = 1/k and its slope, with R at its maximum, up to a constant.

    With N_j the number of cases with more than j offspring:
    l(a) = sum_j N_j log(1 + a j) - n (R + 1/a) log(1 + a R);  no gamma function, exact down to a = 0.
    """

    def __init__(self, offspring: npt.NDArray[np.int64]) -> None:
        self.n = int(offspring.size)
        self.mean = float(offspring.mean())
        counts = np.bincount(offspring)
        self.above = np.cumsum(counts[::-1])[::-1][1:].astype(np.float64)
        self.j = np.arange(self.above.size, dtype=np.float64)

    def value(self, a: float) -> float:
        x = a * self.mean
        tail = self.mean if a == 0 else np.log1p(x) / a
        return float(self.above @ np.log1p(a * self.j) - self.n * (self.mean * np.log1p(x) + tail))

    def slope(self, a: float) -> float:
        x = a * self.mean
        # (log(1 + x) - x) / x², by its series where the difference would cancel
        bend = -0.5 + x / 3 - x * x / 4 if x < 1e-4 else (np.log1p(x) - x) / (x * x)
        return float(self.above @ (self.j / (1 + a * self.j)) + self.n * self.mean**2 * bend)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """The a at which `function` changes sign, by bisection on log a between `low` and `high`."""
    negative_at_low = function(float(np.exp(low))) < 0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if (function(float(np.exp(middle))) < 0) == negative_at_low:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def estimate(offspring: npt.NDArray[np.int64]) -> Reproduction:
    """R, k and k's interval from the number of infectees of every case (zeros included). Shape (n,)."""
    n = int(offspring.size)
    if n == 0 or not offspring.any():
        return Reproduction(n, 0.0 if n else None, None, None, None)
    profile = _Profile(offspring)
    # The likelihood has one maximum above a = 0 if and only if the variance exceeds the mean (Aragón,
    # Eberly & Eberly 1992); otherwise it falls from a = 0 on.
    overdispersed = float(offspring.var()) > profile.mean
    a_hat = _root(profile.slope, _LOG_A_MIN, _LOG_A_MAX) if overdispersed else 0.0
    level = profile.value(a_hat) - CHI2_95 / 2

    def above(a: float) -> float:
        return profile.value(a) - level

    start = float(np.log(a_hat)) if a_hat else _LOG_A_MIN
    a_high = _root(above, start, _LOG_A_MAX)
    a_low = _root(above, _LOG_A_MIN, start) if a_hat and profile.value(0.0) < level else 0.0
    return Reproduction(
        n=n,
        mean=profile.mean,
        k=1 / a_hat if a_hat else None,
        k_low=1 / a_high,
        k_high=1 / a_low if a_low else None,
    )
