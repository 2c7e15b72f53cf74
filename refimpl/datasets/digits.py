"""The packaged digits: 8 × 8 counts of a pen's pixels.

E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, 1998, UCI Machine Learning Repository, the test part; licensed
under CC BY 4.0, see digits.txt beside this file.
"""

from __future__ import annotations

import io
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np

from refimpl.doors import floats, whole
from refimpl.files import FormatError

PACKAGED = Path(__file__).with_name("digits.npz")
BYTES, SHA256 = 45394, "b2dab7b501728c22e9119ad76740b2e17c77a231e42d1e592380d90886f1a05e"


class Digits(NamedTuple):
    """Images and what they show. The images are bytes: divide before you subtract."""

    images: np.ndarray  # (1797, 8, 8) uint8, counts 0 to 16
    labels: np.ndarray  # (1797,) int64, 0 to 9


class Split(NamedTuple):
    """Rows to train on and rows to test with, centred at the mean of the former."""

    x: np.ndarray  # (n, 64)
    y: np.ndarray  # (n,)
    x_test: np.ndarray  # (rest, 64)
    y_test: np.ndarray  # (rest,)


def load_digits(path: str | Path | None = None) -> Digits:
    """The digits, from the package or from a copy of its file.

    Parameters
    ----------
    path : str or Path, optional
        The packaged file by default.

    Raises
    ------
    FormatError
        If the file is not, byte for byte, the packaged one. No more of it is read than that has bytes, and one.
    OSError
        If it cannot be read.
    """
    path = PACKAGED if path is None else Path(path)
    with path.open("rb") as file:
        data = file.read(BYTES + 1)
    if len(data) != BYTES or sha256(data).hexdigest() != SHA256:
        raise FormatError(f"path: expected the {BYTES} bytes of digits.npz, SHA-256 {SHA256[:12]}…, got other bytes in {path}")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return Digits(arrays["images"], arrays["labels"].astype(np.int64))


def split(
    digits: Digits,
    train: int,
    rng: np.random.Generator,
    *,
    stratified: bool = False,
    rare: int | None = None,
    share: float = 0.1,
) -> Split:
    """Draw rows to train on; test with all others.

    Parameters
    ----------
    digits : Digits
    train : int
        Rows to draw, at least 1 and fewer than there are.
    rng : numpy.random.Generator
    stratified : bool
        Every class in proportion, classes of about one size to within one row; otherwise all subsets are equally likely.
    rare : int, optional
        A label of which only that share of the drawn rows is kept, at least one if there are any; the others are not used at all.
    share : float
        Above 0, at most 1.

    Returns
    -------
    Split : pixels are counts / 16, less the mean over the training rows

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.
    """
    rows = len(digits.labels)
    if whole("train", train, 1) >= rows:
        raise ValueError(f"train: expected fewer than all {rows} rows, got {train}")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
    if rare is not None and whole("rare", rare, 0) not in digits.labels:
        raise ValueError(f"rare: expected a label of the data, got {rare!r}")
    share = float(floats("share", share, ()))
    if not 0 < share <= 1:
        raise ValueError(f"share: expected a number in (0, 1], got {share}")
    order = rng.permutation(rows)
    labels = digits.labels[order]
    if stratified:  # the k-th row of a class of c comes at (k + ½)/c: every beginning of the order has all classes in proportion
        turn = np.empty(rows)
        for label in np.unique(labels):
            own = np.flatnonzero(labels == label)
            turn[own] = (np.arange(len(own)) + 0.5) / len(own)
        order = order[np.argsort(turn, kind="stable")]
    drawn, test = order[:train], order[train:]
    if rare is not None:
        own = np.flatnonzero(digits.labels[drawn] == rare)
        drawn = np.delete(drawn, own[max(1, round(share * len(own))) :])
    x = digits.images.reshape(rows, -1) / 16
    mean = x[drawn].mean(axis=0)
    return Split(x[drawn] - mean, digits.labels[drawn], x[test] - mean, digits.labels[test])
