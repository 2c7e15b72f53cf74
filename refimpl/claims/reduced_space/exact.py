"""Claims in fractions: R16. Tolerance: none, so a residual is 0 or 1.

Rows are rational multiples of rational unit rows, so that every norm that is needed is rational; saturated neurons share one line;
rows behind the first layer have one entry, or two of a Pythagorean pair, so that they keep a rational norm when a column is dropped
or, if there is one entry, multiplied by α. A pair that loses a column has another length, which the next row feels: only the last
hidden layer has pairs, or any of binary neurons.
"""

from fractions import Fraction
from itertools import pairwise
from math import isqrt
from typing import Any

import numpy as np

from refimpl.claims.claim import Choice, Integer, Seed, claim, max
from refimpl.claims.reduced_space.definition import (
    ACTIVATIONS,
    FORMS,
    D,
    evaluate,
    exact,
    formed,
    fraction,
    objects,
    parts,
    rational_direction,
    rational_points,
    values,
)
from refimpl.nn.dense import Dense

SLOPE = Fraction(1, 10)


def positive(rng):
    """A rational scale."""
    return Fraction(int(rng.integers(1, 9)), int(rng.integers(1, 9)))


def rational(rng, d, N, reach):
    """W, b, v of a standard network of fractions: saturated neurons share a line, some rows are zero."""
    line = rational_direction(rng, d)
    W: list[Any] = []
    b: list[Any] = []
    for _ in range(N):
        kind, r = rng.choice(["inside", "inside", "saturated", "zero", "end"]), positive(rng)
        u = [int(rng.choice([-1, 1])) * t for t in line] if kind == "saturated" else rational_direction(rng, d)
        share = fraction(rng, 2, 5) if kind == "saturated" else Fraction(1) if kind == "end" else abs(fraction(rng, -1, 1))
        W.append([r * t if kind != "zero" else Fraction(0) for t in u])
        b.append(int(rng.choice([-1, 1])) * share * r * reach)
    return objects(np.reshape(W, (N, d))), objects(b), objects([fraction(rng, -3, 3) for _ in range(N)])


def chain(rng, activation, widths, reach):
    """A deep network of fractions, rescaled from unit rows; thresholds of any size, some beyond any bound."""
    params: list = []
    before = [Fraction(1)] * widths[0]
    for k, (d, m) in enumerate(pairwise(widths)):
        last, rows = k == len(widths) - 2, []
        for _ in range(m):
            row = [Fraction(0)] * d
            if last:
                row = [fraction(rng, -3, 3) for _ in range(d)]
            elif k == 0:
                row = rational_direction(rng, d)
            else:
                places = rng.permutation(d)
                row[places[0]] = Fraction(int(rng.choice([-1, 1])))
                pair = activation == "binary" or (activation == "relu" and k == len(widths) - 3)
                if d > 1 and pair and rng.integers(2):
                    row[places[0]], row[places[1]] = Fraction(3, 5), Fraction(-4, 5)
            rows.append(row)
        r = [Fraction(1) if last else positive(rng) for _ in range(m)]
        scaled = [[r[j] * rows[j][i] / before[i] for i in range(d)] for j in range(m)]
        far = [int(rng.choice([1, 1, 10**6])) * reach * fraction(rng, -2, 2) for _ in range(m)]
        b = [fraction(rng, -2, 2) if last else far[j] * r[j] for j in range(m)]
        params += [(), Dense(objects(scaled), objects(b))] if params else [Dense(objects(scaled), objects(b))]
        before = [Fraction(1)] * m if activation == "binary" else r
    return tuple(params)


def roots(impl, rng, d, n) -> float:
    """Norms of rows of fractions, rational ones and others, which are an error."""
    rows = [[positive(rng) * t for t in rational_direction(rng, d)] for _ in range(n)]
    for row in rows[:: int(rng.integers(1, 3))] if rng.integers(2) else []:
        row[0] += positive(rng)
    squares = [sum(t * t for t in row) for row in rows]
    tops = [Fraction(isqrt(q.numerator), isqrt(q.denominator)) for q in squares]
    rational = all(t * t == q for t, q in zip(tops, squares, strict=True))
    try:
        got = impl.exact_norms(objects(rows))
    except ValueError:
        return float(rational)
    return float(not (rational and exact(got) and list(got) == tops))


@claim(
    "R16", source="derived: exact fractions", tolerance=1e-16, draws=80, activation=ACTIVATIONS,
    part=Choice("shallow", "identity", "deep", "norms"), d=D, N=Integer(0, 5), bias=Choice(True, False), form=FORMS, seed=Seed(),
    catches="whatever is right to rounding only: an ε in a norm, a float among the fractions, a threshold moved by 1e-12; h(0) = "
    "0 on one side; the root of a square that has none",
)  # fmt: skip
def in_fractions_the_equivalence_is_exact(impl, activation, part, d, N, bias, form, seed):
    """With rational weights of rational norm the reduced network, of one layer, of affine neurons only, or deep, has no float in
    it, and equals the standard network at rational points without any error; an irrational norm is an error."""
    rng = np.random.default_rng(seed)
    if part == "norms":
        return roots(impl, rng, d, 1 + N)
    reach, options = positive(rng), {"activation": activation}
    options |= {"slope": SLOPE} if activation == "leaky_relu" else {}
    options |= {"norm": impl.exact_norms} if rng.integers(2) else {}  # by default it is taken by itself
    x = rational_points(rng, d, reach)
    if part == "deep":
        params = chain(rng, activation, [d, *(int(m) for m in rng.integers(1, 4, 1 + N // 2)), 2], reach)
        result = impl.reduce(params, reach, **options)
        outputs = [evaluate(p, x, activation, SLOPE) for p in (result, params)]
        blocks = result[:-1:2]
    else:
        W, b, v = rational(rng, d, N, reach)
        if part == "identity":  # (2.1): all of them affine, on one line
            line = rational_direction(rng, d)
            r = [positive(rng) * int(rng.choice([-1, 1])) for _ in range(N)]
            W = objects(np.reshape([[s * t for t in line] for s in r], (N, d)))
            b = objects([int(rng.choice([-1, 1])) * 100 * reach * positive(rng) for _ in range(N)])
        params = formed(form, W, b, v, objects(fraction(rng, -3, 3)))
        result = impl.reduce(params, reach, **options, **({} if bias else {"output_bias": False}))
        outputs = [values(form, p, x, activation, SLOPE) for p in (result, params)]
        blocks = (Dense(*parts(form, result)[:2]),)
    unit = all(sum(t * t for t in row) == 1 for own in blocks for row in own.W)
    inside = part == "deep" or all(abs(t) <= reach for t in blocks[0].b)
    return max(float(np.any(outputs[0].y != outputs[1].y)), float(not (exact(result) and unit and inside)))
