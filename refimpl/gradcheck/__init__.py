"""Is this gradient right, and if not, what is wrong with it?

    check_gradient(objective, theta)              theta (p,) -> (value, gradient (p,))
    check_backward(forward, backward, args, rng)  forward(*args) -> (y, cache), backward(dy, cache) -> gradients
    check_jvp(function, jvp, x)                   jvp(x, v) = J v
    check_hessian_vector(objective, theta, hvp)   hvp(theta, v) = H v

Each returns a :class:`Report`: printed, it says what was claimed and what was measured, which entries are worst, by name, and which
mistake that looks like; `report.plot()` draws error against step size. Nothing has a fixed tolerance: slopes are measured by the
complex step or by extrapolated differences, each with its own error, from the function's own rounding noise. Kinks are found by
one-sided slopes, counted, and held to the interval between them.

Reading order: slopes (one ray), surroundings (the function around theta), check (yours against measured), diagnosis (which
mistake), gradient and backward (the doors), report, picture.
"""

from refimpl.gradcheck.backward import check_backward, check_jvp
from refimpl.gradcheck.gradient import check_gradient, check_hessian_vector
from refimpl.gradcheck.report import Entry, Report

__all__ = ["Entry", "Report", "check_backward", "check_gradient", "check_hessian_vector", "check_jvp"]
