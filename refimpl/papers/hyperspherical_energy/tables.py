"""Minimal energies that were published or searched for, as data: what the minimiser and the claims are held to.

Energies count each pair of points once, as tables of the Thomson problem do: half of the paper's sum over ordered pairs. All are
for points on the ordinary sphere (three coordinates) unless said otherwise.
"""

from __future__ import annotations

from typing import NamedTuple


class Table(NamedTuple):
    """Smallest energies known for n points on the sphere."""

    s: float
    energies: dict[int, float]
    proven: tuple[int, ...]  # those n for which the minimum is a theorem
    decimals: int  # printed in the source; every entry is rounded to them
    source: str


THOMSON = Table(
    1.0,
    {
        2: 0.500000000, 3: 1.732050808, 4: 3.674234614, 5: 6.474691495, 6: 9.985281374, 7: 14.452977414, 8: 19.675287861,
        9: 25.759986531, 10: 32.716949460, 11: 40.596450508, 12: 49.165253058, 14: 69.306363297, 16: 92.911655303,
        18: 120.084467447, 20: 150.881568334, 22: 185.287536149, 24: 223.347074052, 26: 265.133326317, 28: 310.491542358,
        30: 359.603945904, 32: 412.261274651, 34: 468.904853281, 36: 529.122408375, 38: 593.038503566, 40: 660.675278835,
        42: 732.078107544, 44: 807.174263085, 48: 968.713455344, 50: 1055.182314726, 64: 1765.802577927, 72: 2255.001190975,
        100: 4448.350634331, 122: 6698.374499261, 192: 16963.338386460, 272: 34515.193292681, 282: 37147.294418462,
        372: 65230.027122557,
    },
    (2, 3, 4, 5, 6, 12),
    9,
    "public table of the Thomson problem, a selection; best known except where proven",
)  # fmt: skip

LOGARITHMIC = Table(
    0.0,
    {
        2: -0.693147181, 3: -1.647918433, 4: -2.942487759, 5: -4.420507155, 6: -6.238324625, 7: -8.182477864, 8: -10.428017781,
        9: -12.887752726, 10: -15.563123389, 11: -18.420479721, 12: -21.606145230, 14: -28.407813009, 16: -36.106152162,
        18: -44.650287259, 20: -54.011129975, 22: -64.206007762, 24: -75.213984789, 26: -87.009423057, 28: -99.658609384,
        30: -113.089255497, 32: -127.378867615, 36: -158.224068426, 40: -192.337689917, 42: -210.584511558,
        48: -270.117949959, 50: -291.528600658,
    },
    (2, 3, 4, 5, 6, 12),
    9,
    "best of 30 random starts each; 3, 4, 5, 6, 7 and 12 equal closed forms",
)  # fmt: skip

INVERSE_SQUARE = Table(
    2.0,
    {
        2: 0.25, 3: 1.0, 4: 2.25, 5: 4.25, 6: 6.75, 7: 10.25, 8: 14.336791084, 9: 19.252868784, 10: 25.041359722,
        11: 31.834721637, 12: 39.0, 14: 57.121208598, 16: 78.772649031, 18: 104.314685285, 20: 133.936978568,
        22: 167.665785636, 24: 205.658437998, 26: 248.267138922, 28: 294.878471610, 30: 346.263630641, 32: 401.5,
        40: 672.309353503,
    },
    (2, 3, 4, 6, 12),
    9,
    "best of 30 random starts each; proven where the points are universally optimal",
)  # fmt: skip

# (h, k): (points, energy s = 1, smallest angle in degrees) that local descent from the Caspar-Klug points reaches. Derived here by
# L-BFGS; all but 42 equal the Thomson table where it has them. 42 is a strict local minimum: the trap.
CASPAR_KLUG = {
    (1, 0): (12, 49.165253058, 63.435),
    (1, 1): (32, 412.261274651, 37.377),
    (2, 0): (42, 732.256241029, 31.717),
    (2, 1): (72, 2255.001190975, 24.492),
    (2, 2): (122, 6698.374499261, 18.612),
    (3, 1): (132, 7875.045342797, 17.958),
    (3, 2): (192, 16963.338386460, 14.819),
    (4, 1): (212, 20768.053085964, 14.118),
    (3, 3): (272, 34515.193292681, 12.335),
    (4, 2): (282, 37147.294418462, 12.166),
    (4, 3): (372, 65230.027122557, 10.531),
}

# n: the largest possible smallest angle, in degrees (Tammes' problem, s → ∞). Published values; those in TAMMES_FOUND were found
# again by constrained optimisation, to 1e-7.
TAMMES = {
    4: 109.4712206, 5: 90.0, 6: 90.0, 7: 77.8695421, 8: 74.8584922, 9: 70.5287794, 10: 66.1468220, 11: 63.4349488, 12: 63.4349488,
    13: 57.1367031, 14: 55.6705700, 15: 53.6578501, 16: 52.2443957, 17: 51.0903285, 18: 49.5566548, 19: 47.6919141,
    20: 47.4310362, 24: 43.6907671,
}  # fmt: skip
TAMMES_FOUND = (4, 5, 6, 7, 8, 9, 11, 12, 15, 16, 17, 18, 20, 24)

# n: |Σ û_i| at the minimum for s = 1, derived by descent; it vanishes for n = 2 to 10 and for 12
DIPOLES = {11: 0.0132196, 13: 0.0088204, 19: 0.0001352, 21: 0.0014061, 25: 0.0010213, 26: 0.0019191}

# Energies for s = 0, 1, 2 of the configurations in configurations.py, summed from the inner products of their points, which are
# published (Cohn and Kumar 2007)
SHARP = {
    "icosahedron": (-21.60614523044488, 49.1652530576288, 39.0),
    "600-cell": (-1903.986315014689, 5796.57645570243, 5395.0),
    "hemicube": (-42.06316136594304, 85.60623297836548, 62.5),
    "Schläfli": (-117.9465611607792, 254.3055478209883, 189.0),
    "56 points": (-498.9054020808842, 1131.668766647056, 857.5),
    "E8": (-9014.707636625229, 21351.24834049488, 16550.0),
    "112 points": (-2128.822453171128, 4430.785691968935, 3181.5),
    "162 points": (-4434.121548216802, 9324.494032001003, 6725.25),
    "Higman-Sims": (-1702.652386329651, 3521.319495433278, 15125 / 6),
    "McLaughlin": (-12744.75902012472, 26993.95600067265, 19525.0),
    "891 points": (-133109.6671169218, 285086.5410927165, 207405.0),
    "552 points": (-51251.98493429071, 109135.4579312188, 79131.5),
    "4600 points": (-3546062.197676797, 7610619.892835873, 5544437.5),
    "Leech": (-6480664270.087014, 13894310256.50956, 10118206098.0),
    "24-cell": (-86.00445452294664, 208.3373140876355, 167.0),
}
