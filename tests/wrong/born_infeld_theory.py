"""Exact motions and the measure of Born-Infeld dynamics, in wrong and in unusual ways."""

import numpy as np

from wrong.born_infeld import PAPER
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


@entry(PAPER, "reject", "fall: the amplitude is θ₀, not the turning point; right from rest", by=("B4",))
def fall_from_the_start_for_the_turning_point(ours):
    return fall(amplitude=lambda A, theta0: theta0)


@entry(PAPER, "reject", "fall: the amplitude is |A|, θ₀'s sign lost; right for θ₀ > 0", by=("B4",))
def fall_on_the_positive_side(ours):
    return fall(amplitude=lambda A, theta0: abs(A))


@entry(PAPER, "reject", "fall: X = m t without √2", by=("B4",))
def fall_without_the_root_of_two(ours):
    return fall(X=lambda X: X / np.sqrt(2))


@entry(PAPER, "reject", "fall: uphill and downhill exchanged; right from rest", by=("B4",))
def fall_uphill_for_downhill(ours):
    return fall(shift=lambda X0: -X0)


@entry(PAPER, "reject", "fall: the phase at the start forgotten; right from rest", by=("B4",))
def fall_without_its_phase(ours):
    return fall(shift=lambda X0: 0.0)


@entry(PAPER, "reject", "fall: the momentum has the sign of θ", by=("B4",))
def fall_with_the_momentum_outwards(ours):
    return fall(momentum=lambda pi: -pi)


@entry(PAPER, "reject", "fall: V = E sech²X, as if θ = A sech X", by=("B4",))
def fall_with_a_square(ours):
    return fall(potential=lambda E, s: E * s * s)


@entry(PAPER, "reject", "fall: cosh X overflows beyond X = 710, and V and θ are 0 with it; right before", by=("B44",))
def fall_that_overflows(ours):
    def sech_motion(t, m, theta0, extra=0.0, uphill=False):
        theta, pi, V = ours.sech_motion(t, m, theta0, extra, uphill)
        late = V < 2 * (0.5 * (m * theta0) ** 2 + extra) / np.finfo(float).max
        return np.where(late, 0.0, theta), np.where(late, np.copysign(np.inf, -np.asarray(theta) * t), pi), np.where(late, 0.0, V)

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


@entry(PAPER, "reject", "spiral: it turns at m² l/E, without ½", by=("B5",))
def spiral_that_turns_twice_as_fast(ours):
    return spiralling(rate=lambda m, momentum, E: m * m * momentum / E)


@entry(PAPER, "reject", "spiral: it turns the other way", by=("B5",))
def spiral_that_turns_the_other_way(ours):
    return spiralling(rate=lambda m, momentum, E: -m * m * momentum / (2 * E))


@entry(PAPER, "reject", "spiral: E_r² = E² − m²l², without ½", by=("B5",))
def spiral_with_too_much_angular_momentum(ours):
    return spiralling(effective=lambda E, m, momentum: np.sqrt(np.maximum(E * E - m * m * momentum**2, 0)))


@entry(PAPER, "reject", "spiral: E_r = E; right without angular momentum", by=("B5",))
def spiral_with_the_whole_energy(ours):
    return spiralling(effective=lambda E, m, momentum: E)


@entry(PAPER, "reject", "spiral: the fall is not slowed by E_r/E; right without angular momentum", by=("B5",))
def spiral_that_falls_too_fast(ours):
    return spiralling(slowed=lambda ratio: 1.0)


@entry(PAPER, "reject", "spiral: inwards and outwards exchanged; right where π₀ is across θ₀", by=("B5",))
def spiral_outwards_for_inwards(ours):
    return spiralling(phase=lambda X0: -X0)


@entry(
    PAPER, "reject", "spiral: the second axis of its plane is π₀, not its part across θ₀; right where π₀ is across θ₀", by=("B5",)
)
def spiral_in_skew_axes(ours):
    return spiralling(plane=lambda e, across, theta0, pi0: pi0 / max(float(np.sqrt(pi0 @ pi0)), 1e-300))


@entry(PAPER, "reject", "spiral: it turns in the plane of the first two coordinates, as in two dimensions; right there", by=("B5",))
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


@entry(PAPER, "reject", "elliptic: the modulus k given where SciPy takes the parameter k²", by=("B6",))
def elliptic_with_the_modulus(ours):
    return elliptical(parameter=np.sqrt)


@entry(PAPER, "reject", "elliptic: the complementary parameter 1 − k²", by=("B6",))
def elliptic_with_the_complement(ours):
    return elliptical(parameter=lambda k2: 1 - k2)


@entry(PAPER, "reject", "elliptic: E counted from the minimum, the shift V₀ forgotten in it", by=("B6",))
def elliptic_with_the_shift_forgotten(ours):
    return elliptical(energy=lambda E, V0: E + V0)


@entry(PAPER, "reject", "elliptic: half the period", by=("B6",))
def elliptic_with_half_the_period(ours):
    return {"elliptic_period": lambda m, V0, E: 0.5 * ours.elliptic_period(m, V0, E)}


@entry(PAPER, "reject", "elliptic: the period 2π/m of Newton; right as E → V₀", by=("B6",))
def elliptic_with_the_period_of_newton(ours):
    return {"elliptic_period": lambda m, V0, E: 2 * np.pi / m}


@entry(PAPER, "reject", "elliptic: the period (2√2/m) log(8E/V₀) of its limit; right as V₀ → 0", by=("B6",))
def elliptic_with_the_logarithmic_period(ours):
    return {"elliptic_period": lambda m, V0, E: 2 * np.sqrt(2) / m * np.log(8 * E / V0)}


@entry(PAPER, "reject", "elliptic: the factor √(E/(E + V₀)) of the period forgotten; right as V₀ → 0", by=("B6",))
def elliptic_without_the_root_in_the_period(ours):
    right = elliptical(quarter=lambda m, V0, E, K: 4 * np.sqrt(2) / m * K)
    return {"elliptic_period": right["elliptic_period"]}


@entry(PAPER, "reject", "elliptic: it begins at the turning point, not at the minimum", by=("B6",))
def elliptic_from_the_turning_point(ours):
    return {"elliptic": lambda t, m, V0, E: ours.elliptic(np.asarray(t, float) + ours.elliptic_period(m, V0, E) / 4, m, V0, E)}


@entry(PAPER, "reject", "elliptic: a sine of the right period and amplitude; right as E → V₀", by=("B6",))
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
@entry(PAPER, "reject", "cycloid: x = R (φ − sin φ), as it is from the cusp", by=("B20",))
def cycloid_from_the_cusp(ours):
    def cycloid(phi, radius, slope):
        t, x, y = ours.cycloid(phi, radius, slope)
        return t, x - 2 * radius * np.sin(phi), y

    return {"cycloid": cycloid}


@entry(PAPER, "reject", "cycloid: t = φ √(R/g), that of the brachistochrone", by=("B20",))
def cycloid_in_the_time_of_the_brachistochrone(ours):
    def cycloid(phi, radius, slope):
        t, x, y = ours.cycloid(phi, radius, slope)
        return t / np.sqrt(2), x, y

    return {"cycloid": cycloid}


@entry(PAPER, "reject", "cycloid: the height from the top downwards, R (1 − cos φ)", by=("B20",))
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


@entry(PAPER, "reject", "density: p to the power n − 1", by=("B33",))
def density_with_a_power_more(ours):
    return density(power=lambda n: n - 1)


@entry(PAPER, "reject", "density: p to the power n − 3", by=("B33",))
def density_with_a_power_less(ours):
    return density(power=lambda n: n - 3)


@entry(PAPER, "reject", "density: p² to the power n − 2: ½ forgotten; right for n = 2", by=("B33",))
def density_without_the_half(ours):
    return density(power=lambda n: 2 * (n - 2))


@entry(PAPER, "reject", "density: V to the power −n/2, what it is where V ≪ E", by=("B33",))
def density_where_it_is_deep(ours):
    def log_density(V, E, n, uniform_in="t", c=None):
        right = ours.log_density(V, E, n, uniform_in, c)
        with np.errstate(all="ignore"):
            return np.where(np.isfinite(right), -0.5 * n * np.log(V), right)[()]

    return {"log_density": log_density}


@entry(PAPER, "reject", "density in t without E/V: that of tau", by=("B33",))
def density_without_the_jacobian(ours):
    return density(clock=lambda name, logs: logs["tau" if name == "t" else name])


@entry(PAPER, "reject", "density in t with V/E in place of E/V", by=("B21",))
def density_with_the_jacobian_upside_down(ours):
    return density(clock=lambda name, logs: -logs["t"] if name == "t" else logs[name])


@entry(PAPER, "reject", "density in s is that in t: dt/ds forgotten", by=("B33",))
def density_without_the_clock(ours):
    return density(clock=lambda name, logs: logs["t" if name == "s" else name])


@entry(PAPER, "reject", "density in s: multiplied by dt/ds where it is to be divided", by=("B33",))
def density_with_the_clock_upside_down(ours):
    return density(clock=lambda name, logs: logs["t"] - logs["s of t"] if name == "s" else logs[name])


@entry(PAPER, "reject", "density in s: that of c = E, whatever c; right by default", by=("B33",))
def density_of_the_default_constant(ours):
    return density(constant=lambda c, E: E)


@entry(PAPER, "reject", "density in s: c in units of E; right by default, and where E = 1", by=("B33",))
def density_with_the_constant_in_units_of_the_energy(ours):
    return density(constant=lambda c, E: c * E)


@entry(PAPER, "reject", "density in the length: that of tau", by=("B33",))
def density_of_tau_for_the_length(ours):
    return density(clock=lambda name, logs: logs["tau" if name == "length" else name])


@entry(PAPER, "reject", "density outside 0 < V < E is 0 as a logarithm, not −∞; right inside", by=("B33",))
def density_outside_as_inside(ours):
    return density(outside=0.0)


@entry(PAPER, "reject", "density itself, not its logarithm", by=("B33",))
def density_not_its_logarithm(ours):
    return {"log_density": lambda *args, **options: np.exp(ours.log_density(*args, **options))}


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


@entry(PAPER, "reject", "basin: the integral runs to R, not to √R", by=("B21",))
def basin_integrated_too_far(ours):
    return {"basin_integral": lambda n, ratio: ours.basin_integral(n, ratio**2)}


@entry(PAPER, "reject", "basin: a trapezoid of 2000 points in x, too coarse where R is large; right for small R", by=("B21",))
def basin_by_a_coarse_rule(ours):
    def basin_integral(n, ratio):
        x = np.linspace(0, np.sqrt(ratio), 2001)
        y = x ** (n - 1) * (1 + x * x) ** (-n / 2)
        return float(np.sum(0.5 * (y[1:] + y[:-1]) * np.diff(x)))

    return {"basin_integral": basin_integral}


@entry(PAPER, "reject", "basin: xⁿ in the integrand for xⁿ⁻¹", by=("B21",))
def basin_with_a_power_more(ours):
    from scipy.integrate import quad

    def basin_integral(n, ratio):
        top = np.log(ratio)
        integrand = lambda y: 0.5 * np.exp(0.5 * y - n / 2 * np.logaddexp(0, -y))  # noqa: E731
        return float(quad(integrand, top - 60, top, limit=400)[0])

    return {"basin_integral": basin_integral}


@entry(PAPER, "reject", "basin: half the logarithm, ½ log(1 + R), for every n; right for n = 2", by=("B21",))
def basin_without_the_dimension(ours):
    return {
        "basin_integral": lambda n, ratio: 0.5 * float(np.log1p(ratio)),
        "basin_integral_asymptotic": lambda n, ratio: 0.5 * float(np.log1p(ratio)),
    }


@entry(PAPER, "reject", "basin, asymptotic: ψ(n) for ψ(n/2)", by=("B21",))
def basin_with_the_digamma_of_n(ours):
    from scipy.special import digamma

    return {"basin_integral_asymptotic": lambda n, ratio: float((np.log1p(ratio) - digamma(n) - np.euler_gamma) / 2)}


@entry(PAPER, "reject", "basin, asymptotic: without ½", by=("B21",))
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


@entry(PAPER, "reject", "equal basins: the ratio upside down, the sharper one the larger", by=("B21",))
def basin_ratio_upside_down(ours):
    return {"basin_ratio": lambda a, b: ours.basin_ratio(b, a)}


@entry(PAPER, "reject", "equal basins: determinants without the root", by=("B21",))
def basin_ratio_without_the_root(ours):
    return {"basin_ratio": lambda a, b: ours.basin_ratio(a, b) ** 2}


@entry(PAPER, "reject", "equal basins: traces for determinants; right for one coordinate", by=("B21",))
def basin_ratio_of_traces(ours):
    return {"basin_ratio": lambda a, b: float(np.sqrt(np.trace(b) / np.trace(a)))}


@entry(PAPER, "reject", "equal basins: products of the diagonals; right for diagonal Hessians", by=("B21",))
def basin_ratio_of_diagonals(ours):
    return {"basin_ratio": lambda a, b: float(np.sqrt(np.prod(np.diag(b)) / np.prod(np.diag(a))))}


@entry(PAPER, "accept", "equal basins: by eigenvalues, their logarithms summed")
def basin_ratio_by_eigenvalues(ours):
    def log_det(H):
        return float(np.sum(np.log(np.linalg.eigvalsh(np.asarray(H, float)))))

    return {"basin_ratio": lambda a, b: float(np.exp(0.5 * (log_det(b) - log_det(a))))}


@entry(PAPER, "reject", "moment: 3/n, that of normal numbers divided by their mean square", by=("B41",))
def moment_of_normal_numbers(ours):
    return {"isotropic_moment": lambda n: 3 / n}


@entry(PAPER, "reject", "moment of the cube: 9/5n, its limit for many coordinates", by=("B41",))
def moment_of_the_cube_in_the_limit(ours):
    return {"cube_moment": lambda n: 9 / (5 * n)}


@entry(PAPER, "reject", "moment of the cube: that of the sphere, 3/(n + 2)", by=("B41",))
def moment_of_the_cube_as_of_the_sphere(ours):
    return {"cube_moment": lambda n: 3 / (n + 2)}
