"""The packaged digits: what they are, damaged copies, splits."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from refimpl.datasets import load_digits, split
from refimpl.datasets.digits import PACKAGED
from refimpl.files import FormatError

DIGITS = load_digits()


# ---- the file
def test_digits_are_those_that_uci_describes():
    assert DIGITS.images.shape == (1797, 8, 8)
    assert DIGITS.images.dtype == np.uint8
    assert (DIGITS.images.min(), DIGITS.images.max()) == (0, 16)
    assert DIGITS.labels.dtype == np.int64
    # the number of test examples of each class, as the repository lists them
    assert np.bincount(DIGITS.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


@pytest.mark.peers
def test_digits_are_scikit_learns():
    from sklearn import datasets

    theirs = datasets.load_digits()
    np.testing.assert_array_equal(DIGITS.images, theirs.images)
    np.testing.assert_array_equal(DIGITS.labels, theirs.target)


def test_attribution_stands_beside_the_file():
    text = PACKAGED.with_suffix(".txt").read_text(encoding="utf-8")
    for words in ("Alpaydin", "Kaynak", "CC BY 4.0", "10.24432/C50P49", "https://creativecommons.org/licenses/by/4.0/"):
        assert words in text


def test_every_load_is_a_new_one():
    first = load_digits()
    first.images[:] = 0
    assert load_digits().images.max() == 16


def test_a_copy_elsewhere_is_the_same(tmp_path):
    copy = tmp_path / "another name"
    copy.write_bytes(PACKAGED.read_bytes())
    for path in (copy, str(copy)):
        np.testing.assert_array_equal(load_digits(path).images, DIGITS.images)
    with pytest.raises(FileNotFoundError):
        load_digits(tmp_path / "none")


def packed(*members):
    """An npz of (name, array) members, in that order."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as z:
        for name, a in members:
            one = io.BytesIO()
            np.save(one, a)
            z.writestr(name, one.getvalue())
    return file.getvalue()


def damaged():
    """More than 500 files that are not the packaged one."""
    good = PACKAGED.read_bytes()
    images, labels = DIGITS.images, DIGITS.labels.astype(np.uint8)
    yield from (good[:stop] for stop in range(0, len(good), 199))  # 229 prefixes
    yield good[:-1]
    rng = np.random.default_rng(0)
    for at in [*range(64), *rng.integers(len(good), size=300).tolist(), *range(len(good) - 64, len(good))]:
        flipped = bytearray(good)
        flipped[at] ^= 1 << int(rng.integers(8))
        yield bytes(flipped)
    yield from (good + junk for junk in (b"\0", b"PK", good, bytes(100_000)))
    yield from (b"", b"PK\x03\x04", bytes(len(good)), good[::-1], good[1:] + good[:1])
    yield packed(("images.npy", images), ("labels.npy", labels))  # the same arrays, but not these bytes
    yield packed(("images.npy", labels), ("labels.npy", images))
    yield packed(("labels.npy", labels), ("images.npy", images))
    yield packed(("images.npy", images))
    yield packed(("images.npy", images[::-1]), ("labels.npy", labels))
    yield packed(("images.npy", np.array([print], dtype=object)), ("labels.npy", labels))  # would be unpickled
    yield packed(("images.npy", np.zeros((4000, 64, 64), np.uint8)), ("labels.npy", labels))  # small, until it is inflated


def test_damaged_files_are_refused(tmp_path):
    path, count = tmp_path / "digits.npz", 0
    for data in damaged():
        path.write_bytes(data)
        with pytest.raises(FormatError, match=r"path: expected the \d+ bytes of digits.npz"):
            load_digits(path)
        count += 1
    assert count >= 500


def test_no_more_is_read_than_the_file_should_have(tmp_path):
    path = tmp_path / "digits.npz"
    path.write_bytes(PACKAGED.read_bytes())
    with path.open("r+b") as file:
        file.truncate(100_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(FormatError):
            load_digits(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


# ---- splits
@pytest.mark.parametrize("stratified", [False, True])
def test_split_uses_every_row_once_and_takes_off_the_training_mean(stratified):
    s = split(DIGITS, 300, np.random.default_rng(3), stratified=stratified)
    assert [a.shape for a in s] == [(300, 64), (300,), (1497, 64), (1497,)]
    pixels = DIGITS.images.reshape(1797, 64) / 16
    mean = pixels.mean(axis=0) * 1797  # of all rows, from the parts: their sum plus the training mean, which was taken off
    shift = (mean - s.x.sum(axis=0) - s.x_test.sum(axis=0)) / 1797
    np.testing.assert_allclose(s.x.mean(axis=0), 0, atol=1e-15)  # means of 300 numbers up to 1
    found = np.concatenate([s.x, s.x_test]) + shift
    ours = np.c_[np.concatenate([s.y, s.y_test]), np.round(found * 16)]
    theirs = np.c_[DIGITS.labels, DIGITS.images.reshape(1797, 64)]
    np.testing.assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_same_stream_same_split_and_another_is_another():
    a, b, c = (split(DIGITS, 100, np.random.default_rng(k)) for k in (0, 0, 1))
    np.testing.assert_array_equal(a.x, b.x)
    assert not np.array_equal(a.y, c.y)


@pytest.mark.parametrize("train", [1, 10, 137, 600, 1796])
def test_stratified_split_is_in_proportion_to_within_one_row(train):
    s = split(DIGITS, train, np.random.default_rng(train), stratified=True)
    quota = np.bincount(DIGITS.labels) * train / 1797
    assert np.abs(np.bincount(s.y, minlength=10) - quota).max() <= 1


def test_every_row_is_as_likely_in_either_way():
    """A row is in a fifth of the splits: 100 draws of 360 rows; the counts of 1797 rows stay within 5.5 of their deviations."""
    digits = DIGITS._replace(images=np.arange(1797 * 64).reshape(1797, 8, 8) % 16)
    digits.images[:, 0, 0] = np.arange(1797) // 256
    digits.images[:, 0, 1] = np.arange(1797) % 256
    for stratified in (False, True):
        count = np.zeros(1797)
        for k in range(100):
            s = split(digits, 360, np.random.default_rng(k), stratified=stratified)
            mean = (digits.images.reshape(1797, 64) / 16).sum(axis=0) - s.x.sum(axis=0) - s.x_test.sum(axis=0)
            first = np.round((s.x[:, :2] + mean[:2] / 1797) * 16)
            count[(first @ [256, 1]).astype(int)] += 1
        assert count.sum() == 100 * 360
        assert np.abs(count - 100 * 360 / 1797).max() < 5.5 * np.sqrt(100 * 0.2 * 0.8)


def test_a_rare_class_is_thinned_out_and_nothing_else_changes():
    whole = split(DIGITS, 600, np.random.default_rng(0), stratified=True)
    thin = split(DIGITS, 600, np.random.default_rng(0), stratified=True, rare=8, share=0.1)
    eights = int((whole.y == 8).sum())
    assert int((thin.y == 8).sum()) == round(0.1 * eights)
    assert len(thin.y) == 600 - eights + round(0.1 * eights)
    np.testing.assert_array_equal(thin.y_test, whole.y_test)
    np.testing.assert_allclose(thin.x.mean(axis=0), 0, atol=1e-15)  # the mean of the rows that are left
    np.testing.assert_array_equal(thin.y[thin.y != 8], whole.y[whole.y != 8])
    least = split(DIGITS, 40, np.random.default_rng(0), stratified=True, rare=8, share=1e-9)
    assert int((least.y == 8).sum()) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"train": 0}, ValueError, "train: expected a whole number >= 1, got 0"),
        ({"train": 1797}, ValueError, "train: expected fewer than all 1797 rows, got 1797"),
        ({"train": 2.0}, TypeError, "train: expected a whole number"),
        ({"rng": 0}, TypeError, "rng: expected a numpy.random.Generator, got int"),
        ({"rare": 10}, ValueError, "rare: expected a label of the data, got 10"),
        ({"share": 0}, ValueError, r"share: expected a number in \(0, 1\], got 0"),
        ({"share": float("nan")}, ValueError, r"share: expected a number in \(0, 1\], got nan"),
    ],
)
def test_bad_arguments_of_split_are_named(arguments, error, match):
    with pytest.raises(error, match=match):
        split(DIGITS, **({"train": 10, "rng": np.random.default_rng(0)} | arguments))
