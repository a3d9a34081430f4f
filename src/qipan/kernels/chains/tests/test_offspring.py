"""R and k: a hand case, a published estimate, an independent likelihood, and recovery from simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qipan.kernels.chains.offspring import CHI2_95, estimate

#: Infectees of the 152 cases of the Conakry chains (Faye et al. 2015, Lancet Infect Dis 15:320-326), those
#: above zero.
CONAKRY = [
    1, 2, 2, 5, 14, 1, 4, 4, 1, 3, 3, 8, 2, 1, 1, 4, 9, 9, 1, 1, 17, 2,
    1, 1, 1, 4, 3, 3, 4, 2, 5, 1, 2, 2, 1, 9, 1, 3, 1, 2, 1, 1, 2,
]  # fmt: skip
CONAKRY_CASES = 152


def log_likelihood(offspring: list[int], k: float) -> float:
    """Negative binomial by the gamma function, as the text books write it; R at the sample mean."""
    mean = sum(offspring) / len(offspring)
    p = k / (k + mean)
    return sum(
        math.lgamma(y + k) - math.lgamma(k) - math.lgamma(y + 1) + k * math.log(p) + y * math.log1p(-p)
        for y in offspring
    )


def test_hand_case() -> None:
    # One of two cases infects two: with R = 1 the likelihood of a is (1 + a) / (1 + a)^(2 (1 + 1/a)) / 2,
    # whose logarithm -(1 + 2/a) log(1 + a) has slope -1/a at small a: variance (1) does not exceed the mean.
    found = estimate(np.array([0, 2]))
    assert (found.mean, found.k, found.k_high) == (1.0, None, None)
    # 2 log-likelihood falls by 3.84 from its value -2 at a = 0: (1 + 2/a) log(1 + a) = 2 + 1.9207
    assert found.k_low is not None
    a = 1 / found.k_low
    assert (1 + 2 / a) * math.log(1 + a) == pytest.approx(2 + CHI2_95 / 2, abs=1e-9)


def test_published_estimate_of_conakry() -> None:
    found = estimate(np.array(CONAKRY + [0] * (CONAKRY_CASES - len(CONAKRY))))
    # Althaus 2015, Lancet Infect Dis 15:507-508: mean 0.95, k 0.18 (95% CI 0.10-0.26)
    assert found.mean == pytest.approx(0.95, abs=0.005)
    assert found.k == pytest.approx(0.18, abs=0.005)
    assert found.k_low == pytest.approx(0.10, abs=0.02)
    assert found.k_high == pytest.approx(0.26, abs=0.05)  # theirs is symmetric (Wald), a profile is not


def test_published_estimate_of_the_index_cases() -> None:
    # The index cases of Conakry alone; fitdistrplus gives k 1.5966 with R 7.0008
    assert estimate(np.array([2, 17, 5, 1, 8, 2, 14])).k == pytest.approx(1.5966, abs=2e-4)


@given(st.lists(st.integers(0, 30), min_size=3, max_size=40))
def test_maximum_and_limits_of_an_independent_likelihood(offspring: list[int]) -> None:
    found = estimate(np.array(offspring))
    if found.k is None or found.k_low is None or not 1e-3 < found.k < 1e3:
        return
    best = log_likelihood(offspring, found.k)
    for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0):
        assert log_likelihood(offspring, found.k * factor) <= best + 1e-7
    if found.k_low > 1e-3:
        assert 2 * (best - log_likelihood(offspring, found.k_low)) == pytest.approx(CHI2_95, abs=1e-4)
    if found.k_high is not None and found.k_high < 1e3:
        assert 2 * (best - log_likelihood(offspring, found.k_high)) == pytest.approx(CHI2_95, abs=1e-4)


@pytest.mark.parametrize("k", [0.1, 0.3, 1.0])
def test_recovers_k_from_simulated_offspring(k: float) -> None:
    rng = np.random.default_rng(20220720)
    mean, n, runs = 1.2, 2000, 40
    fits = [estimate(rng.negative_binomial(k, k / (k + mean), n)) for _ in range(runs)]
    assert np.mean([f.k for f in fits]) == pytest.approx(k, rel=0.05)
    assert np.mean([f.mean for f in fits]) == pytest.approx(mean, rel=0.05)
    covered = sum(f.k_low < k < f.k_high for f in fits)
    # 95% of 40 are 38; below 33 would have a chance of 1 in 2000
    assert covered >= 33


def test_poisson_offspring_have_no_upper_k() -> None:
    found = estimate(np.random.default_rng(7).poisson(1.0, 3000))
    assert found.k_low is not None
    assert found.k_low > 5
    assert found.k_high is None


def test_nothing_to_say() -> None:
    assert estimate(np.zeros(5, dtype=np.int64)).k_low is None
    assert estimate(np.array([], dtype=np.int64)).mean is None
