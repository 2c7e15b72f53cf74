"""Files: whole or not there, and read as they were written or refused."""

import json
import os
import stat
import struct
from functools import partial
from hashlib import sha256
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from refimpl import files
from refimpl.files import FormatError, load_checkpoint, save_checkpoint, write_whole

OLD, NEW = b"the old file", b"the new file, which is longer"


# ---- writing whole files
class Killed(BaseException):
    """The process is dead: it does nothing more."""


class System:
    """The calls of os that write_whole makes, written down; one of them can fail, or be the process's last."""

    CALLS = ("open", "write", "fsync", "close", "replace")

    def __init__(self, monkeypatch, at=None, when="before", error: Any = None, chunk=1 << 30):
        self.log: list[str] = []
        self.at, self.when, self.error, self.chunk = at, when, error, chunk
        self.dead = False
        self.real = {name: getattr(os, name) for name in (*self.CALLS, "unlink")}
        calls = {name: partial(self.call, name) for name in self.real}
        monkeypatch.setattr(files, "os", SimpleNamespace(**vars(os) | calls))  # of this module alone: others go on writing

    def call(self, name, *args):
        if self.dead and name != "close":  # the system closes the files of the dead
            raise self.error
        if name == "unlink":
            return self.real[name](*args)
        if name == "write":
            args = (args[0], args[1][: self.chunk])
        on = "folder" if name in ("fsync", "close") and stat.S_ISDIR(os.fstat(args[0]).st_mode) else ""
        on = on or ("folder" if name == "open" and not args[1] & os.O_CREAT else "file")
        self.log.append(f"{name} {on}")
        last = len(self.log) - 1 == self.at
        if last and self.when == "before" and name != "close":
            self.fail()
        done = self.real[name](*args)
        if last:
            self.fail()
        return done

    def fail(self):
        self.dead = isinstance(self.error, Killed)
        raise self.error


ORDER = [
    "open file",
    "write file",
    "write file",
    "fsync file",
    "close file",
    "replace file",
    "open folder",
    "fsync folder",
    "close folder",
]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "state.ckpt"
    path.write_bytes(OLD)
    return path


def test_writes_reach_the_disk_before_the_name(path, monkeypatch):
    system = System(monkeypatch, chunk=20)  # two writes
    write_whole(path, NEW)
    assert system.log == ORDER
    assert path.read_bytes() == NEW
    assert os.listdir(path.parent) == ["state.ckpt"]


def test_a_write_that_takes_a_byte_at_a_time_is_gone_on_with(path, monkeypatch):
    System(monkeypatch, chunk=1)
    write_whole(path, NEW)
    assert path.read_bytes() == NEW


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(len(ORDER)))
def test_an_error_of_the_system_leaves_the_old_file_or_the_new_one(path, monkeypatch, at, when):
    with monkeypatch.context() as patch:
        System(patch, at, when, OSError(28, "No space left on device"), chunk=20)
        if at < ORDER.index("open folder"):
            with pytest.raises(OSError, match="No space left"):
                write_whole(path, NEW)
        else:
            write_whole(path, NEW)  # it has its name already, and not every system opens folders
    replaced = at > ORDER.index("replace file") or (ORDER[at], when) == ("replace file", "after")
    assert path.read_bytes() == (NEW if replaced else OLD)
    if (ORDER[at], when) != ("open file", "after"):  # where open has no number to give, nobody may know the file's fate
        assert os.listdir(path.parent) == ["state.ckpt"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(len(ORDER)))
def test_death_at_any_call_leaves_the_old_file_or_the_new_one(path, monkeypatch, at, when):
    with monkeypatch.context() as patch:
        System(patch, at, when, Killed(), chunk=20)
        with pytest.raises(Killed):
            write_whole(path, NEW)
    replaced = at > ORDER.index("replace file") or (ORDER[at], when) == ("replace file", "after")
    assert path.read_bytes() == (NEW if replaced else OLD)
    created = at > 0 or when == "after"
    assert len(os.listdir(path.parent)) == (2 if created and not replaced else 1)  # it could not tidy up
    write_whole(path, b"later")
    assert path.read_bytes() == b"later"
    assert os.listdir(path.parent) == ["state.ckpt"]


def test_only_temporaries_of_the_same_name_are_swept(tmp_path):
    stale = ".a.0123456789abcdef.part"
    others = [
        "a",
        ".a.part",
        ".a.0123.part",
        ".a.ckpt.0123456789abcdef.part",
        ".b.0123456789abcdef.part",
        ".a.0123456789abcdef.part.bak",
    ]
    for name in [stale, *others]:
        (tmp_path / name).write_bytes(OLD)
    write_whole(tmp_path / "a", NEW)
    assert sorted(os.listdir(tmp_path)) == sorted(others)


def test_a_temporary_that_cannot_be_removed_is_left(path, monkeypatch):
    (path.parent / ".state.ckpt.0123456789abcdef.part").write_bytes(OLD)
    monkeypatch.setattr(files.os, "unlink", lambda name: (_ for _ in ()).throw(PermissionError(name)))
    write_whole(path, NEW)
    assert path.read_bytes() == NEW


def test_the_name_may_be_new_relative_or_a_link(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_whole("new", NEW)
    assert (tmp_path / "new").read_bytes() == NEW
    os.symlink("new", "link")
    write_whole("link", OLD)
    assert os.path.islink("link")
    assert (tmp_path / "new").read_bytes() == OLD
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "nowhere" / "file", NEW)


# ---- trees
class Pair(NamedTuple):
    left: Any
    right: Any


LITTLE = [
    np.dtype(kind) for kind in ("?", "i1", "<i2", "<i4", "<i8", "u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16")
]
arrays = st.sampled_from(LITTLE).flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=3)))
numbers = st.one_of(st.none(), st.booleans(), st.integers(), st.integers(-(2**200), 2**200), st.floats(), st.text())
trees = st.recursive(
    st.one_of(numbers, arrays, arrays.map(lambda a: a.ravel()[0] if a.size else None)),
    lambda inner: st.one_of(
        st.lists(inner), st.lists(inner).map(tuple), st.dictionaries(st.text(), inner), st.builds(Pair, inner, inner)
    ),
    max_leaves=12,
)


def same(got, expected):
    """Alike in type, order and every bit."""
    if isinstance(expected, Pair):
        expected = expected._asdict()
    assert type(got) is type(expected)
    if isinstance(expected, dict):
        assert list(got) == list(expected)
        got, expected = list(got.values()), list(expected.values())
    if isinstance(expected, (list, tuple)):
        for a, b in zip(got, expected, strict=True):
            same(a, b)
    elif isinstance(expected, (np.ndarray, np.generic)):
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        assert got.tobytes() == expected.tobytes()
    elif isinstance(expected, float):
        assert struct.pack("<d", got) == struct.pack("<d", expected)
    else:
        assert got == expected


@given(tree=trees)
def test_trees_come_back_bit_by_bit(tree, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "tree"
    save_checkpoint(path, tree)
    same(load_checkpoint(path), tree)


def test_other_layouts_come_back_as_their_copies(tmp_path):
    a = np.arange(6.0).reshape(2, 3)
    read_only = a.copy()
    read_only.flags.writeable = False
    save_checkpoint(tmp_path / "a", [a.T, a[:, ::-2], a.astype(">f8"), np.broadcast_to(a[0], (2, 3)), read_only])
    got = load_checkpoint(tmp_path / "a")
    same(got, [a.T.copy(), a[:, ::-2].copy(), a, a[[0, 0]], a])
    assert all(b.flags.writeable and b.flags.owndata for b in got)


def by_hand(header, payload=b"", sizes=None, magic=b"refimpl\x01"):
    """The bytes of a checkpoint, made as the module says, with a right digest."""
    body = struct.pack("<8sQQ", magic, *(sizes or (len(header), len(payload)))) + header + payload
    return body + sha256(body).digest()


SMALL = {"t": 3, "m": np.array([1.5, -0.0]), "x": 0.1, "s": (np.float32(2), [None, True, "ä"])}
HEADER = (
    b'{"dict":[["t",3],["m",{"array":["<f8",[2]]}],["x",{"float":"3fb999999999999a"}],'
    b'["s",{"tuple":[{"scalar":["<f4",[]]},[null,true,"\\u00e4"]]}]]}'
)
PAYLOAD = struct.pack("<2df", 1.5, -0.0, 2)


def test_the_format_is_as_described(tmp_path):
    save_checkpoint(tmp_path / "a", SMALL)
    assert (tmp_path / "a").read_bytes() == by_hand(HEADER, PAYLOAD)


@pytest.mark.parametrize(
    ("bad", "at"),
    [
        ({"a": [1, {2}]}, r"tree\['a'\]\[1\]: .* got set"),
        ({"a": {1: 2}}, r"tree\['a'\]: expected dicts with string keys, .* got dict"),
        ([1j], r"tree\[0\]: .* got complex"),
        ([np.array([None])], r"tree\[0\]: expected an array of numbers, got dtype object"),
        ([np.array(["a"])], r"tree\[0\]: .* got dtype <U1"),
        ([np.datetime64(0, "s")], r"tree\[0\]: .* got dtype datetime64\[s\]"),
        ([np.zeros(2, "f8,i4")], r"tree\[0\]: expected an array"),
        ([np.ma.masked_array([1.0], [True])], r"tree\[0\]: .* got MaskedArray"),
    ],
)
def test_what_has_no_form_is_named_and_nothing_is_written(tmp_path, bad, at):
    with pytest.raises(TypeError, match=f"^{at}"):
        save_checkpoint(tmp_path / "a", bad)
    assert os.listdir(tmp_path) == []


# ---- files that are not what they should be
GOOD = by_hand(HEADER, PAYLOAD)


def a_header(node, payload=b""):
    return by_hand(json.dumps(node, separators=(",", ":")).encode(), payload)


def an_array(dtype, shape, payload=bytes(16)):
    return a_header({"array": [dtype, shape]}, payload)


DAMAGED = {
    "cut off": [GOOD[:k] for k in range(len(GOOD))],
    "a bit flipped": [GOOD[: k // 8] + bytes([GOOD[k // 8] ^ 1 << k % 8]) + GOOD[k // 8 + 1 :] for k in range(8 * len(GOOD))],
    "a byte lost": [GOOD[:k] + GOOD[k + 1 :] for k in range(len(GOOD)) if GOOD[k : k + 2] != GOOD[k : k + 1] * 2],
    "followed by": [GOOD + tail for tail in (b"\0", b"\n", bytes(32), GOOD, *(bytes([k]) * 8 for k in range(256)))],
    "a part of zeros": [GOOD[:k] + bytes(len(GOOD) - k) for k in range(0, len(GOOD) - 1, 4)],
}
H, P = len(HEADER), len(PAYLOAD)
SIZES = [(P, H), (H - 1, P + 1), (H + P, 0), (0, H + P), (H, P + 1), (H, 0), (2**64 - 1, 1), (2**63, P)]
SHAPES: list[Any] = [[-1], [-2, -1], [2.0], ["2"], [[2]], [None], [True, 2], 2, None, "2", {}, [2**62], [2**64, 2**64], [1] * 65]
EMPTY = [[0, 2**70], [0, -1], [2**62, 0, 2**62], [0] * 100]
KINDS = [">f8", "f8", "=f8", "float64", "|O", "O", "<U4", "|S8", "<M8[s]", "<f8,<f8", "<f16", "|V8", "", None, 8, ["<f8"]]
ARRAYS: list[Any] = [[], ["<f8"], ["<f8", [2], 1], None, {}, "<f8", 1, {"<f8": [2]}]
DICTS: list[Any] = [None, 1, ["ab"], [["a"]], [["a", 1, 2]], [[1, 2]], [["a", 1], ["a", 1]], [[None, 1]], [[["a"], 1]], {}]
TUPLES: list[Any] = [None, 1, "ab", {}]
NUMBERS = [None, 1.0, "", "1.0", "nan", "3FF0000000000000", "3ff000000000000", "3f f0 00 00 00 00 00 ", "zz" * 8]
OBJECTS: list[Any] = [{}, {"dict": [], "tuple": []}, {"float": "3ff0000000000000", "x": 1}, [{}], {"dict": {"a": 1}}]
TEXTS = [
    *(b"", b" 1", b"1 ", b"1.0", b"1e400", b"NaN", b"-Infinity", b"-0", b"01", b"1,", b"[1,]", b'{"a":1', b"'a'", b"nul", b"\0"),
    *(b"\xef\xbb\xbf1", '"ä"'.encode(), b"\xff", b'"\\u0061"', b'"\n"', b"//", b"[1 ,2]", b"True", b"None"),
    *(b"1" * 5000, b"[" * 100_000, b"[" * 900 + b"1", b'{"tuple":[' * 100_000, b'{"float": "3ff0000000000000"}'),
]
FORGED = {  # the digest is right in all of them
    "sizes": [by_hand(HEADER, PAYLOAD, sizes) for sizes in SIZES],
    "magic": [by_hand(HEADER, PAYLOAD, magic=magic) for magic in (b"refimpl\x00", b"refimpl\x02", b"REFIMPL\x01", bytes(8))],
    "payload": [by_hand(HEADER, payload) for payload in (b"", PAYLOAD[:-1], PAYLOAD[1:], PAYLOAD + b"\0", 2 * PAYLOAD)],
    "shape": [an_array("<f8", shape) for shape in SHAPES] + [an_array("<f8", shape, b"") for shape in EMPTY],
    "scalar": [a_header({"scalar": ["<f8", [size]]}, bytes(8 * abs(size))) for size in (-1, 0, 1, 2)],
    "dtype": [an_array(kind, [2]) for kind in KINDS],
    "array": [a_header({"array": array}, bytes(16)) for array in ARRAYS],
    "kind": [a_header({kind: ["<f8", [2]]}, bytes(16)) for kind in ("Array", "", "list", "object", "__reduce__")],
    "objects": [a_header(node) for node in OBJECTS],
    "dict": [a_header({"dict": node}) for node in DICTS],
    "tuple": [a_header({"tuple": node}) for node in TUPLES],
    "float": [a_header({"float": node}) for node in NUMBERS],
    "json": [by_hand(text) for text in TEXTS],
}


@pytest.mark.parametrize("kind", [*DAMAGED, *FORGED])
def test_a_file_that_is_not_a_checkpoint_is_refused(tmp_path, kind):
    path = tmp_path / "a"
    for data in DAMAGED.get(kind) or FORGED[kind]:
        path.write_bytes(data)
        with pytest.raises(FormatError, match=r"a: expected a checkpoint, got [0-9]+ bytes that are none: ."):
            load_checkpoint(path)


def test_nothing_is_parsed_before_the_digest_is_right(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(GOOD[:-1] + b"\0")
    monkeypatch.setattr(files.json, "loads", lambda *args, **options: pytest.fail("parsed"))
    with pytest.raises(FormatError, match=r"cut off or damaged, the digest is another$"):
        load_checkpoint(tmp_path / "a")


def test_there_are_more_than_enough_bad_files_and_none_is_the_good_one(tmp_path):
    bad = [data for kinds in (DAMAGED, FORGED) for of_a_kind in kinds.values() for data in of_a_kind]
    assert len(set(bad)) >= 2500
    assert GOOD not in bad
    (tmp_path / "a").write_bytes(GOOD)
    same(load_checkpoint(tmp_path / "a"), SMALL)


def test_a_file_that_is_not_there_is_no_format_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "a")
    with pytest.raises(IsADirectoryError):
        load_checkpoint(tmp_path)
