"""An objective's value around theta: along an entry or a random direction, real or complex, always inside the bounds."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refimpl.gradcheck.blocks import Block
from refimpl.gradcheck.slopes import IMAGINARY, STEPS, rounding_noise


@dataclass
class Surroundings:
    """The value on fresh copies of theta, silent, NaN where it fails, and counted."""

    value: Callable[[np.ndarray], Any]
    theta: np.ndarray  # (p,) float64
    scale: np.ndarray  # (p,) size of each parameter, > 0
    low: np.ndarray  # (p,)
    high: np.ndarray
    evaluations: int = 0
    complaint: str = ""  # why the last complex evaluation was no use

    def real(self, theta: np.ndarray) -> float:
        self.evaluations += 1
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return float(self.value(np.clip(theta, self.low, self.high)))
        except Exception:  # outside the function's own domain
            return np.nan

    def complex(self, theta: np.ndarray) -> complex:
        self.evaluations += 1
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                v = self.value(theta)
        except Exception as e:
            self.complaint = f"{type(e).__name__} on complex parameters ({str(e)[:80]})"
            return complex(np.nan, np.nan)
        self.complaint = "" if np.iscomplexobj(v) else "the imaginary part is dropped on the way"
        return complex(v)

    def along(self, d: np.ndarray) -> Callable[[float], float]:
        """t -> the value at theta + t d."""
        return lambda t: self.real(self.theta + t * d)

    def along_complex(self, d: np.ndarray) -> Callable[[float], float]:
        """t -> the slope at theta + t d along d, by the complex step."""
        return lambda t: self.complex(np.clip(self.theta + t * d, self.low, self.high) + 1j * IMAGINARY * d).imag / IMAGINARY

    def reach(self, d: np.ndarray) -> tuple[float, float]:
        """How far t may go to the left and to the right before theta + t d leaves the bounds."""
        a, b = (self.low - self.theta) / d, (self.high - self.theta) / d
        up, down = np.where(d > 0, b, a), np.where(d > 0, -a, -b)
        return float(np.min(down[d != 0], initial=np.inf)), float(np.min(up[d != 0], initial=np.inf))

    def entry(self, j: int) -> np.ndarray:
        d = np.zeros(len(self.theta))
        d[j] = self.scale[j]
        return d

    def direction(self, rng: np.random.Generator, index: np.ndarray) -> np.ndarray:
        """Random signs and sizes on the entries `index`; an entry near a bound points away from it."""
        size = np.zeros(len(self.theta))
        size[index] = rng.uniform(0.5, 1.5, len(index)) * self.scale[index]
        below, above = self.theta - self.low, self.high - self.theta
        inward = np.where(below < above, 1.0, -1.0)
        return size * np.where(np.minimum(below, above) < 2 * STEPS[0] * self.scale, inward, rng.choice([-1.0, 1.0], len(size)))

    def neighbours(self, d: np.ndarray, spacing: float) -> np.ndarray:
        """Nine values at equal spacing from theta on, on the side with more room: no kink at theta is crossed."""
        down, up = self.reach(d)
        step = min(spacing, max(down, up) / 8) * (1 if up >= down else -1)
        return np.array([self.real(self.theta + k * step * d) for k in range(9)])

    def precision(self, directions: Sequence[np.ndarray], single: bool) -> tuple[float, float]:
        """(rounding unit, rounding noise) of the value: of float32, where it is computed in that, of float64 otherwise."""
        fine, coarse = (float(np.finfo(dtype).eps) for dtype in (np.float64, np.float32))
        near, far = (np.array([self.neighbours(d, eps**0.75) for d in directions]) for eps in (fine, coarse))
        due = np.ptp(far, axis=1) * (fine / coarse) ** 0.75  # what should have changed among the near ones
        stairs = (np.ptp(near, axis=1) == 0) & (due > 8 * fine * np.max(np.abs(far), axis=1))  # parameters were rounded to float32
        if single or stairs.all() or (np.ptp(far) > 0 and (far == far.astype(np.float32)).all()):
            fine, near = coarse, far
        noises = [n for n in (rounding_noise(values, fine) for values in near) if np.isfinite(n)]
        return fine, float(np.median(noises)) if noises else fine * abs(self.real(self.theta))


def sizes_of(theta: np.ndarray, blocks: Sequence[Block]) -> np.ndarray:
    """The size of each parameter: its own, or its array's root mean square if that is larger; 1 where all are zero."""
    scale = np.abs(theta)
    for b in blocks:
        at = b.positions.ravel()
        largest = np.max(scale[at], initial=0)
        if largest > 0:  # divided by the largest first: squares of 1e-200 vanish
            scale[at] = np.maximum(scale[at], largest * np.sqrt(np.mean((scale[at] / largest) ** 2)))
    return np.where(scale > 0, scale, 1.0)
