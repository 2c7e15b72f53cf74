"""Files that are whole or not there, and files that are what they should be or refused.

    write_whole(path, data)         all of data under that name, or what was there before; never a part
    save_checkpoint(path, tree)     nested dicts, lists, tuples and NamedTuples of arrays, numbers and strings, bit by bit
    load_checkpoint(path)           the same again; FormatError if a single bit is not as it was written

A checkpoint is, in this order, with no code in it that a reader would run:

    magic    8 bytes     b"refimpl" and the version of the format
    sizes    16 bytes    of header and payload, little-endian
    header               JSON: the tree, with dtype and shape in place of each array
    payload              the arrays one after the other, C order, little-endian
    digest   32 bytes    SHA-256 of all before: against damage, not against forgery
"""

from __future__ import annotations

import json
import os
import re
import struct
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

MAGIC = b"refimpl\x01"
SIZES = struct.Struct("<8sQQ")  # magic, bytes of header and of payload
KINDS = ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
DTYPES = {dtype.str: dtype for dtype in (np.dtype(kind).newbyteorder("<") for kind in KINDS)}


class FormatError(ValueError):
    """A file is not what it should be: damaged, cut off, of another format, or at odds with itself."""


# ---- writing
def write_whole(path: str | os.PathLike, data: bytes) -> None:
    """data under the name path, on disk when this returns. Who reads, at any time, finds the old file or the new one.

    The order is: write a temporary file in the same folder, fsync it, rename it, fsync the folder where the system can do that.
    Temporary files that killed runs left for the same path are removed first; so of two processes that write one path at the
    same time, one may get FileNotFoundError. Raises OSError if it cannot be done; the old file is then as it was.
    """
    folder, name = os.path.split(os.path.realpath(path))  # where path is a link, the file it leads to is replaced, not the link
    stale = re.compile(rf"\.{re.escape(name)}\.[0-9a-f]{{16}}\.part")
    for found in filter(stale.fullmatch, os.listdir(folder)):
        with suppress(OSError):  # gone already, or open on a system that keeps open files
            os.unlink(os.path.join(folder, found))
    part = os.path.join(folder, f".{name}.{os.urandom(8).hex()}.part")
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(file, rest) :]  # it may take less than it was given
            os.fsync(file)
        finally:
            os.close(file)
        os.replace(part, os.path.join(folder, name))
    except BaseException:
        with suppress(OSError):
            os.unlink(part)
        raise
    with suppress(OSError):  # not every system opens folders; the new file is in its place in any case
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def save_checkpoint(path: str | os.PathLike, tree: Any) -> None:
    """Write tree to path, whole.

    tree : any nesting of dicts with string keys, lists, tuples and NamedTuples of arrays (bool, integer, floating-point, complex),
    NumPy scalars, int, float, str, bool and None. NamedTuples come back as dicts of their fields, all else as it was, floats bit by
    bit. Raises TypeError naming what is something else; OSError if the file cannot be written.
    """
    write_whole(path, packed(tree))


def packed(tree) -> bytes:
    """tree as the bytes of a checkpoint: one tree, one sequence of bytes."""
    arrays: list[np.ndarray] = []
    header = json.dumps(encoded(tree, "tree", arrays), separators=(",", ":")).encode()
    payload = b"".join(a.tobytes() for a in arrays)
    body = SIZES.pack(MAGIC, len(header), len(payload)) + header + payload
    return body + sha256(body).digest()


def encoded(node, name, arrays):
    """node as JSON holds it, its arrays appended to arrays. What JSON has no exact form of is an object of one key, its kind."""
    if isinstance(node, (np.ndarray, np.generic)) and not isinstance(node, (np.ma.MaskedArray, np.str_)):
        a = np.asarray(node)
        little = a.dtype.newbyteorder("<")
        if little.str not in DTYPES:
            raise TypeError(f"{name}: expected an array of numbers, got dtype {a.dtype}")
        arrays.append(a.astype(little, copy=False))
        return {"array" if isinstance(node, np.ndarray) else "scalar": [little.str, list(a.shape)]}
    if node is None or isinstance(node, (bool, int, str)):
        return node
    if isinstance(node, float):
        return {"float": struct.pack(">d", node).hex()}
    if hasattr(node, "_asdict"):
        node = node._asdict()
    if isinstance(node, dict) and all(isinstance(key, str) for key in node):
        return {"dict": [[key, encoded(child, f"{name}[{key!r}]", arrays)] for key, child in node.items()]}
    if isinstance(node, (list, tuple)):
        parts = [encoded(child, f"{name}[{k}]", arrays) for k, child in enumerate(node)]
        return parts if isinstance(node, list) else {"tuple": parts}
    raise TypeError(f"{name}: expected dicts with string keys, lists, arrays, numbers or strings, got {type(node).__name__}")


# ---- reading
def load_checkpoint(path: str | os.PathLike) -> Any:
    """The tree that save_checkpoint wrote to path, in new arrays of native byte order.

    Raises FormatError if the file is not, to the bit, as save_checkpoint would write that tree; OSError if it cannot be read.
    Nothing is parsed before its digest is right, and no array is made that is larger than the file.
    """
    data = Path(path).read_bytes()
    try:
        return unpacked(data)
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError, struct.error) as e:
        raise FormatError(f"{os.fspath(path)}: expected a checkpoint, got {len(data)} bytes that are none: {e}") from None


def unpacked(data):
    """The tree in the bytes of a checkpoint."""
    if len(data) < SIZES.size + 32:
        raise ValueError("too short for one")
    magic, header, _ = SIZES.unpack_from(data)
    if magic != MAGIC:
        raise ValueError(f"they start with {magic!r} in place of {MAGIC!r}")
    if sha256(data[:-32]).digest() != data[-32:]:
        raise ValueError("cut off or damaged, the digest is another")
    text = data[SIZES.size : SIZES.size + header].decode("ascii")
    node = json.loads(text, object_pairs_hook=lambda pairs: pairs[0])  # (kind, value)
    tree = decoded(node, BytesIO(data[SIZES.size + header : -32]))
    if packed(tree) != data:  # what is right in part only, or can be written in two ways, ends here
        raise ValueError("at odds with themselves")
    return tree


def decoded(node, payload):
    """What encoded made node of, for all that encoded makes; what it would not make is for the caller to refuse."""
    if isinstance(node, list):
        return [decoded(child, payload) for child in node]
    if not isinstance(node, tuple):
        return node
    kind, value = node
    if kind == "dict":
        return {key: decoded(child, payload) for key, child in value}
    if kind == "tuple":
        return tuple(decoded(child, payload) for child in value)
    if kind == "float":
        return struct.unpack(">d", bytes.fromhex(value))[0]
    name, shape = value
    dtype = DTYPES[name]
    a = np.frombuffer(payload.read(prod(shape) * dtype.itemsize), dtype).reshape(shape).astype(dtype.newbyteorder("="))
    return a if kind == "array" else a[()]
