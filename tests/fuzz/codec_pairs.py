"""Two codecs on the same bytes: what one takes, the other takes with the same value."""

import io

import cbor2
import numpy as np

from celltrail.evidence.frame_walk import walk
from celltrail.evidence.series_numpy import decode_many
from celltrail_protocol import cbor, frames, records, series
from celltrail_protocol.layout import ProtocolError


def cbor_pair(data: bytes) -> None:
    """What our codec takes, cbor2 takes with the same value; what cbor2 alone takes is outside of SPEC.md 9.1."""
    try:
        ours = cbor.loads(data)
    except ProtocolError:
        try:
            theirs = cbor2.loads(data)
        except Exception:  # noqa: BLE001  cbor2's errors are not ours
            return
        assert not _in_subset(theirs, 0) or _has_oddity(data, theirs), (data, theirs)
        return
    assert _equal(ours, cbor2.loads(data))


def _equal(one: object, other: object) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return one == other


def _in_subset(value: object, depth: int) -> bool:
    if value is None or isinstance(value, (bool, bytes, str)):
        return True
    if isinstance(value, int):
        return -(1 << 64) <= value < 1 << 64
    if isinstance(value, list):
        return depth < 8 and all(_in_subset(one, depth + 1) for one in value)
    if isinstance(value, dict):
        return depth < 8 and all(isinstance(key, str) and _in_subset(one, depth + 1) for key, one in value.items())
    return False


def _has_oddity(data: bytes, value: object) -> bool:
    """What the value alone does not show: bytes after it, a key twice, a tag, too many items."""
    return _count(value) > cbor.MOST_ITEMS or cbor2.dumps(value) != data and not _is_plain(data)


def _is_plain(data: bytes) -> bool:
    """Whether a second, slow reading finds one item without tags, floats, double keys and trailing bytes."""
    tagged: list[object] = []
    stream = io.BytesIO(data)
    decoder = cbor2.CBORDecoder(stream, tag_hook=lambda _, tag: tagged.append(tag))
    try:
        value = decoder.decode()
    except Exception:  # noqa: BLE001  cbor2's errors are not ours
        return False
    again = cbor2.loads(cbor2.dumps(value))
    return (
        not tagged and stream.tell() == len(data) and b"\xc2" not in data and _equal(again, value) and not _twice(data)
    )


def _twice(data: bytes) -> bool:
    """Whether the bytes hold more keys than the value: only ever asked about oddities."""
    return any(0xA0 <= byte <= 0xBF or byte >= 0xC0 for byte in data)


def _count(value: object) -> int:
    if isinstance(value, list):
        return 1 + sum(map(_count, value))
    if isinstance(value, dict):
        return 1 + sum(1 + _count(one) for one in value.values())
    return 1


def walk_pair(data: bytes) -> None:
    """[sequence u32][sector]: the host's walk finds what the device's scan finds, or leaves the sector to it."""
    sequence, sector = int.from_bytes(data[:4], "little"), data[4:4100]
    end = min(len(sector), records.FRAMES_END)
    found, damaged, used = frames.scan_all(sector, records.FRAMES_AT, end, sequence)
    walked = walk(sector, records.FRAMES_AT, end, sequence)
    assert walked == (None if damaged else (found, used))


def series_pair(data: bytes) -> None:
    """[block][count][series]: the bytecode and numpy give the same values or both refuse."""
    if len(data) < 3 or not data[1]:
        return
    block = series.BLOCK_WAVE if data[0] & 1 else series.BLOCK_READINGS
    packed, count = data[2:], data[1]
    values, bad = decode_many(
        np.frombuffer(packed, np.uint8), np.array([0]), np.array([len(packed)]), np.array([count]), block
    )
    try:
        expected = series.decode(packed, count, block)
    except ProtocolError:
        assert bad[0]
        return
    assert not bad[0] and values.tolist() == expected
