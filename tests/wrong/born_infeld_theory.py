"""Exact motions, the measure, the motions that came after, and the Poisson problem of Born-Infeld, in wrong and unusual ways."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from refimpl.nn import Dense
from refimpl.papers.born_infeld.poisson import DERIVATIVES
from wrong.born_infeld import PAPER, evaluated
from wrong.corpus import entry


# ---- the exponential fall
def fall(amplitude=lambda A, theta0: A, X=lambda X: X, shift=lambda X0: X0, momentum=lambda pi: pi, potential=lambda E, s: E * s):
    def sech_motion(t, m, theta0, extra=0.0, uphill=False):
        V0 = 0.5 * (m * theta0) ** 2
        E = V0 + extra
        x = extra / V0
        X0 = np.log1p(x + np.sqrt(x * (x + 2)))
        phase = X(np.sqrt(2) * m * np.asarray(t, float)) + shift(-X0 if uphill else X0)
        A = amplitude(np.sign(theta0) * np.sqrt(2 * E) / m, theta0)
        with np.errstate(all="ignore"):
            log_cosh = np.logaddexp(phase, -phase) - np.log(2)
            pi = -(m * A / np.sqrt(2)) * np.exp(0.5 * log_cosh) * np.tanh(phase)
            return A * np.exp(-0.5 * log_cosh), momentum(pi), potential(E, np.exp(-log_cosh))

    return {"sech_motion": sech_motion}


@entry(PAPER, "reject", "fall: the amplitude is θ₀, not the turning point; right from rest")
def fall_from_the_start_for_the_turning_point(ours):
    return fall(amplitude=lambda A, theta0: theta0)


@entry(PAPER, "reject", "fall: the amplitude is |A|, θ₀'s sign lost; right for θ₀ > 0")
def fall_on_the_positive_side(ours):
    return fall(amplitude=lambda A, theta0: abs(A))


@entry(PAPER, "reject", "fall: X = m t without √2")
def fall_without_the_root_of_two(ours):
    return fall(X=lambda X: X / np.sqrt(2))


@entry(PAPER, "reject", "fall: uphill and downhill exchanged; right from rest")
def fall_uphill_for_downhill(ours):
    return fall(shift=lambda X0: -X0)


@entry(PAPER, "reject", "fall: the phase at the start forgotten; right from rest")
def fall_without_its_phase(ours):
    return fall(shift=lambda X0: 0.0)


@entry(PAPER, "reject", "fall: the momentum has the sign of θ")
def fall_with_the_momentum_outwards(ours):
    return fall(momentum=lambda pi: -pi)


@entry(PAPER, "reject", "fall: the momentum without 1/√2")
def fall_with_too_much_momentum(ours):
    return fall(momentum=lambda pi: np.sqrt(2) * pi)


@entry(PAPER, "reject", "fall: V = E sech²X, as if θ = A sech X")
def fall_with_a_square(ours):
    return fall(potential=lambda E, s: E * s * s)


@entry(PAPER, "reject", "fall: cosh X overflows beyond X = 710, and V and θ are 0 with it; right before")
def fall_that_overflows(ours):
    def sech_motion(t, *args, **options):
        with np.errstate(all="ignore"):
            theta, pi, V = ours.sech_motion(t, *args, **options)
            E = np.max(ours.sech_motion(0.0, *args, **{**options, "extra": options.get("extra", 0.0)})[2])
            late = V < E * 2 / np.finfo(float).max
        return np.where(late, 0.0, theta), np.where(late, -np.inf * np.sign(theta), pi), np.where(late, 0.0, V)

    return {"sech_motion": sech_motion}


@entry(PAPER, "accept", "fall: by the logarithm of cosh X, as logaddexp has it")
def fall_by_logarithms(ours):
    return fall()


# ---- the spiral
def spiralling(
    rate=lambda m, momentum, E: m * m * momentum / (2 * E),
    effective=lambda E, m, momentum: np.sqrt(E * E - m * m * momentum**2 / 2),
    slowed=lambda ratio: ratio,
    phase=lambda X0: X0,
    plane=lambda e, across, theta0, pi0: across,
):
    def spiral(t, m, theta0, pi0):
        t, theta0, pi0 = np.asarray(t, float), np.asarray(theta0, float), np.asarray(pi0, float)
        r = np.sqrt(theta0 @ theta0)
        V0, e = 0.5 * (m * r) ** 2, theta0 / r
        radial = e @ pi0
        across = pi0 - radial * e
        across = across - (across @ e) * e
        p = np.sqrt(across @ across)
        E = np.sqrt(V0 * (V0 + pi0 @ pi0))
        E_r = effective(E, m, r * p)
        V = E_r / np.cosh(np.sqrt(2) * m * slowed(E_r / E) * t + phase(np.arcsinh(-radial / np.sqrt(V0))))
        phi = rate(m, r * p, E) * t
        f = plane(e, across / p if p > 0 else across, theta0, pi0)
        return (np.sqrt(2 * V) / m)[..., None] * (np.cos(phi)[..., None] * e + np.sin(phi)[..., None] * f), V

    return {"spiral": spiral}


@entry(PAPER, "reject", "spiral: it turns at m² l/E, without ½")
def spiral_that_turns_twice_as_fast(ours):
    return spiralling(rate=lambda m, momentum, E: m * m * momentum / E)


@entry(PAPER, "reject", "spiral: it turns at the rate m l/E; right for m = 2")
def spiral_with_the_wrong_power_of_m(ours):
    return spiralling(rate=lambda m, momentum, E: m * momentum / E)


@entry(PAPER, "reject", "spiral: it turns the other way")
def spiral_that_turns_the_other_way(ours):
    return spiralling(rate=lambda m, momentum, E: -m * m * momentum / (2 * E))


@entry(PAPER, "reject", "spiral: E_r² = E² − m²l², without ½")
def spiral_with_too_much_angular_momentum(ours):
    return spiralling(effective=lambda E, m, momentum: np.sqrt(np.maximum(E * E - m * m * momentum**2, 0)))


@entry(PAPER, "reject", "spiral: E_r = E; right without angular momentum")
def spiral_with_the_whole_energy(ours):
    return spiralling(effective=lambda E, m, momentum: E)


@entry(PAPER, "reject", "spiral: the fall is not slowed by E_r/E; right without angular momentum")
def spiral_that_falls_too_fast(ours):
    return spiralling(slowed=lambda ratio: 1.0)


@entry(PAPER, "reject", "spiral: inwards and outwards exchanged; right where π₀ is across θ₀")
def spiral_outwards_for_inwards(ours):
    return spiralling(phase=lambda X0: -X0)


@entry(PAPER, "reject", "spiral: the second axis of its plane is π₀, not its part across θ₀; right where π₀ is across θ₀")
def spiral_in_skew_axes(ours):
    return spiralling(plane=lambda e, across, theta0, pi0: pi0 / max(float(np.sqrt(pi0 @ pi0)), 1e-300))


@entry(PAPER, "reject", "spiral: it turns in the plane of the first two coordinates, as in two dimensions; right there")
def spiral_in_the_first_plane(ours):
    def plane(e, across, theta0, pi0):
        f = np.zeros_like(e)
        if len(e) > 1:
            f[:2] = -e[1], e[0]
            f = f * np.sign(f @ across if f @ across else 1.0)
        return f

    return spiralling(plane=plane)


@entry(PAPER, "accept", "spiral: in axes of its plane, r and φ apart")
def spiral_in_polar_coordinates(ours):
    return spiralling()


# ---- the elliptic motion
def elliptical(
    parameter=lambda k2: k2, energy=lambda E, V0: E, quarter=lambda m, V0, E, K: 4 * np.sqrt(2) / m * np.sqrt(E / (E + V0)) * K
):
    """elliptic and its period, with spoiled terms, by SciPy's functions of the parameter k²."""
    from scipy.special import ellipj, ellipk

    def period(m, V0, E):
        E = energy(E, V0)
        return float(quarter(m, V0, E, ellipk(parameter((E - V0) / (E + V0)))))

    def elliptic(t, m, V0, E):
        E = energy(E, V0)
        u = m / np.sqrt(2) * np.sqrt((E + V0) / E) * np.asarray(t, float)
        sn, cn, dn, _ = ellipj(u, parameter((E - V0) / (E + V0)))
        D = E - (E - V0) * sn**2
        return np.sqrt(2 * V0 * (E - V0) / D) * sn / m, np.sqrt(E * (E * E - V0 * V0) / (V0 * D)) * cn * dn, E * V0 / D

    return {"elliptic": elliptic, "elliptic_period": period}


@entry(PAPER, "reject", "elliptic: the modulus k given where SciPy takes the parameter k²")
def elliptic_with_the_modulus(ours):
    return elliptical(parameter=np.sqrt)


@entry(PAPER, "reject", "elliptic: the parameter squared again, k⁴")
def elliptic_with_the_parameter_squared(ours):
    return elliptical(parameter=lambda k2: k2 * k2)


@entry(PAPER, "reject", "elliptic: the complementary parameter 1 − k²")
def elliptic_with_the_complement(ours):
    return elliptical(parameter=lambda k2: 1 - k2)


@entry(PAPER, "reject", "elliptic: E counted from the minimum, the shift V₀ forgotten in it")
def elliptic_with_the_shift_forgotten(ours):
    return elliptical(energy=lambda E, V0: E + V0)


@entry(PAPER, "reject", "elliptic: half the period")
def elliptic_with_half_the_period(ours):
    return {"elliptic_period": lambda m, V0, E: 0.5 * ours.elliptic_period(m, V0, E)}


@entry(PAPER, "reject", "elliptic: the period 2π/m of Newton; right as E → V₀")
def elliptic_with_the_period_of_newton(ours):
    return {"elliptic_period": lambda m, V0, E: 2 * np.pi / m}


@entry(PAPER, "reject", "elliptic: the period (2√2/m) log(8E/V₀) of its limit; right as V₀ → 0")
def elliptic_with_the_logarithmic_period(ours):
    return {"elliptic_period": lambda m, V0, E: 2 * np.sqrt(2) / m * np.log(8 * E / V0)}


@entry(PAPER, "reject", "elliptic: the factor √(E/(E + V₀)) of the period forgotten; right as V₀ → 0")
def elliptic_without_the_root_in_the_period(ours):
    right = elliptical(quarter=lambda m, V0, E, K: 4 * np.sqrt(2) / m * K)
    return {"elliptic_period": right["elliptic_period"]}


@entry(PAPER, "reject", "elliptic: it begins at the turning point, not at the minimum")
def elliptic_from_the_turning_point(ours):
    return {"elliptic": lambda t, m, V0, E: ours.elliptic(np.asarray(t, float) + ours.elliptic_period(m, V0, E) / 4, m, V0, E)}


@entry(PAPER, "reject", "elliptic: a sine of the right period and amplitude; right as E → V₀")
def elliptic_as_a_sine(ours):
    def elliptic(t, m, V0, E):
        _, pi, V = ours.elliptic(t, m, V0, E)
        return np.sqrt(2 * (E - V0)) / m * np.sin(2 * np.pi * np.asarray(t) / ours.elliptic_period(m, V0, E)), pi, V

    return {"elliptic": elliptic}


@entry(PAPER, "accept", "elliptic: the period by the arithmetic-geometric mean, K = π/2 agm(1, √(1 − k²))")
def elliptic_by_the_arithmetic_geometric_mean(ours):
    def period(m, V0, E):
        a, b = 1.0, float(np.sqrt(2 * V0 / (E + V0)))
        while abs(a - b) > 1e-15 * a:
            a, b = 0.5 * (a + b), float(np.sqrt(a * b))
        return float(2 * np.sqrt(2) * np.pi / m * np.sqrt(E / (E + V0)) / a)

    return {"elliptic_period": period}


@entry(PAPER, "accept", "elliptic: all of it in 40 digits by mpmath")
def elliptic_in_many_digits(ours):
    import mpmath

    def one(t, m, V0, E):
        with mpmath.workdps(40):
            t, m, V0, E = (mpmath.mpf(float(x)) for x in (t, m, V0, E))
            u, k2 = m / mpmath.sqrt(2) * mpmath.sqrt((E + V0) / E) * t, (E - V0) / (E + V0)
            sn, cn, dn = (mpmath.ellipfun(name, u, m=k2) for name in ("sn", "cn", "dn"))
            D = E * cn**2 + V0 * sn**2
            theta = mpmath.sqrt(2 * V0 * (E - V0) / D) * sn / m
            return float(theta), float(mpmath.sqrt(E * (E * E - V0 * V0) / (V0 * D)) * cn * dn), float(E * V0 / D)

    def elliptic(t, m, V0, E):
        t = np.asarray(t, float)
        found = np.array([one(x, m, V0, E) for x in t.ravel()]).T
        return tuple(part.reshape(t.shape) for part in found)

    return {"elliptic": elliptic}


# ---- the cycloid
@entry(PAPER, "reject", "cycloid: x = R (φ − sin φ), as it is from the cusp")
def cycloid_from_the_cusp(ours):
    def cycloid(phi, radius, slope):
        t, x, y = ours.cycloid(phi, radius, slope)
        return t, x - 2 * radius * np.sin(phi), y

    return {"cycloid": cycloid}


@entry(PAPER, "reject", "cycloid: t = φ √(R/g), that of the brachistochrone")
def cycloid_in_the_time_of_the_brachistochrone(ours):
    def cycloid(phi, radius, slope):
        t, x, y = ours.cycloid(phi, radius, slope)
        return t / np.sqrt(2), x, y

    return {"cycloid": cycloid}


@entry(PAPER, "reject", "cycloid: t = φ √(2 g R)/2R upside down: φ/t for t/φ; right where 2R = g")
def cycloid_with_the_rate_upside_down(ours):
    def cycloid(phi, radius, slope):
        _, x, y = ours.cycloid(phi, radius, slope)
        return np.asarray(phi) * np.sqrt(2 * slope * radius) / (2 * radius), x, y

    return {"cycloid": cycloid}


@entry(PAPER, "reject", "cycloid: its start at the height R, not 2R")
def cycloid_of_half_the_height(ours):
    def cycloid(phi, radius, slope):
        t, x, y = ours.cycloid(phi, radius, slope)
        return t, x, y / 2

    return {"cycloid": cycloid}


@entry(PAPER, "reject", "cycloid: the height from the top downwards, R (1 − cos φ)")
def cycloid_upside_down(ours):
    def cycloid(phi, radius, slope):
        t, x, y = ours.cycloid(phi, radius, slope)
        return t, x, 2 * radius - y

    return {"cycloid": cycloid}


# ---- the measure
def density(power=lambda n: n - 2, clock=lambda name, logs: logs[name], outside=-np.inf, constant=lambda c, E: c, log=np.log):
    """log_density with the power of p, the clock's logarithm or what is outside the domain in another way."""

    def log_density(V, E, n, uniform_in="t", c=None):
        V = np.asarray(V, float)
        c = E if c is None else constant(c, E)
        inside = (V > 0) & (V < E)
        v = np.where(inside, V, E / 2)
        p2 = (E - v) * (E + v) / v
        logs = {
            "t": log(E / v),
            "s": log(c + p2),
            "tau": 0.0,
            "length": 0.5 * log(p2),
            "s of t": log((c * v + E * E - v * v) / E**2),
        }
        value = clock(uniform_in, logs) + 0.5 * power(n) * log(p2)
        return np.where(inside, value, np.where(np.isnan(V), np.nan, outside))[()]

    return {"log_density": log_density}


@entry(PAPER, "reject", "density: p to the power n − 1")
def density_with_a_power_more(ours):
    return density(power=lambda n: n - 1)


@entry(PAPER, "reject", "density: p to the power n − 3")
def density_with_a_power_less(ours):
    return density(power=lambda n: n - 3)


@entry(PAPER, "reject", "density: p to the power n, as if all of phase space were counted")
def density_of_the_volume(ours):
    return density(power=lambda n: n)


@entry(PAPER, "reject", "density: p² to the power n − 2: ½ forgotten; right for n = 2")
def density_without_the_half(ours):
    return density(power=lambda n: 2 * (n - 2))


@entry(PAPER, "reject", "density: V to the power −n/2, what it is where V ≪ E")
def density_where_it_is_deep(ours):
    return {"log_density": lambda V, E, n, uniform_in="t", c=None: np.where(
        np.isfinite(ours.log_density(V, E, n, uniform_in, c)), -0.5 * n * np.log(np.abs(V)), ours.log_density(V, E, n, uniform_in, c)
    )}  # fmt: skip


@entry(PAPER, "reject", "density in t without E/V: that of tau")
def density_without_the_jacobian(ours):
    return density(clock=lambda name, logs: logs["tau" if name == "t" else name])


@entry(PAPER, "reject", "density in t with V/E in place of E/V")
def density_with_the_jacobian_upside_down(ours):
    return density(clock=lambda name, logs: -logs["t"] if name == "t" else logs[name])


@entry(PAPER, "reject", "density in s is that in t: dt/ds forgotten")
def density_without_the_clock(ours):
    return density(clock=lambda name, logs: logs["t" if name == "s" else name])


@entry(PAPER, "reject", "density in s: multiplied by dt/ds where it is to be divided")
def density_with_the_clock_upside_down(ours):
    return density(clock=lambda name, logs: logs["t"] - logs["s of t"] if name == "s" else logs[name])


@entry(PAPER, "reject", "density in s: that of c = E, whatever c; right by default")
def density_of_the_default_constant(ours):
    return density(constant=lambda c, E: E)


@entry(PAPER, "reject", "density in s: c in units of E; right by default, and where E = 1")
def density_with_the_constant_in_units_of_the_energy(ours):
    return density(constant=lambda c, E: c * E)


@entry(PAPER, "reject", "density in the length: that of tau")
def density_of_tau_for_the_length(ours):
    return density(clock=lambda name, logs: logs["tau" if name == "length" else name])


@entry(PAPER, "reject", "density outside 0 < V < E is 0 as a logarithm, not −∞; right inside")
def density_outside_as_inside(ours):
    return density(outside=0.0)


@entry(PAPER, "reject", "density itself, not its logarithm")
def density_not_its_logarithm(ours):
    return {"log_density": lambda *args, **options: np.exp(ours.log_density(*args, **options))}


@entry(PAPER, "reject", "density as a logarithm to the base 10")
def density_to_the_base_ten(ours):
    return density(log=np.log10)


@entry(PAPER, "accept", "density in other units: a constant more, and all from one logarithm")
def density_up_to_a_constant(ours):
    def log_density(V, E, n, uniform_in="t", c=None):
        right = ours.log_density(V, E, n, uniform_in, c)
        return np.asarray(right - 0.5 * n * np.log(E) + 1.25)[()]

    return {"log_density": log_density}


@entry(PAPER, "accept", "density by powers of E/V: log sinh of its logarithm")
def density_by_hyperbolic_functions(ours):
    def log_density(V, E, n, uniform_in="t", c=None):
        V = np.asarray(V, float)
        inside = (V > 0) & (V < E)
        L = np.log(E) - np.log(np.where(inside, V, E / 2))
        L = np.where(L < 1e-3, -np.log1p(-(E - np.where(inside, V, E / 2)) / E), L)
        log_p2 = np.log(E) + L + np.log(-np.expm1(-2 * L))  # E (E/V − V/E) = 2E sinh L
        c = E if c is None else c
        clock = {"t": L, "s": np.logaddexp(np.log(c), log_p2), "tau": 0.0, "length": 0.5 * log_p2}[uniform_in]
        return np.where(inside, clock + 0.5 * (n - 2) * log_p2, np.where(np.isnan(V), np.nan, -np.inf))[()]

    return {"log_density": log_density}


@entry(PAPER, "reject", "basin: the integral runs to R, not to √R")
def basin_integrated_too_far(ours):
    return {"basin_integral": lambda n, ratio: ours.basin_integral(n, ratio**2)}


@entry(PAPER, "reject", "basin: a trapezoid of 2000 points in x, too coarse where R is large; right for small R")
def basin_by_a_coarse_rule(ours):
    def basin_integral(n, ratio):
        x = np.linspace(0, np.sqrt(ratio), 2001)
        y = x ** (n - 1) * (1 + x * x) ** (-n / 2)
        return float(np.sum(0.5 * (y[1:] + y[:-1]) * np.diff(x)))

    return {"basin_integral": basin_integral}


@entry(PAPER, "reject", "basin: xⁿ in the integrand for xⁿ⁻¹")
def basin_with_a_power_more(ours):
    from scipy.integrate import quad

    def basin_integral(n, ratio):
        top = np.log(ratio)
        integrand = lambda y: 0.5 * np.exp(0.5 * y - n / 2 * np.logaddexp(0, -y))  # noqa: E731
        return float(quad(integrand, top - 60, top, limit=400)[0])

    return {"basin_integral": basin_integral}


@entry(PAPER, "reject", "basin: half the logarithm, ½ log(1 + R), for every n; right for n = 2")
def basin_without_the_dimension(ours):
    return {
        "basin_integral": lambda n, ratio: 0.5 * float(np.log1p(ratio)),
        "basin_integral_asymptotic": lambda n, ratio: 0.5 * float(np.log1p(ratio)),
    }


@entry(PAPER, "reject", "basin, asymptotic: ψ(n) for ψ(n/2)")
def basin_with_the_digamma_of_n(ours):
    from scipy.special import digamma

    return {"basin_integral_asymptotic": lambda n, ratio: float((np.log1p(ratio) - digamma(n) - np.euler_gamma) / 2)}


@entry(PAPER, "reject", "basin, asymptotic: Euler's constant with the wrong sign")
def basin_with_euler_added(ours):
    return {"basin_integral_asymptotic": lambda n, ratio: ours.basin_integral_asymptotic(n, ratio) + float(np.euler_gamma)}


@entry(PAPER, "reject", "basin, asymptotic: without ½")
def basin_without_the_half(ours):
    return {"basin_integral_asymptotic": lambda n, ratio: 2 * ours.basin_integral_asymptotic(n, ratio)}


@entry(PAPER, "accept", "basin: by the hypergeometric function, R^{n/2}/n ₂F₁(n/2, n/2; n/2 + 1; −R), in 30 digits")
def basin_by_the_hypergeometric_function(ours):
    import mpmath

    def basin_integral(n, ratio):
        with mpmath.workdps(30):
            a, R = mpmath.mpf(n) / 2, mpmath.mpf(float(ratio))
            return float(R**a / n * mpmath.hyp2f1(a, a, a + 1, -R))

    return {"basin_integral": basin_integral}


@entry(PAPER, "reject", "equal basins: the ratio upside down, the sharper one the larger")
def basin_ratio_upside_down(ours):
    return {"basin_ratio": lambda a, b: ours.basin_ratio(b, a)}


@entry(PAPER, "reject", "equal basins: determinants without the root")
def basin_ratio_without_the_root(ours):
    return {"basin_ratio": lambda a, b: ours.basin_ratio(a, b) ** 2}


@entry(PAPER, "reject", "equal basins: traces for determinants; right for one coordinate")
def basin_ratio_of_traces(ours):
    return {"basin_ratio": lambda a, b: float(np.sqrt(np.trace(b) / np.trace(a)))}


@entry(PAPER, "reject", "equal basins: products of the diagonals; right for diagonal Hessians")
def basin_ratio_of_diagonals(ours):
    return {"basin_ratio": lambda a, b: float(np.sqrt(np.prod(np.diag(b)) / np.prod(np.diag(a))))}


@entry(PAPER, "accept", "equal basins: by eigenvalues, their logarithms summed")
def basin_ratio_by_eigenvalues(ours):
    def log_det(H):
        return float(np.sum(np.log(np.linalg.eigvalsh(np.asarray(H, float)))))

    return {"basin_ratio": lambda a, b: float(np.exp(0.5 * (log_det(b) - log_det(a))))}


@entry(PAPER, "reject", "moment: 3/n, that of normal numbers divided by their mean square")
def moment_of_normal_numbers(ours):
    return {"isotropic_moment": lambda n: 3 / n}


@entry(PAPER, "reject", "moment of the cube: 9/5n, its limit for many coordinates")
def moment_of_the_cube_in_the_limit(ours):
    return {"cube_moment": lambda n: 9 / (5 * n)}


@entry(PAPER, "reject", "moment of the cube: that of the sphere, 3/(n + 2)")
def moment_of_the_cube_as_of_the_sphere(ours):
    return {"cube_moment": lambda n: 3 / (n + 2)}


# ---- ECDSep
def separable(
    ours, speed=lambda q, s: 2 / (s + q), kick=lambda V, eta, offset: eta / V, second=lambda new, old: new, halves=(0.5, 0.5)
):
    def step(objective, state, h):
        pi = state.pi - halves[0] * h * kick(state.V, state.eta, state.offset) * state.dV
        theta = state.theta + h * speed(float(pi @ pi), state.s) * pi
        V, dV = evaluated(objective, state, theta)
        if not V > 0:
            raise ours.OutsideDomain(f"V: got {V}")
        force = second(kick(V, state.eta, state.offset) * dV, kick(state.V, state.eta, state.offset) * state.dV)
        dtype = state.theta.dtype
        return state._replace(theta=theta.astype(dtype), pi=(pi - halves[1] * h * force).astype(dtype), V=V, dV=dV.astype(dtype))

    return {"ecdsep_leapfrog_step": step}


@entry(PAPER, "reject", "ECDSep: the drift without its 2")
def ecdsep_without_the_two(ours):
    return separable(ours, speed=lambda q, s: 1 / (s + q))


@entry(PAPER, "reject", "ECDSep: the drift takes s = 1, whatever s; right by default")
def ecdsep_with_s_ignored(ours):
    return separable(ours, speed=lambda q, s: 2 / (1 + q))


@entry(PAPER, "reject", "ECDSep: the drift takes 2Π/|Π|², s forgotten; right for s = 0")
def ecdsep_without_s(ours):
    return separable(ours, speed=lambda q, s: 2 / q if q > 0 else 0.0)


@entry(PAPER, "reject", "ECDSep: the drift takes 2Π/√(s + |Π|²)")
def ecdsep_with_a_root(ours):
    return separable(ours, speed=lambda q, s: 2 / np.sqrt(s + q))


@entry(PAPER, "reject", "ECDSep: the kick without η; right for η = 1")
def ecdsep_without_eta_in_the_kick(ours):
    return separable(ours, kick=lambda V, eta, offset: 1 / V)


@entry(PAPER, "reject", "ECDSep: the kick by ∇F/F, the offset forgotten, as the self-tuning variant has it; right for offset 0")
def ecdsep_with_the_loss_in_the_kick(ours):
    return separable(ours, kick=lambda V, eta, offset: eta / (V + offset))


@entry(PAPER, "reject", "ECDSep: the kick by V^η, not by its logarithm")
def ecdsep_without_the_logarithm(ours):
    return separable(ours, kick=lambda V, eta, offset: eta * V ** (eta - 1))


@entry(PAPER, "reject", "ECDSep: the second kick is the first again")
def ecdsep_with_a_stale_kick(ours):
    return separable(ours, second=lambda new, old: old)


@entry(PAPER, "reject", "ECDSep: the whole kick at first, none at the end")
def ecdsep_by_euler(ours):
    return separable(ours, halves=(1.0, 0.0))


@entry(PAPER, "accept", "ECDSep: its leapfrog in plain terms")
def ecdsep_in_plain_terms(ours):
    return separable(ours)


@entry(PAPER, "reject", "ECDSep: the energy η ln V + ln |Π|², s forgotten; right for s = 0")
def ecdsep_energy_without_s(ours):
    def energy(state):
        with np.errstate(divide="ignore"):
            return float(state.eta * np.log(state.V) + np.log(state.pi @ state.pi))

    return {"ecdsep_energy": energy}


@entry(PAPER, "reject", "ECDSep: the energy ln V + ln(s + |Π|²), η forgotten; right for η = 1")
def ecdsep_energy_without_eta(ours):
    return {"ecdsep_energy": lambda state: float(np.log(state.V) + np.log(state.s + state.pi @ state.pi))}


@entry(PAPER, "reject", "ECDSep: |Π| at the start is the extra energy, as its comment says, not |Π|²; right for 0 and 1")
def ecdsep_started_as_its_comment_says(ours):
    def start(objective, theta, offset=0.0, extra=0.0, **options):
        state = ours.ecdsep_start(objective, theta, offset, extra, **options)
        return state._replace(pi=state.pi * np.sqrt(extra).astype(state.pi.dtype), extra=extra**2)

    return {"ecdsep_start": start}


@entry(PAPER, "reject", "ECDSep: started uphill")
def ecdsep_started_uphill(ours):
    def start(*args, **options):
        state = ours.ecdsep_start(*args, **options)
        return state._replace(pi=-state.pi)

    return {"ecdsep_start": start}


def released_separable(ours, ratio=lambda t, q: np.sqrt(t / q), noise=None, target=None):
    """ecdsep_step with the rescaling or the noise in another way."""

    def step(objective, state, h, *, rng=None, nu=1e-5, project=True):
        if not state.V > 1e-40:
            return state
        pi = state.pi
        t = (state.s + state.extra) * (state.V0 / state.V) ** state.eta - state.s if target is None else target(state)
        q = float(pi @ pi)
        if project and t >= 0 and q > 0 and abs(q - t) >= 1e-10:
            pi = pi * ratio(t, q)
        moved = ours.ecdsep_step(objective, state._replace(pi=pi), h, rng=rng if noise is None else None, nu=nu, project=False)
        if noise is None or rng is None or not moved.pi.any():
            return moved
        size = np.sqrt(float(moved.pi @ moved.pi))
        return moved._replace(pi=noise(moved.pi, size, nu * rng.standard_normal(moved.pi.shape)).astype(moved.pi.dtype))

    return {"ecdsep_step": step}


@entry(PAPER, "reject", "ECDSep, released: rescaled by t/q, not by its root; right on the shell")
def ecdsep_rescaled_without_the_root(ours):
    return released_separable(ours, ratio=lambda t, q: t / q)


@entry(PAPER, "reject", "ECDSep, released: the shell of η = 1, whatever η; right by default")
def ecdsep_on_the_shell_of_eta_one(ours):
    return released_separable(ours, target=lambda s: (s.s + s.extra) * (s.V0 / s.V) - s.s)


@entry(PAPER, "reject", "ECDSep, released: the noise is added and |Π| not restored")
def ecdsep_noise_not_normalised(ours):
    return released_separable(ours, noise=lambda pi, size, z: pi + size * z)


@entry(PAPER, "reject", "ECDSep, released: the noise is not in units of |Π|; right where |Π| = 1")
def ecdsep_noise_not_in_units_of_the_momentum(ours):
    return released_separable(ours, noise=lambda pi, size, z: (pi + z) * size / np.sqrt(float((pi + z) @ (pi + z))))


@entry(PAPER, "reject", "ECDSep, released: without noise though there is a generator")
def ecdsep_without_noise(ours):
    return released_separable(ours, noise=lambda pi, size, z: pi)


# ---- unit speed
def directed_kick(
    ours, over=lambda n: n - 1, sinh=np.sinh, cosh=np.cosh, gained=lambda n, D: (n - 1) * np.log(D), normalise=True, sign=-1.0
):
    """mchmc_kick by hyperbolic functions, and the steps that use it."""

    def kick(u, dS, h):
        n = len(u)
        if n < 2:
            raise ValueError("u: expected two coordinates")
        size = float(np.sqrt(dS @ dS))
        if size == 0 or h == 0:
            return u, 0.0
        e, delta = sign * dS / size, h * size / over(n)
        along = float(e @ u)
        with np.errstate(all="ignore"):
            D = float(cosh(delta) + along * sinh(delta))
            new = (u + e * (sinh(delta) + along * (cosh(delta) - 1))) / D
            change = float(gained(n, D))
        new = new / np.sqrt(float(new @ new)) if normalise else new
        return new.astype(u.dtype), change

    return {"mchmc_kick": kick, **unit_speed(ours, kick)}


def unit_speed(ours, kick, leapfrog=((0.5, 1.0), (0.5, 0.0)), minimal=None, counted=lambda gained: gained):
    L = 0.1931833275037836
    minimal = minimal or ((L, 0.5), (1 - 2 * L, 0.5), (L, 0.0))

    def made(scheme):
        def step(objective, state, h):
            for part, drift in scheme:
                u, gained = kick(state.u, state.dS, part * h)
                state = state._replace(u=u, K=state.K + counted(gained))
                if drift:
                    theta = state.theta + drift * h * u
                    S, dS = objective(theta)
                    state = state._replace(theta=theta, S=float(S), dS=np.asarray(dS).astype(theta.dtype))
            return state

        return step

    return {"mchmc_leapfrog_step": made(leapfrog), "mchmc_minimal_norm_step": made(minimal)}


@entry(PAPER, "reject", "MCHMC: n for n − 1 in the force")
def mchmc_with_n(ours):
    return directed_kick(ours, over=lambda n: n)


@entry(PAPER, "reject", "MCHMC: the force not divided by n − 1; right for n = 2")
def mchmc_without_the_dimension(ours):
    return directed_kick(ours, over=lambda n: 1)


@entry(PAPER, "reject", "MCHMC: sinh and cosh exchanged")
def mchmc_with_sinh_and_cosh_exchanged(ours):
    return directed_kick(ours, sinh=np.cosh, cosh=np.sinh)


@entry(PAPER, "reject", "MCHMC: sin and cos for sinh and cosh; right for weak kicks")
def mchmc_with_circular_functions(ours):
    return directed_kick(ours, sinh=np.sin, cosh=np.cos)


@entry(PAPER, "reject", "MCHMC: uphill")
def mchmc_uphill(ours):
    return directed_kick(ours, sign=1.0)


@entry(PAPER, "reject", "MCHMC: the energy gained is ln D, without n − 1; right for n = 2")
def mchmc_energy_without_the_dimension(ours):
    return directed_kick(ours, gained=lambda n, D: np.log(D))


@entry(PAPER, "reject", "MCHMC: the energy gained has the wrong sign")
def mchmc_energy_with_the_wrong_sign(ours):
    return directed_kick(ours, gained=lambda n, D: -(n - 1) * np.log(D))


@entry(PAPER, "reject", "MCHMC: cosh overflows in a strong kick; right in weak ones")
def mchmc_that_overflows(ours):
    return directed_kick(ours)


@entry(PAPER, "reject", "MCHMC: one Euler step of the direction, normalised, for the exact kick; right for weak kicks")
def mchmc_kick_to_first_order(ours):
    def kick(u, dS, h):
        if len(u) < 2:
            raise ValueError("u: expected two coordinates")
        new = u - h / (len(u) - 1) * (dS - (u @ dS) * u)
        return new / np.sqrt(float(new @ new)), float(-h * (u @ dS))

    return {"mchmc_kick": kick, **unit_speed(ours, kick)}


@entry(PAPER, "reject", "MCHMC: the kick runs forwards for negative times, too: not reversible")
def mchmc_always_forwards(ours):
    def kick(u, dS, h):
        return ours.mchmc_kick(u, dS, abs(h))

    return {"mchmc_kick": kick, **unit_speed(ours, kick)}


@entry(PAPER, "reject", "MCHMC: the energy of the second kick is not counted")
def mchmc_energy_of_one_kick(ours):
    def step(objective, state, h):
        new = ours.mchmc_leapfrog_step(objective, state, h)
        return new._replace(K=state.K + ours.mchmc_kick(state.u, state.dS, h / 2)[1])

    return {"mchmc_leapfrog_step": step}


@entry(PAPER, "reject", "MCHMC: both kicks of the leapfrog whole")
def mchmc_kicks_whole(ours):
    return {"mchmc_leapfrog_step": unit_speed(ours, ours.mchmc_kick, leapfrog=((1.0, 1.0), (1.0, 0.0)))["mchmc_leapfrog_step"]}


@entry(PAPER, "reject", "MCHMC, minimal norm: λ and 1 − 2λ exchanged: kicks that do not sum to h")
def mchmc_minimal_norm_exchanged(ours):
    L = 0.1931833275037836
    scheme = ((1 - 2 * L, 0.5), (L, 0.5), (1 - 2 * L, 0.0))
    return {"mchmc_minimal_norm_step": unit_speed(ours, ours.mchmc_kick, minimal=scheme)["mchmc_minimal_norm_step"]}


@entry(PAPER, "reject", "MCHMC, minimal norm: λ = ¼, two leapfrogs of half the step; right but for its error's size")
def mchmc_minimal_norm_as_two_leapfrogs(ours):
    scheme = ((0.25, 0.5), (0.5, 0.5), (0.25, 0.0))
    return {"mchmc_minimal_norm_step": unit_speed(ours, ours.mchmc_kick, minimal=scheme)["mchmc_minimal_norm_step"]}


@entry(PAPER, "reject", "MCHMC: the energy is S − K")
def mchmc_energy_as_a_difference(ours):
    return {"mchmc_energy": lambda state: state.S - state.K}


@entry(PAPER, "accept", "MCHMC: the kick by the half angle between u and −∇S, tan ½φ' = e^{−δ} tan ½φ")
def mchmc_by_the_half_angle(ours):
    def kick(u, dS, h):
        n = len(u)
        if n < 2:
            raise ValueError("u: expected two coordinates")
        size = float(np.max(np.abs(dS), initial=0))
        if size == 0 or h == 0:
            return u, 0.0
        size *= float(np.sqrt((dS / size) @ (dS / size)))
        e, delta = -np.sign(h) * dS / size, abs(h) * size / (n - 1)
        near, far = np.sqrt(float((u - e) @ (u - e))), np.sqrt(float((u + e) @ (u + e)))
        if far == 0:
            return u, -delta * (n - 1)
        across = u - float(u @ e) * e
        length = np.sqrt(float(across @ across))
        tangent = np.exp(-delta) * near / far
        cos, sin = (1 - tangent) * (1 + tangent) / (1 + tangent**2), 2 * tangent / (1 + tangent**2)
        D = delta + np.log((far**2 + (np.exp(-delta) * near) ** 2) / 4)
        new = cos * e + (sin * across / length if length > 0 else 0.0)
        return (new / np.sqrt(float(new @ new))).astype(u.dtype), float((n - 1) * D)

    return {"mchmc_kick": kick, **unit_speed(ours, kick)}


@entry(PAPER, "reject", "the action of ECD_q=1 without n: (η/2) ln V; right for n = 1")
def action_without_the_dimension(ours):
    def ecd_q1_action(*args, **options):
        right = ours.ecd_q1_action(*args, **options)

        def action(theta):
            S, dS = right(theta)
            return S / len(theta), dS / len(theta)

        return action

    return {"ecd_q1_action": ecd_q1_action}


@entry(PAPER, "reject", "the action of Born-Infeld's orbits with n − 2 for n − 1")
def action_with_the_power_of_the_measure(ours):
    def born_infeld_action(*args, **options):
        right = ours.born_infeld_action(*args, **options)

        def action(theta):
            (S, dS), n = right(theta), len(theta)
            return S * (n - 2) / (n - 1), dS * (n - 2) / (n - 1)

        return action

    return {"born_infeld_action": born_infeld_action}


@entry(PAPER, "reject", "the action of Born-Infeld's orbits: the gradient's V² + E² became E²; right where V ≪ E")
def action_with_the_gradient_where_it_is_deep(ours):
    def born_infeld_action(objective, E, offset=0.0):
        right = ours.born_infeld_action(objective, E, offset)

        def action(theta):
            S, dS = right(theta)
            V = float(objective(theta)[0]) - offset
            return S, dS * (E * E / (E * E + V * V))

        return action

    return {"born_infeld_action": born_infeld_action}


# ---- the Laplacian of a network, and the loss of the Poisson problem, in plain terms
NETWORK: dict[str, Any] = {
    "derivatives": lambda activation, z: DERIVATIVES[activation](z),
    "residual": lambda k, a: k > 0,
    "carried": lambda a, J, S, out: (a + out[0], J + out[1], S + out[2]),
    "square": lambda Z: np.sum(Z * Z, axis=0),
    "dz": lambda s1, s2, s3, A, ZB, D, q, C: s1 * A + s2 * ZB + (s2 * D + s3 * q) * C,
    "dZ": lambda s1, s2, B, Z, C: s1 * B + 2 * s2 * Z * C,
    "returned": lambda A, B, C, new: (A + new[0], B + new[1], C + new[2]),
    "dW": lambda dz, a, dZ, J, dD, S: dz.T @ a + np.einsum("knm,knd->md", dZ, J) + dD.T @ S,
    "db": lambda dz: np.sum(dz, axis=0),
    "ordered": lambda layers: tuple(reversed(layers)),
}
LOSS: dict[str, Any] = {
    "source": lambda ours, x, A: ours.poisson_source(x, A),
    "rho": lambda u, lap, f: -lap + u * u - f,
    "drho": lambda u: (2 * u, -1.0),
    "counted": lambda N, k: slice(None),  # points in the mean of rho²
    "boundary": lambda weight, k: weight / k,
    "dl2": 2.0,
    "l2": 1.0,
    "penalised": lambda unravel, theta: np.ones(len(theta)),
}


def poisson(ours, **spoiled):
    """laplacian_forward, laplacian_backward and poisson_objective with the terms given in place of the right ones."""
    from refimpl.params import ravel

    t = SimpleNamespace(**{**NETWORK, **LOSS, **spoiled})

    def forward(params, x, activation="sigmoid"):
        ours.laplacian_forward(params, x, activation)
        n, d = x.shape
        a, J, S, layers = x, np.tile(np.eye(d, dtype=x.dtype)[:, None], (1, n, 1)), np.zeros_like(x), []
        for k, (W, b) in enumerate(params[:-1]):
            z, Z, D = a @ W.T + b, J @ W.T, S @ W.T
            s, s1, s2, s3 = t.derivatives(activation, z)
            layers.append((W, a, J, S, Z, D, s1, s2, s3))
            out = s, s1 * Z, s1 * D + s2 * t.square(Z)
            a, J, S = t.carried(a, J, S, out) if t.residual(k, a) and a.shape == s.shape else out
        W, b = params[-1]
        return ((a @ W.T + b)[:, 0], (S @ W.T)[:, 0]), (W, a, S, layers)

    def backward(dy, cache):
        du, dlap = dy
        W, a, S, layers = cache
        found = [Dense(W=(du @ a + dlap @ S)[None], b=np.sum(du)[None])]
        A, C = du[:, None] * W, dlap[:, None] * W
        B = np.zeros((len(layers[0][2]), *A.shape), A.dtype)
        for k, (W, a, J, S, Z, D, s1, s2, s3) in reversed(list(enumerate(layers))):
            dz = t.dz(s1, s2, s3, A, np.sum(Z * B, axis=0), D, np.sum(Z * Z, axis=0), C)
            dZ, dD = t.dZ(s1, s2, B, Z, C), s1 * C
            found.append(Dense(W=t.dW(dz, a, dZ, J, dD, S), b=t.db(dz)))
            if k > 0:
                A, B, C = t.returned(A, B, C, (dz @ W, dZ @ W, dD @ W))
        return t.ordered(found)

    def poisson_objective(params, interior, boundary, amplitude, boundary_weight, l2, activation="sigmoid"):
        ours.poisson_objective(params, interior, boundary, amplitude, boundary_weight, l2, activation)
        theta, unravel = ravel(tuple(params))
        x, k = np.concatenate([interior, boundary]), len(boundary)
        dtype = theta.dtype
        f, g = t.source(ours, x, amplitude).astype(dtype), ours.poisson_solution(np.asarray(boundary), amplitude).astype(dtype)
        x = x.astype(dtype)
        mask = np.zeros(len(x), dtype)
        mask[t.counted(len(x), k)] = 1
        N = float(np.sum(mask))

        def objective(theta):
            (u, lap), cache = forward(unravel(theta), x, activation)
            rho, gap, w = t.rho(u, lap, f) * mask, u[-k:] - g, t.boundary(boundary_weight, k)
            kept = t.penalised(unravel, theta).astype(dtype)
            value = rho @ rho / N + w * (gap @ gap) + l2 * t.l2 * (theta * kept @ theta)
            by_u, by_lap = t.drho(u)
            du, dlap = 2 / N * rho * by_u, 2 / N * rho * by_lap
            du[-k:] += 2 * w * gap
            return value.item(), unravel.flat(backward((du, dlap), cache)) + t.dl2 * l2 * kept * theta

        return objective, unravel

    return {"laplacian_forward": forward, "laplacian_backward": backward, "poisson_objective": poisson_objective}


@entry(PAPER, "reject", "Laplacian backward: σ''' Σ Z² C dropped")
def laplacian_without_the_third_derivative(ours):
    return poisson(ours, dz=lambda s1, s2, s3, A, ZB, D, q, C: s1 * A + s2 * ZB + s2 * D * C)


@entry(PAPER, "reject", "Laplacian backward: the 2 of 2 σ'' Z C dropped")
def laplacian_without_the_two(ours):
    return poisson(ours, dZ=lambda s1, s2, B, Z, C: s1 * B + s2 * Z * C)


@entry(PAPER, "reject", "Laplacian backward: σ'' D C dropped; right for one hidden layer, where D = 0")
def laplacian_without_the_second_derivative_of_the_laplacian(ours):
    return poisson(ours, dz=lambda s1, s2, s3, A, ZB, D, q, C: s1 * A + s2 * ZB + s3 * q * C)


@entry(PAPER, "reject", "Laplacian backward: σ'' Σ Z B dropped; right for one hidden layer, where B = 0")
def laplacian_without_the_gradient_in_the_derivatives(ours):
    return poisson(ours, dz=lambda s1, s2, s3, A, ZB, D, q, C: s1 * A + (s2 * D + s3 * q) * C)


@entry(PAPER, "reject", "Laplacian backward: the gradient does not go round a residual layer; right for one hidden layer")
def laplacian_gradient_through_layers_only(ours):
    return poisson(ours, returned=lambda A, B, C, new: new)


@entry(
    PAPER, "reject", "Laplacian backward: the gradient goes round a residual layer for its values only; right for one hidden layer"
)
def laplacian_gradient_round_the_values_only(ours):
    return poisson(ours, returned=lambda A, B, C, new: (A + new[0], new[1], new[2]))


@entry(PAPER, "reject", "Laplacian backward: the part of W's gradient by Z is dropped")
def laplacian_weights_without_the_derivatives(ours):
    return poisson(ours, dW=lambda dz, a, dZ, J, dD, S: dz.T @ a + dD.T @ S)


@entry(PAPER, "reject", "Laplacian backward: the part of W's gradient by D is dropped; right for one hidden layer, where S = 0")
def laplacian_weights_without_the_laplacian(ours):
    return poisson(ours, dW=lambda dz, a, dZ, J, dD, S: dz.T @ a + np.einsum("knm,knd->md", dZ, J))


@entry(PAPER, "reject", "Laplacian backward: biases by the mean over the points, not the sum; right for one point")
def laplacian_biases_by_the_mean(ours):
    return poisson(ours, db=lambda dz: np.mean(dz, axis=0))


@entry(PAPER, "reject", "Laplacian backward: the layers' gradients from last to first")
def laplacian_gradients_backwards(ours):
    return poisson(ours, ordered=tuple)


@entry(PAPER, "reject", "Laplacian forward: S is not added round a residual layer")
def laplacian_not_carried_round(ours):
    return poisson(ours, carried=lambda a, J, S, out: (a + out[0], J + out[1], out[2]))


@entry(PAPER, "reject", "Laplacian forward: J is not added round a residual layer")
def derivatives_not_carried_round(ours):
    return poisson(ours, carried=lambda a, J, S, out: (a + out[0], out[1], S + out[2]))


@entry(PAPER, "reject", "no layer is residual; right for one hidden layer")
def network_without_residuals(ours):
    return poisson(ours, residual=lambda k, a: False)


@entry(PAPER, "reject", "the first layer is residual, too, where it is square; right where it is not")
def network_with_a_residual_first_layer(ours):
    return poisson(ours, residual=lambda k, a: True)


@entry(PAPER, "reject", "Laplacian forward: (Σ Z)² for Σ Z²; right in one dimension")
def laplacian_of_the_summed_derivatives(ours):
    return poisson(ours, square=lambda Z: np.sum(Z, axis=0) ** 2)


@entry(PAPER, "reject", "tanh'' with the wrong sign; right for sigmoid")
def tanh_bent_the_wrong_way(ours):
    def derivatives(activation, z):
        s, s1, s2, s3 = DERIVATIVES[activation](z)
        return s, s1, -s2 if activation == "tanh" else s2, s3

    return poisson(ours, derivatives=derivatives)


@entry(PAPER, "reject", "sigmoid''' = σ'(1 − 6σ): forward right, and so the backward of tanh")
def sigmoid_with_a_wrong_third_derivative(ours):
    def derivatives(activation, z):
        s, s1, s2, s3 = DERIVATIVES[activation](z)
        return s, s1, s2, s1 * (1 - 6 * s) if activation == "sigmoid" else s3

    return poisson(ours, derivatives=derivatives)


@entry(PAPER, "reject", "the boundary is not in the mean of ρ²")
def residual_of_the_interior_only(ours):
    return poisson(ours, counted=lambda N, k: slice(0, N - k))


@entry(PAPER, "reject", "the boundary's error is summed, not averaged; right for one point")
def boundary_summed(ours):
    return poisson(ours, boundary=lambda weight, k: weight)


@entry(PAPER, "reject", "ρ = Δu + u² − f: the sign of the Laplacian")
def residual_with_the_laplacian_added(ours):
    return poisson(ours, rho=lambda u, lap, f: lap + u * u - f, drho=lambda u: (2 * u, 1.0))


@entry(PAPER, "reject", "ρ = −Δu + u² + f: the sign of the source")
def residual_with_the_source_added(ours):
    return poisson(ours, rho=lambda u, lap, f: -lap + u * u + f)


@entry(PAPER, "reject", "ρ = −Δu + u − f, the linear problem")
def residual_of_the_linear_problem(ours):
    return poisson(ours, rho=lambda u, lap, f: -lap + u - f, drho=lambda u: (1.0, -1.0))


@entry(PAPER, "reject", "the gradient of u² is forgotten, the value right")
def residual_with_u_squared_held_fixed(ours):
    return poisson(ours, drho=lambda u: (0.0 * u, -1.0))


@entry(PAPER, "reject", "the gradient of λ|θ|² without its 2, as if it were halved; right for λ = 0")
def weight_decay_halved(ours):
    return poisson(ours, dl2=1.0)


@entry(PAPER, "reject", "½ λ|θ|², value and gradient; right for λ = 0")
def weight_decay_halved_in_value_too(ours):
    return poisson(ours, dl2=1.0, l2=0.5)


@entry(PAPER, "reject", "biases are left out of λ|θ|²; right where they are 0, or λ is")
def weight_decay_without_biases(ours):
    def penalised(unravel, theta):
        sizes = [
            np.full(int(np.prod(shape)), float(not name.endswith(".b")))
            for name, shape in zip(unravel.names, unravel.shapes, strict=True)
        ]
        return np.concatenate(sizes)

    return poisson(ours, penalised=penalised)


@entry(PAPER, "reject", "the source of two dimensions, whatever the dimension; right there")
def source_of_two_dimensions(ours):
    def poisson_source(x, amplitude):
        q = amplitude * np.sum(x * x, axis=1)
        return -4 * amplitude * np.sin(2 * q) - 8 * amplitude * q * np.cos(2 * q) + np.sin(q) ** 4

    return {"poisson_source": poisson_source, **poisson(ours, source=lambda ours, x, A: poisson_source(x, A))}


@entry(PAPER, "reject", "the source without its u²: that of −Δu = f")
def source_without_the_square(ours):
    def poisson_source(x, amplitude):
        return ours.poisson_source(x, amplitude) - ours.poisson_solution(x, amplitude) ** 2

    return {"poisson_source": poisson_source, **poisson(ours, source=lambda ours, x, A: poisson_source(x, A))}


@entry(PAPER, "reject", "u = sin(A r²), not squared")
def solution_not_squared(ours):
    return {"poisson_solution": lambda x, amplitude: np.sin(amplitude * np.sum(x * x, axis=1))}


@entry(PAPER, "reject", "points of the disk with the radius U, not √U: the centre is crowded")
def disk_with_a_crowded_centre(ours):
    def disk_points(n_interior, n_boundary, rng):
        inside, circle = ours.disk_points(n_interior, n_boundary, rng)
        return inside * np.sqrt(np.sum(inside**2, axis=1, keepdims=True)), circle

    return {"disk_points": disk_points}


@entry(PAPER, "reject", "points of the square for points of the disk, on its boundary those of the circle")
def square_for_the_disk(ours):
    def disk_points(n_interior, n_boundary, rng):
        return rng.uniform(-1, 1, (n_interior, 2)), ours.disk_points(1, n_boundary, rng)[1]

    return {"disk_points": disk_points}


@entry(PAPER, "accept", "the Laplacian and its gradient in plain terms, sums by einsum")
def laplacian_in_plain_terms(ours):
    return poisson(ours)


@entry(PAPER, "accept", "the Laplacian point by point, and its gradient as a sum over points")
def laplacian_point_by_point(ours):
    def forward(params, x, activation="sigmoid"):
        found = [ours.laplacian_forward(params, x[i : i + 1], activation) for i in range(len(x))]
        u, lap = (np.concatenate([y[j] for y, _ in found]) for j in (0, 1))
        return (u, lap), [cache for _, cache in found]

    def backward(dy, cache):
        each = [ours.laplacian_backward((dy[0][i : i + 1], dy[1][i : i + 1]), one) for i, one in enumerate(cache)]
        return tuple(Dense(W=sum(g[k].W for g in each), b=sum(g[k].b for g in each)) for k in range(len(each[0])))

    return {"laplacian_forward": forward, "laplacian_backward": backward}
