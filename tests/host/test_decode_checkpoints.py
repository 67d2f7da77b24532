"""Checkpoints in the record: where they stand in time, and those that can't be read."""

from pathlib import Path

from celltrail.evidence.decode import read_record
from celltrail.evidence.noted import MOST_MS
from celltrail.evidence.record import Checkpoint, Instant
from celltrail.evidence.trail import parse_trail, trail_bytes
from celltrail_protocol import frames
from celltrail_protocol.layout import pack
from tests.host.forge import Forge


def record_of(forge):
    return read_record(parse_trail(trail_bytes(forge.running_parts()), Path("a.trail")))


def begun():
    forge = Forge()
    forge.arm()
    forge.begin()
    return forge


def test_each_has_the_boot_that_it_stands_in():
    forge = begun()
    forge.now_ms = 20_000
    forge.checkpoint()
    forge.roll()
    forge.reboot(7, at_ms=30_000)
    forge.now_ms = 40_000
    forge.checkpoint()
    record = record_of(forge)
    assert list(record.checkpoints) == [
        Checkpoint(Instant(1, 20_000), 0, 3700),
        Checkpoint(Instant(2, 40_000), 2, 3700),
    ]
    assert len(record.checkpoints) == 2
    assert record.last_ticks == [Instant(1, 20_000), Instant(2, 40_000)]
    assert record.flaws == ()


def test_one_that_is_too_short_or_beyond_all_times_is_a_flaw_at_its_place():
    forge = begun()
    places = []
    for payload in (b"\0" * 5, pack(frames.TABLES[frames.CHECKPOINT], (0, MOST_MS + 1, 3700, bytes(16)))):
        forge.put(frames.CHECKPOINT, payload)
        length = len(payload) + frames.OVERHEAD
        places.append((forge.index, forge.last_end - length, forge.last_end - frames.CHECK_SIZE))
        forge.roll()
    forge.checkpoint()
    record = record_of(forge)
    assert [(one.sector, one.offset, one.end) for one in record.flaws] == places
    assert [one.text for one in record.flaws][1] == "frame: a tick beyond all times"
    assert "checkpoint" in record.flaws[0].text
    assert len(record.checkpoints) == 1


def test_a_later_format_may_make_them_longer():
    forge = begun()
    forge.put(frames.CHECKPOINT, pack(frames.TABLES[frames.CHECKPOINT], (9, 20_000, 3600, bytes(16))) + b"more")
    assert list(record_of(forge).checkpoints) == [Checkpoint(Instant(1, 20_000), 9, 3600)]
