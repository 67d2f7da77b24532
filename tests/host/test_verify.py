import pytest

from celltrail.evidence import verdict as words
from celltrail.evidence.trail import TrailParts, parse_trail, trail_bytes
from celltrail.evidence.verify import check_trail
from celltrail.keys.keystore import KeyStore
from celltrail.utc import iso
from celltrail_protocol import codes, frames
from celltrail_protocol.records import FRAMES_AT
from tests.host.auditing import NOWHERE, changed, check, receipt_of, with_sectors
from tests.host.forge import K0, START_UTC_MS, TMP117, UID, Forge, a_plan, box_series, five_days

# The six words


def test_a_stopped_trip_is_closed(closed, keys):
    verdict = check(closed.closed_parts(), keys)
    assert (verdict.word, verdict.exit_code, verdict.intact, verdict.complete) == (words.CLOSED, 0, True, True)
    assert verdict.findings == ()
    assert (verdict.seals, verdict.checkpoints, verdict.unsealed) == (3, 3, 0)
    (channel,) = verdict.coverage
    assert (channel.expected, channel.readings, channel.missing, channel.gaps) == (7200, 7194, 4, 2)


def test_a_running_trip_with_a_live_proof_is_recording(running, keys):
    verdict = check(running.running_parts(), keys)
    assert (verdict.word, verdict.exit_code, verdict.intact) == (words.RECORDING, 0, True)
    assert (verdict.seals, verdict.checkpoints, verdict.live) == (2, 3, True)
    assert verdict.coverage[0].expected == 7201


def test_without_close_and_proof_power_was_lost_or_the_tail_removed(running, keys):
    verdict = check(running.running_parts(live=False), keys)
    assert (verdict.word, verdict.exit_code, verdict.intact) == (words.POWER_LOST, 1, False)
    packed = sum(1 for slot in check_slots(running, keys) if slot >= first_unsealed(running))
    assert verdict.unsealed == packed


def check_slots(forge, keys):
    return check_trail(parse_trail(trail_bytes(forge.running_parts()), NOWHERE), keys).record.channels[0].slots.tolist()


def first_unsealed(forge):
    """The first slot in the open sector, which has no checkpoint."""
    found = frames.scan_all(forge.sector, FRAMES_AT, forge.last_end, forge.sequence)[0]
    return min(frames_slot(forge.sector, start) for _, kind, start, _ in found if kind == frames.READINGS)


def frames_slot(sector, start):
    return int.from_bytes(sector[start + 1 : start + 5], "little")


def test_without_key_it_is_not_checkable(closed, tmp_path):
    verdict = check(closed.closed_parts(), KeyStore(tmp_path / "other"))
    assert (verdict.word, verdict.exit_code, verdict.complete) == (words.UNCHECKED, 5, True)
    assert verdict.to_json()["untouched"]["answer"] is None


def test_a_missing_sector_is_missing_and_named(closed, keys):
    parts = TrailParts(closed.meta(), [(0, closed.sealed[0]), (2, closed.sealed[2])])
    verdict = check(parts, keys)
    assert (verdict.word, verdict.exit_code) == (words.INCOMPLETE, 1)
    assert verdict.sectors_missing == ((1, 2),)
    assert verdict.coverage[0].lost > 0
    lacking = verdict.to_json()["complete"]["unaccounted"][0]
    first, end = verdict.holes[0].first, verdict.holes[0].end
    assert (lacking["first_slot"], lacking["last_slot"]) == (first, end - 1)
    assert lacking["first_utc"] == iso(START_UTC_MS + 5000 + first * 60_000)


def test_a_changed_byte_under_a_seal_is_altered(closed, keys):
    verdict = check(with_sectors(closed, [closed.sealed[0], changed(closed.sealed[1], 700), closed.sealed[2]]), keys)
    assert (verdict.word, verdict.exit_code) == (words.CHANGED, 1)
    assert verdict.faults[0].sector == 1


# What a logger may honestly do


def test_the_spare_place_of_a_seal_is_as_good(keys):
    forge = Forge()
    forge.begin()
    forge.readings(0, box_series(30))
    forge.seal(0, slot_b=True)
    forge.open_sector()
    forge.readings(30, box_series(30))
    forge.close()
    assert check(forge.closed_parts(), keys).word == words.CLOSED


def test_a_frame_torn_before_the_seal_is_a_note(keys):
    forge = Forge()
    forge.begin()
    torn = forge.used
    forge.sector[torn : torn + 9] = b"\x30\x10garbage"
    forge.used = (torn // 256 + 1) * 256
    forge.readings(0, box_series(30))
    forge.close()
    verdict = check(forge.closed_parts(), keys)
    assert verdict.word == words.CLOSED
    assert [(finding.kind, finding.sector, finding.offset) for finding in verdict.findings] == [("note", 0, torn)]


def test_a_sequence_number_may_be_used_up_by_a_bad_sector(keys):
    forge = Forge()
    forge.begin()
    forge.readings(0, box_series(30))
    forge.seal(0)
    forge.sequence += 1
    forge.open_sector()
    forge.close()
    assert check(forge.closed_parts(), keys).word == words.CLOSED


def test_a_restart_is_no_hole(keys):
    forge = Forge()
    forge.begin()
    forge.readings(0, box_series(30))
    forge.reboot(30)
    forge.readings(30, box_series(30))
    forge.close()
    assert check(forge.closed_parts(), keys).word == words.CLOSED


def test_sectors_that_the_ring_overwrote_are_missing_and_the_reason_is_said(keys):
    settings = a_plan(wrap=True)
    forge = five_days(settings=settings)
    receipt = receipt_of(forge)
    keys.save_trip(UID, 3, K0, receipt)
    verdict = check(with_sectors(forge, forge.sealed[1:], first=1), keys)
    assert verdict.word == words.INCOMPLETE
    assert "sector 0 is missing; the plan lets the logger overwrite its oldest" in verdict.faults[0].text
    assert (verdict.seals, verdict.sectors_expected, verdict.overwritten) == (2, 3, 1)


@pytest.mark.parametrize(
    ("kept", "wrap", "count"),
    [
        pytest.param([1, 2, 3], True, 1, id="one"),
        pytest.param([2, 3], True, 2, id="two"),
        pytest.param([0, 1, 2, 3], True, 0, id="none"),
        pytest.param([1, 2, 3], False, 0, id="the plan does not let it"),
        pytest.param([1, 3], True, 0, id="another one, too"),
        pytest.param([0, 2, 3], True, 0, id="only another one"),
        pytest.param([1, 2], True, 0, id="the end, too"),
    ],
)
def test_only_the_beginning_of_a_proven_record_counts_as_overwritten(keys, kept, wrap, count):
    forge = a_wrapped_trip(wrap=wrap)
    keys.save_trip(UID, 3, K0, receipt_of(forge))
    parts = TrailParts(forge.meta(), [(index, forge.sealed[index]) for index in kept])
    assert check(parts, keys).overwritten == count


def a_wrapped_trip(wrap=True, hole=0):
    """Four sectors, closed; `hole` slots are not accounted for in the last."""
    forge = Forge(settings=a_plan(wrap=wrap))
    forge.arm()
    forge.begin()
    for slot in (0, 480):
        forge.readings(slot, [i * 7919 % 9973 for i in range(480)])
        forge.roll()
    # Of a sector without a reading only its place tells that it is missing.
    forge.roll()
    forge.readings(960 + hole, [640] * 10)
    forge.close()
    return forge


@pytest.mark.parametrize(
    ("hole", "altered", "count"), [(0, False, 1), (5, False, 0), (0, True, 0)], ids=["sound", "a hole", "altered"]
)
def test_nothing_counts_as_overwritten_when_anything_else_is_amiss(keys, hole, altered, count):
    forge = a_wrapped_trip(hole=hole)
    keys.save_trip(UID, 3, K0, receipt_of(forge))
    last = bytearray(forge.sealed[3])
    last[200] ^= altered
    runs = [(1, forge.sealed[1]), (2, forge.sealed[2]), (3, bytes(last))]
    assert check(TrailParts(forge.meta(), runs), keys).overwritten == count


def test_a_trip_that_was_only_armed_is_recording(keys):
    forge = Forge()
    forge.arm()
    verdict = check(forge.running_parts(), keys)
    assert (verdict.word, verdict.coverage[0].expected) == (words.RECORDING, 0)


def test_an_unconfirmed_key_is_found(closed, tmp_path):
    store = KeyStore(tmp_path / "keys")
    store.save_pending(UID, bytes(32))
    assert check(closed.closed_parts(), store).word == words.UNCHECKED
    store.save_pending(UID, K0)
    assert check(closed.closed_parts(), store).word == words.CLOSED


# Complete


@pytest.mark.parametrize(
    ("slots", "holes", "twice"),
    [
        pytest.param([(0, 50), (50, 50)], [], [], id="all there"),
        pytest.param([(0, 50), (60, 40)], [(50, 60)], [], id="a hole"),
        pytest.param([(0, 50), (40, 60)], [], [(40, 50)], id="twice"),
        pytest.param([(10, 90)], [(0, 10)], [], id="the beginning is gone"),
        pytest.param([(0, 90)], [(90, 99)], [], id="the end is gone"),
    ],
)
def test_every_slot_must_be_there_once(keys, slots, holes, twice):
    forge = Forge()
    forge.begin()
    for first, count in slots:
        forge.readings(first, box_series(count))
    forge.now_ms = forge.due_ms(99)
    forge.close()
    verdict = check(forge.closed_parts(), keys)
    assert [(one.first, one.end) for one in verdict.holes] == holes
    assert [(one.first, one.end) for one in verdict.twice] == twice
    assert verdict.word == (words.INCOMPLETE if holes or twice else words.CLOSED)


def test_a_stop_just_after_a_slot_does_not_ask_for_its_reading(keys):
    forge = Forge()
    forge.begin()
    forge.readings(0, box_series(10))
    forge.now_ms = forge.due_ms(10) + 5
    forge.close()
    assert check(forge.closed_parts(), keys).word == words.CLOSED


def test_each_channel_is_counted(keys):
    forge = Forge(channels=(TMP117, TMP117))
    forge.begin()
    forge.readings(0, box_series(20))
    forge.readings(0, box_series(19), channel=1)
    forge.close()
    verdict = check(forge.closed_parts(), keys)
    assert verdict.word == words.CLOSED
    forge = Forge(channels=(TMP117, TMP117))
    forge.begin()
    forge.readings(0, box_series(20))
    forge.readings(0, box_series(15), channel=1)
    forge.now_ms = forge.due_ms(19)
    forge.close()
    verdict = check(forge.closed_parts(), keys)
    assert [(one.channel, one.first, one.end) for one in verdict.holes] == [(1, 15, 19)]


def test_a_gap_of_thousands_of_years_costs_nothing(keys):
    forge = Forge()
    forge.begin()
    forge.frame(frames.GAP, 0, 0xFFFFFFF0, codes.GAP_LATE)
    forge.close()
    assert check(forge.closed_parts(), keys).coverage[0].gaps == 0xFFFFFFF0


def test_no_sector_at_all_is_parts_missing(keys):
    assert check(TrailParts(Forge().meta(status=None)), keys).word == words.INCOMPLETE


def test_all_readings_are_unsealed_before_the_first_tag_pending_ones_too(keys):
    forge = Forge()
    forge.arm()
    forge.begin()
    forge.readings(0, box_series(30))
    forge.pend(30, [640])
    verdict = check(forge.running_parts(live=False), keys)
    assert (verdict.word, verdict.unsealed) == (words.POWER_LOST, 31)
    assert [(one.sector, one.offset, one.text.partition(";")[0]) for one in verdict.unproven[1:]] == [
        (0, FRAMES_AT, "30 readings after the last seal or checkpoint"),
        (None, None, "1 reading not packed yet"),
    ]
