"""An older read-out whose read-out record says that it is newer."""

from dataclasses import replace

import pytest

from celltrail.evidence import causes
from celltrail.evidence import verdict as words
from celltrail.evidence.trail import TrailParts
from celltrail_protocol import codes
from tests.host.auditing import check
from tests.host.forge import START_UTC_MS, Forge, box_series


def a_trip(slots):
    """Some hours of one boot, from slot 0 at tick 10,000 on; what makes no whole group is pending."""
    forge = Forge()
    forge.arm()
    forge.begin()
    values = box_series(slots)
    packed = (slots - 1) // 120 * 120
    forge.readings(0, values[:packed])
    for slot in range(packed, slots):
        forge.pend(slot, [values[slot]])
    return forge


def stopped(slots):
    """The same, stopped a second after its last reading."""
    forge = a_trip(slots)
    packed = (slots - 1) // 120 * 120
    forge.pending = b""
    forge.readings(packed, box_series(slots)[packed:])
    forge.now_ms += 1000
    forge.close()
    return forge


def pairs_at(*ticks):
    return [[1, tick, START_UTC_MS - 5000 + tick, 50, codes.CLOCK_HOST] for tick in ticks]


def read_at(forge, seconds=2, **status):
    """An honest read-out: a tick noted before the live proof, and one after it."""
    now = forge.now_ms
    told = {"trip": 3, "sectors": forge.index + 1, "used": forge.last_end, "state": codes.STATE_LOGGING}
    told |= {"slot": (now - forge.tick0_ms) // forge.period_ms + 1}
    return forge.running_parts(status=told | status, pairs=pairs_at(now - 500, now + 1000 * seconds))


@pytest.fixture(scope="module")
def older():
    return read_at(a_trip(180))


@pytest.fixture(scope="module")
def newer():
    return read_at(a_trip(600))


def with_meta(parts, **meta):
    return replace(parts, meta=parts.meta | meta)


def with_status(parts, **status):
    return with_meta(parts, status=parts.meta["status"] | status)


def assert_older(verdict, told):
    assert (verdict.word, verdict.exit_code, verdict.cause) == (words.CHANGED, 1, causes.OLDER_READ_OUT.name)
    first = verdict.faults[0]
    assert first.text.startswith("an older read-out presented as newer: ")
    assert told in first.text
    assert (first.first_byte, first.end_byte > 16) == (16, True)


@pytest.mark.parametrize("which", ["older", "newer"])
def test_honest_read_outs_are_recording(which, keys, request):
    verdict = check(request.getfixturevalue(which), keys)
    assert (verdict.word, verdict.findings) == (words.RECORDING, ())


def test_a_slow_link_is_no_fault(keys):
    assert check(read_at(a_trip(180), seconds=590), keys).word == words.RECORDING


def test_an_older_read_out_with_the_record_of_a_newer(older, newer, keys):
    assert_older(check(replace(older, meta=newer.meta), keys), "was filled up to")


def test_an_older_read_out_with_newer_ticks(older, newer, keys):
    verdict = check(with_meta(older, pairs=newer.meta["pairs"]), keys)
    assert_older(verdict, "its live proof is at least 7 h older than the read-out")


def test_an_older_read_out_with_one_newer_tick(older, newer, keys):
    verdict = check(with_meta(older, pairs=newer.meta["pairs"][-1:]), keys)
    assert_older(verdict, "its live proof is at least 6 h 50 min older")


def test_an_older_read_out_of_a_simulated_world_with_newer_ticks(older, newer, keys):
    pairs = [[*pair[:4], codes.CLOCK_VIRTUAL] for pair in newer.meta["pairs"]]
    assert_older(check(with_meta(older, pairs=pairs), keys), "its live proof is at least 7 h older")
    flown = with_meta(older, pairs=[[*older.meta["pairs"][0][:4], codes.CLOCK_VIRTUAL], pairs[1]])
    assert check(flown, keys).word == words.RECORDING


def test_the_tick_of_the_live_answer_is_not_believed_either(older, newer, keys):
    forged = replace(older, meta=older.meta | {"pairs": newer.meta["pairs"]}, live=older.live | {"tick": 36_000_000})
    assert_older(check(forged, keys), "was due when it was read, but the record ends at slot 180")


def test_a_newer_boot(older, keys):
    pairs = [[2, 400_000, START_UTC_MS + 40_000_000, 50, 1], [2, 401_000, START_UTC_MS + 40_001_000, 50, 1]]
    assert_older(check(with_meta(older, pairs=pairs), keys), "it was read in boot 2 of the logger")
    just_started = [[2, 4_000, START_UTC_MS + 40_000_000, 50, 1]]
    assert check(with_meta(older, pairs=just_started), keys).word == words.RECORDING


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"sectors": 5}, "the logger had 5 sectors when it was read, but the record ends in sector 0"),
        ({"used": 4000}, "the open sector was filled up to 4000"),
        ({"slot": 600}, "slot 600 was next when it was read, but the record ends at slot 180"),
        ({"state": codes.STATE_STOPPED}, "the trip had ended when it was read"),
    ],
)
def test_an_older_read_out_with_a_newer_status(older, keys, status, told):
    assert_older(check(with_status(older, **status), keys), told)


@pytest.mark.parametrize(
    "status", [{"slot": 181}, {"used": 64}, {"sectors": 0}, {"trip": 4, "sectors": 50}, {"used": "x"}]
)
def test_what_a_status_may_say(older, keys, status):
    assert check(with_status(older, **status), keys).word == words.RECORDING


def test_a_closed_record_of_fewer_sectors_than_the_logger_had(keys):
    forge = stopped(180)
    assert check(forge.closed_parts(), keys).word == words.CLOSED
    status = {"trip": 3, "sectors": 4, "state": codes.STATE_STOPPED}
    assert_older(check(forge.closed_parts(status=status), keys), "the logger had 4 sectors")


def test_a_live_proof_that_was_removed_is_told(older, keys):
    verdict = check(TrailParts(older.meta, older.runs, older.open_part, older.pending), keys)
    assert (verdict.word, verdict.cause) == (words.POWER_LOST, causes.NO_LIVE.name)
    assert "its live proof is not in this file" in verdict.unproven[0].text
    assert {one.cause for one in verdict.unproven} == {causes.NO_LIVE, causes.UNSEALED}
    assert verdict.unsealed == 180
