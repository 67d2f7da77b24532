"""The host's own readers against the golden vectors: construct, numpy and the `.trail` reader."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from celltrail.errors import UsageFault
from celltrail.evidence import headers
from celltrail.evidence.series_numpy import decode_many
from celltrail.evidence.signature import check_signature
from celltrail.evidence.trail import read_trail
from celltrail_protocol import frames, records
from celltrail_protocol.layout import ProtocolError
from tests.protocol.vector_files import assembled, fields_of, read
from tests.protocol.vector_records import RECORDS

TABLES = {name: table for name, (table, _) in RECORDS.items()}
TABLES |= {"store_header": records.STORE_HEADER, "state": records.STATE}
BLOCKS = (16, 128)

Vector = dict[str, Any]


def vectors(kind: str, reader: str, valid: bool) -> list[Any]:
    """Test parameters: the vectors of a file that name the reader."""
    found = [vector for vector in read(kind, reader) if ("error" not in vector) == valid]
    return [pytest.param(vector, id=f"{kind}-{vector['name']}") for vector in found]


def table_of(vector: Vector) -> tuple:
    return TABLES[vector["record"]] if "record" in vector else frames.TABLES[vector["type"]]


def record_of(vector: Vector) -> bytes:
    """The bytes that the table describes: the record, or the frame's payload."""
    data = bytes.fromhex(vector["hex"])
    return data if "record" in vector else data[2 : -frames.CHECK_SIZE]


@pytest.mark.parametrize("vector", vectors("frames", "construct", True) + vectors("records", "construct", True))
def test_construct_reads(vector: Vector):
    table = table_of(vector)
    parsed = headers.parse(table, record_of(vector))
    assert tuple(value for name, value in parsed.items() if name != "crc32") == fields_of(table, vector["values"])
    built = headers.build(table, parsed)
    assert record_of(vector).startswith(built)
    assert len(built) > len(record_of(vector)) - 256


@pytest.mark.parametrize("vector", vectors("frames", "construct", True))
def test_construct_reads_channels(vector: Vector):
    payload = record_of(vector)
    start = len(headers.build(table_of(vector), headers.parse(table_of(vector), payload)))
    for channel in vector.get("channels", []):
        parsed = headers.parse(frames.CHANNEL, payload[start:])
        assert parsed == channel
        start += len(headers.build(frames.CHANNEL, parsed))


@pytest.mark.parametrize("vector", vectors("frames", "construct", False) + vectors("records", "construct", False))
def test_construct_refuses(vector: Vector):
    with pytest.raises(ProtocolError):
        headers.parse(table_of(vector), record_of(vector))


def decoded(some: list[Vector], block: int) -> tuple[list[list[int]], list[bool]]:
    """What numpy makes of many series at once."""
    data = [bytes.fromhex(vector["hex"]) for vector in some]
    ends = np.cumsum([len(one) for one in data])
    starts = ends - [len(one) for one in data]
    counts = np.array([vector["count"] for vector in some])
    values, bad = decode_many(np.frombuffer(b"".join(data), np.uint8), starts, ends, counts, block)
    places = np.cumsum(counts)[:-1]
    return [part.tolist() for part in np.split(values, places)], bad.tolist()


def of_block(block: int) -> list[Vector]:
    return [vector for vector in read("series", "numpy") if vector["block"] == block]


@pytest.mark.parametrize("block", BLOCKS)
def test_numpy_reads_all_at_once(block: int):
    """Good and broken series side by side: a broken one must not spoil its neighbours."""
    some = of_block(block)
    values, bad = decoded(some, block)
    assert [one["name"] for one, is_bad in zip(some, bad, strict=True) if is_bad != ("error" in one)] == []
    good = [(one["name"], found) for one, found in zip(some, values, strict=True) if "error" not in one]
    assert good == [(one["name"], one["values"]) for one in some if "error" not in one]
    assert len(good) > 40


@pytest.mark.parametrize("vector", vectors("series", "numpy", True) + vectors("series", "numpy", False))
def test_numpy_reads_one(vector: Vector):
    values, bad = decoded([vector], vector["block"])
    assert bad == ["error" in vector]
    assert bad == [True] or values == [vector["values"]]


@pytest.mark.parametrize("vector", [v for v in vectors("frames", "numpy", True) if "series" in v.values[0]])
def test_numpy_reads_frames(vector: Vector):
    block = {frames.READINGS: 128, frames.WAVE: 16}[vector["type"]]
    series = {"hex": vector["values"]["series"], "count": vector["values"]["count"]}
    assert decoded([series], block) == ([vector["series"]], [False])


def trail_file(vector: Vector, folder: Path) -> Path:
    path = folder / "some.trail"
    path.write_bytes(assembled(vector["pieces"], vector["size"]))
    return path


def payload_of(vector: Vector, file: bytes, tag: str) -> bytes | None:
    found = [file[start : start + length] for name, start, length in vector["sections"] if name == tag]
    return b"".join(found) if found else None


@pytest.mark.parametrize("vector", vectors("trails", "host", True))
def test_host_reads_trail(vector: Vector, tmp_path: Path):
    path = trail_file(vector, tmp_path)
    trail = read_trail(path)
    file = path.read_bytes()
    assert trail.uid.hex() == vector["meta"]["uid"]["$hex"]
    assert {name: value for name, value in trail.meta.items() if name in ("trip", "name", "pairs", "operator")} == {
        name: vector["meta"][name] for name in ("trip", "name", "pairs", "operator")
    }
    assert trail.pending == payload_of(vector, file, "PEND")
    assert (trail.live is None) == (payload_of(vector, file, "LIVE") is None)
    assert b"".join(bytes(sector.data) for sector in trail.sectors) == sector_bytes(vector, file)
    assert trail.digest.hex() == vector["sha256"]


SIGNED = [vector for vector in vectors("trails", "host", True) if "signature" in vector.values[0]]


@pytest.mark.parametrize("vector", SIGNED)
def test_host_checks_signature(vector: Vector, tmp_path: Path):
    found = check_signature(read_trail(trail_file(vector, tmp_path)), lambda public: None)
    said = vector["signature"]["said"]
    assert found.state == ("good" if vector["signature"]["good"] else "wrong")
    assert (found.public.hex(), found.operator, found.host) == (said["key"]["$hex"], said["op"], said["host"])
    assert (found.utc_ms, found.verdict) == (said["utc"], said["verdict"])


def test_signatures_of_both_kinds_are_there():
    assert sorted({vector.values[0]["signature"]["good"] for vector in SIGNED}) == [False, True]


def sector_bytes(vector: Vector, file: bytes) -> bytes:
    """All sectors, the open one too; each of their sections begins with an index of 4 bytes."""
    sections = [(name, start, length) for name, start, length in vector["sections"] if name in ("SECT", "OPEN")]
    return b"".join(file[start + 4 : start + length] for _, start, length in sections)


@pytest.mark.parametrize("vector", vectors("trails", "host", False))
def test_host_refuses_trail(vector: Vector, tmp_path: Path):
    with pytest.raises(UsageFault):
        read_trail(trail_file(vector, tmp_path))


def test_readers_are_named():
    """The readers' shares; a file that loses a reader would otherwise pass in silence."""
    shares = {
        "construct": len(vectors("frames", "construct", True)) + len(vectors("records", "construct", True)),
        "numpy": len(vectors("series", "numpy", True)),
        "host": len(vectors("trails", "host", True)),
    }
    assert shares["construct"] >= 70, json.dumps(shares)
    assert shares["numpy"] >= 100
    assert shares["host"] >= 6
