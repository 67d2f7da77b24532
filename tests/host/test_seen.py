"""This host has seen more of the trip, or something else, in an earlier read-out."""

import os
import stat
from dataclasses import replace

import pytest

from celltrail.errors import UsageFault
from celltrail.evidence import causes, seen
from celltrail.evidence import verdict as words
from celltrail.evidence.trail import TrailParts, write_trail
from celltrail.evidence.verify import verify_file
from celltrail.keys.keystore import KeyStore
from celltrail_protocol import codes
from tests.host import thief
from tests.host.auditing import key_of
from tests.host.forge import START_UTC_MS, UID, Forge, box_series
from tests.host.test_freshness import a_trip, read_at, stopped


@pytest.fixture
def verify(tmp_path, keys):
    """Write a read-out and verify the file, as somebody does who got it by mail."""

    def run(parts, name="a.trail"):
        path = tmp_path / name
        write_trail(path, parts, replace=True)
        return verify_file(path, keys)

    return run


def later(parts, hours=24):
    """The same with a read-out record that says that it was read later, without newer ticks of the logger."""
    pairs = [[boot, tick, utc + hours * 3_600_000, *rest] for boot, tick, utc, *rest in parts.meta["pairs"]]
    return replace(parts, meta=parts.meta | {"pairs": pairs})


def without_status(parts):
    return replace(parts, meta={key: value for key, value in parts.meta.items() if key != "status"})


def closed_trip(slots=600):
    forge = stopped(slots)
    return forge.closed_parts(pairs=[[1, forge.now_ms + 5000, START_UTC_MS + forge.now_ms, 50, 1]])


def remembered(keys):
    return seen.recall(keys, UID, 3)


def test_a_proven_end_is_remembered_and_goes_forwards_only(verify, keys):
    verify(read_at(a_trip(600)))
    first = remembered(keys)
    assert (first.index, first.closed, first.epoch) == (0, False, 0)
    verify(read_at(a_trip(180)))
    assert remembered(keys) == first
    verify(closed_trip())
    assert (remembered(keys).closed, remembered(keys).used > first.used) == (True, True)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no file modes")
def test_what_was_seen_is_closed_to_others(verify, keys):
    verify(closed_trip())
    path = keys.folder / "seen" / f"{UID.hex()}-3.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("spoil", ["no key", "altered", "no live proof"])
def test_what_is_not_proven_is_not_remembered(spoil, verify, keys):
    parts = read_at(a_trip(180))
    if spoil == "no key":
        (keys.folder / "trips" / f"{UID.hex()}-3.json").unlink()
    elif spoil == "altered":
        parts = replace(parts, pending=None)
    else:
        parts = replace(parts, live=None)
    assert verify(parts).word in (words.UNCHECKED, words.CHANGED, words.POWER_LOST)
    assert remembered(keys) is None


def test_an_honestly_older_read_out_gets_a_note(verify):
    older = read_at(a_trip(180))
    assert verify(older).findings == ()
    assert verify(read_at(a_trip(600))).findings == ()
    verdict = verify(older)
    assert verdict.word == words.RECORDING
    assert [one.cause for one in verdict.findings] == [causes.NEWER_KNOWN]
    assert verdict.findings[0].text.startswith("a later read-out of this trip is known here, of 2025-03-01 17:59 UTC")


def test_a_closed_trip_that_is_recording_again_gets_a_note(verify):
    verify(closed_trip())
    verdict = verify(read_at(a_trip(180)))
    assert verdict.word == words.RECORDING
    assert ", closed; this one: sector 0" in verdict.findings[0].text


@pytest.mark.parametrize("closed_before", [False, True])
def test_an_older_read_out_that_says_it_is_later_is_altered(verify, closed_before):
    assert verify(closed_trip() if closed_before else read_at(a_trip(600))).intact
    forged = later(without_status(read_at(a_trip(180))))
    verdict = verify(forged)
    assert (verdict.word, verdict.cause) == (words.CHANGED, causes.OLDER_READ_OUT.name)
    told = verdict.faults[0]
    assert told.text.startswith("an older read-out presented as newer: it says that it was read at 2025-03-02 10:59")
    assert (told.first_byte, told.text.endswith(", closed")) == (16, closed_before)


def test_later_by_the_loggers_own_ticks_needs_no_clock(verify):
    older = without_status(read_at(a_trip(180)))
    assert verify(read_at(a_trip(600))).intact
    tick = older.live["tick"]
    pairs = [[2, 3000, older.meta["pairs"][0][2], 50, codes.CLOCK_HOST]]
    assert tick > 3000
    assert verify(replace(older, meta=older.meta | {"pairs": pairs})).cause == causes.OLDER_READ_OUT.name


def test_hosts_whose_clocks_differ_a_little_accuse_nobody(verify):
    older = without_status(read_at(a_trip(598)))
    verify(read_at(a_trip(600)))
    pairs = [[boot, tick, utc + 200_000, *rest] for boot, tick, utc, *rest in older.meta["pairs"]]
    assert verify(replace(older, meta=older.meta | {"pairs": pairs})).word == words.RECORDING


def two_ends(first_values):
    """The same trip read while it runs, the last readings before it being these."""
    forge = Forge()
    forge.arm()
    forge.begin()
    forge.readings(0, box_series(60))
    forge.checkpoint()
    forge.readings(60, first_values)
    return forge


def test_an_end_that_was_rewritten_after_it_was_read(verify):
    """Whoever steals the key of now can rewrite what is not sealed yet; who has read it before sees that."""
    assert verify(read_at(two_ends([640] * 60), slot=120)).intact
    rewritten = two_ends([600] * 60)
    rewritten.readings(120, box_series(60))
    rewritten.close()
    verdict = verify(rewritten.closed_parts())
    assert (verdict.word, verdict.cause) == (words.CHANGED, causes.OTHER_CONTENT.name)
    first = verdict.faults[0]
    assert (first.sector, first.offset, first.first_byte > 0) == (0, 0, True)


def test_the_same_end_going_on_is_the_control(verify):
    assert verify(read_at(two_ends([640] * 60), slot=120)).intact
    honest = two_ends([640] * 60)
    honest.readings(120, box_series(60))
    honest.close()
    assert verify(honest.closed_parts()).word == words.CLOSED


def test_a_sector_that_was_sealed_otherwise_before(verify, closed, tmp_path, keys):
    assert verify(closed.closed_parts()).word == words.CLOSED
    sectors = thief.remake([closed.sealed[0], *closed.sealed[1:]], key_of(0))
    assert sectors == closed.sealed
    other = list(closed.sealed)
    (frame, *_) = thief.frames_of(other[1])[1:]
    other[1] = thief.change_frame(other[1], frame, 6, b"\x00\x01")
    remade = thief.remake(other, key_of(3), first=1)
    verdict = verify(TrailParts(closed.meta(), [(0, b"".join(remade))]))
    assert verdict.word == words.CHANGED
    changed = {one.sector for one in verdict.faults if one.cause == causes.OTHER_CONTENT}
    assert changed == {1, 2}


def test_another_life_of_the_same_logger_is_another_trip(verify, keys):
    """A logger that was wiped counts its trips from 1 again; its key was moved away."""
    assert verify(closed_trip()).intact
    (keys.folder / "trips" / f"{UID.hex()}-3.json").unlink()
    keys.save_trip(UID, 3, bytes(32))
    forge = Forge(k0=bytes(32))
    forge.arm()
    forge.begin()
    forge.readings(0, box_series(60))
    forge.close()
    verdict = verify(forge.closed_parts())
    assert (verdict.word, verdict.findings) == (words.CLOSED, ())
    assert remembered(keys).digest == verdict.digest


def test_a_damaged_memory_is_named(verify, keys):
    verify(closed_trip())
    path = keys.folder / "seen" / f"{UID.hex()}-3.json"
    path.write_text('{"index": "x"}')
    with pytest.raises(UsageFault, match=path.name):
        verify(closed_trip())


def test_a_key_store_that_can_not_be_written_is_one_to_check_with(verify, keys, mocker):
    save = mocker.patch.object(KeyStore, "save", side_effect=UsageFault("the disk is read-only"))
    assert verify(closed_trip()).word == words.CLOSED
    assert save.call_count == 1
