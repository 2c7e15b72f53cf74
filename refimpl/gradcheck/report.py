"""What a check found: as a text, as data, as a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from refimpl.gradcheck.slopes import Curve


class Entry(NamedTuple):
    """One slope: of one parameter, or along one direction."""

    name: str
    yours: float
    measured: float
    error: float  # |yours − measured|; the distance to [left, right] at a kink
    tolerance: float
    left: float
    right: float
    kink: bool

    @property
    def ok(self) -> bool:
        return bool(self.error <= self.tolerance)


class View(NamedTuple):
    """One ray: its name, the slope that is claimed along it, the measured one with its tolerance, and what was seen along it."""

    name: str
    yours: float
    measured: float
    tolerance: float
    curve: Curve


@dataclass(frozen=True)
class Report:
    """What a check found. `print(report)` explains it; `report.plot()` draws it.

    Attributes
    ----------
    ok : bool
        True for "right": no entry is farther from its measured slope than rounding can take it. Not for "nothing to see", where any
        multiple of the gradient would pass.
    verdict : str
        "right", "wrong", "imprecise" (right to fewer digits than could be seen), "nothing to see" (every slope is zero here),
        "not finite", "wrong type", "modifies its input", "not deterministic", "keeps state", "not measurable".
    mistakes : tuple of str
        What is wrong, by name, where it has a simple pattern; several names for one parameter are joined by "=".
    worst : tuple of Entry
        The entries with the largest error for their tolerance, wrong ones first.
    error, tolerance : float
        Largest error and the tolerance it is held to, both relative to the largest slope.
    kinks, near : int
        Entries that stand at a kink (the interval [left, right] is accepted), and rays that cross one within a step.
    flat : int
        Entries whose slope is not above the tolerance: their sign or factor could not be seen here.
    method : str
        How the slopes were measured.
    fallback : str
        Why the complex step was not used; empty if it was.
    """

    verdict: str
    method: str = ""
    fallback: str = ""
    mistakes: tuple[str, ...] = ()
    worst: tuple[Entry, ...] = ()
    error: float = np.nan
    tolerance: float = np.nan
    noise: float = np.nan  # of the objective's value, relative to it
    measured: int = 0  # entries
    parameters: int = 0
    directions: int = 0
    wrong: int = 0
    kinks: int = 0
    near: int = 0
    nearest: float = np.inf
    flat: int = 0
    evaluations: int = 0
    notes: tuple[str, ...] = ()
    views: tuple[View, ...] = field(default=(), repr=False)

    @property
    def ok(self) -> bool:
        return self.verdict == "right"

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        return f"{self.verdict}: {'; '.join(self.mistakes)}" if self.mistakes else self.verdict

    @property
    def taylor_slope(self) -> float:
        """Order of the Taylor remainder |f(θ + h d) − f(θ) − h g·d|: 2 if g is the gradient, 1 if not; NaN if it cannot be seen."""
        return remainder_order(self.views[0]) if self.views and not self.kinks else np.nan

    def __str__(self):
        rays = f"{self.directions} random direction{'s' * (self.directions != 1)}"
        rows = {
            "measured": f"{self.method}: {self.measured} of {self.parameters} entries, {rays}; {self.evaluations} evaluations"
            if self.method
            else "",
            "complex": f"not used: {self.fallback}" if self.fallback else "",
            "error": f"{self.error:.1e} of the largest slope; tolerance {self.tolerance:.1e}, from the noise measured here"
            if np.isfinite(self.tolerance)
            else "",
            "wrong": f"{self.wrong} of {self.measured or self.parameters} entries" if self.wrong else "",
            "Taylor": f"the remainder falls like h^{self.taylor_slope:.2f}: 2 for the gradient, 1 for anything else"
            if np.isfinite(self.taylor_slope)
            else "",
            "kinks": f"{self.kinks} of the entries at a kink, held to [left, right]" if self.kinks else "",
            "near kinks": f"crossed along {self.near} of the rays, the nearest {self.nearest:.0e} of the parameters' size away"
            if self.near
            else "",
            "flat": f"{self.flat} of the entries have no slope above the tolerance: nothing was learned there" if self.flat else "",
            "note": "; ".join(self.notes),
        }
        lines = [f"gradient {self.headline}", *(f"  {word:<11} {text}" for word, text in rows.items() if text)]
        if shown := [e for e in self.worst if not e.ok]:
            width = max(len(e.name) for e in shown)
            lines.append(f"  {'':{width}}  {'yours':>14}  {'measured':>14}  {'error':>8}  {'tolerance':>9}")
            for e in shown:
                numbers = f"{e.yours:>+14.7e}  {e.measured:>+14.7e}  {e.error:>8.1e}  {e.tolerance:>9.1e}"
                lines.append(f"  {e.name:{width}}  {numbers}" + (f"  kink: [{e.left:.6g}, {e.right:.6g}]" if e.kink else ""))
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the curves, in types that JSON knows; what is not finite becomes its name."""
        skip = ("views", "worst", "mistakes", "notes")
        plain = {k: v for k, v in vars(self).items() if k not in skip}
        plain |= {"ok": self.ok, "taylor_slope": self.taylor_slope, "mistakes": list(self.mistakes), "notes": list(self.notes)}
        plain["worst"] = [e._asdict() | {"ok": e.ok} for e in self.worst]
        return _json(plain)

    def plot(self, ax=None):
        """Error against step size, the V-curve, and the Taylor remainder, each with its verdict on the picture.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Draws the V-curve alone, there. Without it a figure is made with both.

        Returns
        -------
        The Axes, or an array of the two.

        Raises
        ------
        ValueError
            If nothing was measured along any ray.
        """
        from refimpl.gradcheck.picture import taylor, v_curve

        if not self.views:
            raise ValueError(f"plot: expected a report with measured rays, got one that is {self.headline}")
        if ax is not None:
            return v_curve(self, ax)
        import matplotlib.pyplot as plt

        _, axes = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
        v_curve(self, axes[0])
        taylor(self, axes[1])
        return axes


def _json(x):
    if isinstance(x, dict):
        return {k: _json(v) for k, v in x.items()}
    if isinstance(x, list):
        return [_json(v) for v in x]
    if isinstance(x, (float, np.floating)):
        return float(x) if np.isfinite(x) else str(float(x))
    return x.item() if isinstance(x, np.generic) else x


def remainder(view: View) -> tuple[np.ndarray, np.ndarray]:
    """(h, |R(h)|) of the Taylor remainder on the right of 0, or on the left where the domain ends, above ten times the rounding."""
    c = view.curve
    side, sign = (c.plus, 1) if np.isfinite(c.plus).any() else (c.minus, -1)
    R = np.abs(side - c.at - sign * c.h * view.yours)
    with np.errstate(invalid="ignore"):
        seen = R > 10 * c.noise
    return c.h[seen], R[seen]


def remainder_order(view: View) -> float:
    """Slope of log |R| over log h at the smallest four steps where it can be seen; NaN for fewer than three."""
    h, R = remainder(view)
    return float(np.polyfit(np.log(h[-4:]), np.log(R[-4:]), 1)[0]) if len(h) >= 3 else np.nan
