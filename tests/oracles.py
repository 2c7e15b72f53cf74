"""Independent truth in 50 digits, by mpmath: the plain formulas, which need no care when digits are no object.

Arguments are taken as the exact numbers that floats are; results are rounded to float64 once, at the end.
"""

import mpmath
import numpy as np

DIGITS = 50


def entrywise(formula):
    """An array function that evaluates a formula of one mpmath number at every entry."""

    def evaluate(x):
        with mpmath.workdps(DIGITS):
            return np.array([float(formula(mpmath.mpf(float(v)))) for v in np.ravel(x)]).reshape(np.shape(x))

    return evaluate


sigmoid = entrywise(lambda x: 1 / (1 + mpmath.exp(-x)))
sigmoid_slope = entrywise(lambda x: mpmath.exp(-x) / (1 + mpmath.exp(-x)) ** 2)
softplus = entrywise(lambda x: mpmath.log1p(mpmath.exp(x)))
tanh = entrywise(mpmath.tanh)
tanh_slope = entrywise(lambda x: mpmath.sech(x) ** 2)


def logistic(f, y):
    """log(1 + e^{−y f}) of each sample, and its derivatives in f."""
    loss = entrywise(lambda z: mpmath.log1p(mpmath.exp(-z)))(np.asarray(f) * y)
    return loss, entrywise(lambda z: -1 / (1 + mpmath.exp(z)))(np.asarray(f) * y) * y


def cross_entropy(f, y):
    """−log softmax(f)_y of each sample, and its derivatives in f (n, c)."""
    losses, df = np.empty(len(f)), np.empty(np.shape(f))
    with mpmath.workdps(400):  # 1 − softmax cancels hundreds of digits in the tails
        for i, (row, label) in enumerate(zip(f, y, strict=True)):
            e = [mpmath.exp(mpmath.mpf(float(v))) for v in row]
            losses[i] = float(mpmath.log(mpmath.fsum(e) / e[label]))
            df[i] = [float(v / mpmath.fsum(e) - (k == label)) for k, v in enumerate(e)]
    return losses, df


def ulps(got, expected):
    """Largest distance in units in the last place of what is expected; infinite where one is NaN and the other is not."""
    got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    gap = np.where(got == expected, 0.0, np.abs(got - expected) / np.spacing(np.abs(expected)))
    return float(np.max(np.nan_to_num(gap, nan=np.inf)))


def magnitudes(rng, n, largest):
    """±0, and 3n numbers of either sign that cover the range: in ±1, in ±largest, and spread over all exponents from 1e-30."""
    spread = np.exp(rng.uniform(np.log(1e-30), np.log(largest), size=n))
    sizes = np.concatenate([rng.uniform(0, 1, n), rng.uniform(0, largest, n), spread])
    return np.concatenate([[0.0, -0.0], rng.choice([-1.0, 1.0], size=3 * n) * sizes])
