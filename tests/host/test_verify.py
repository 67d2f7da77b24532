import random
from pathlib import Path

import pytest

from celltrail.errors import UsageFault
from celltrail.evidence import verdict as words
from celltrail.evidence.tags import MOST_EPOCH, Ladder
from celltrail.evidence.trail import TrailParts, parse_trail, trail_bytes
from celltrail.evidence.verify import check_trail, verify_file
from celltrail.keys.keystore import KeyStore
from celltrail.utc import iso
from celltrail_protocol import codes, frames, seals
from celltrail_protocol.records import FRAMES_AT, HEADER_AT, SEAL_A_AT, SEAL_B_AT, SECTOR_SIZE
from tests.host.forge import K0, START_UTC_MS, TMP117, UID, Forge, a_plan, box_series, five_days
from tests.host.test_keystore import a_receipt

NOWHERE = Path("a.trail")


@pytest.fixture
def keys(tmp_path):
    store = KeyStore(tmp_path / "keys")
    store.save_trip(UID, 3, K0)
    return store


@pytest.fixture(scope="module")
def closed():
    return five_days()


@pytest.fixture(scope="module")
def running():
    forge = five_days(close=False)
    forge.pend(7200, [650])
    return forge


def check(parts, keys):
    return check_trail(parse_trail(trail_bytes(parts), NOWHERE), keys).verdict


def with_sectors(forge, sectors, first=0):
    return TrailParts(forge.meta(), [(first, b"".join(sectors))])


def changed(sector, offset, mask=0x01):
    return sector[:offset] + bytes([sector[offset] ^ mask]) + sector[offset + 1 :]


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


# Attacks of someone who can write a sound file


def test_a_removed_end_is_not_closed(closed, keys):
    parts = TrailParts(closed.meta(status=None), [(0, closed.sealed[0] + closed.sealed[1])])
    assert check(parts, keys).word == words.POWER_LOST
    assert check(with_sectors(closed, closed.sealed[:2]), keys).word == words.INCOMPLETE


def test_swapped_sectors_are_altered(closed, keys):
    one, two, three = closed.sealed
    verdict = check(with_sectors(closed, [two, one, three]), keys)
    assert verdict.word == words.CHANGED
    assert verdict.faults[0].sector == 0


def test_a_forged_record_without_the_key_is_altered(closed, keys):
    verdict = check(five_days(k0=bytes(32)).closed_parts(), keys)
    assert verdict.word == words.CHANGED
    assert any("no seal fits the key that this trip was armed with" in finding.text for finding in verdict.faults)


def resealed_with_a_later_key(later):
    """Sector 1 made again by someone who has learnt a later key of the trip (CVE-2023-31439)."""
    honest = five_days()
    forge = five_days()
    key = K0
    epoch = int.from_bytes(forge.sealed[1][SEAL_A_AT + 8 : SEAL_A_AT + 12], "little")
    for _ in range(epoch + later):
        key = seals.next_key(key)
    thief = Forge(sequence=41)
    thief.sector = bytearray(changed(honest.sealed[1], 3900, 0))
    thief.sector[SEAL_B_AT:] = b"\xff" * (SECTOR_SIZE - SEAL_B_AT)
    found, _, used = frames.scan_all(thief.sector, FRAMES_AT, SEAL_B_AT, 41)
    thief.now_ms = int.from_bytes(honest.sealed[1][SEAL_A_AT + 20 : SEAL_A_AT + 28], "little")
    thief.last_end, thief.count, thief.key, thief.epoch = used, len(found), key, epoch + later
    thief.seal(0)
    return honest, thief.sealed[0]


@pytest.mark.parametrize("later", [1, 3])
def test_a_seal_under_a_later_key_is_refused(keys, later):
    honest, remade = resealed_with_a_later_key(later)
    verdict = check(with_sectors(honest, [honest.sealed[0], remade, honest.sealed[2]]), keys)
    assert verdict.word == words.CHANGED
    assert any("in this order it is" in finding.text and finding.sector == 1 for finding in verdict.faults)


def test_the_same_sector_under_its_own_key_is_the_control(keys):
    honest, remade = resealed_with_a_later_key(0)
    verdict = check(with_sectors(honest, [honest.sealed[0], remade, honest.sealed[2]]), keys)
    assert verdict.word == words.CLOSED


def test_a_checkpoint_that_skips_a_key_is_refused(keys):
    forge = Forge()
    forge.begin()
    forge.readings(0, box_series(30))
    forge.checkpoint()
    forge.next_key()
    forge.readings(30, box_series(30))
    forge.close()
    verdict = check(forge.closed_parts(), keys)
    assert verdict.word == words.CHANGED
    assert "the seal says epoch 2; in this order it is 1" in verdict.faults[0].text


@pytest.mark.parametrize(
    "change", [{"index": 1}, {"used": 5}, {"epoch": 9}, {"trip": 4}, {"nonce": bytes(16)}, {"mac": None}, {"tick": "x"}]
)
def test_a_live_proof_must_be_about_this_end(running, keys, change):
    parts = running.running_parts()
    parts.live.update(change)
    verdict = check(parts, keys)
    assert verdict.word == (words.RECORDING if "tick" in change else words.CHANGED)


def test_a_live_proof_covers_the_pending_readings(running, keys):
    parts = running.running_parts()
    verdict = check(TrailParts(parts.meta, parts.runs, parts.open_part, None, parts.live), keys)
    assert verdict.word == words.CHANGED


def test_a_live_proof_without_open_sector_is_altered(running, keys):
    parts = running.running_parts()
    assert check(TrailParts(parts.meta, parts.runs, None, None, parts.live), keys).word == words.CHANGED


def test_other_settings_than_the_receipt_says_are_altered(closed, keys):
    keys.save_trip(UID, 3, K0, a_receipt(settings_hash=bytes(32)))
    verdict = check(closed.closed_parts(), keys)
    assert verdict.word == words.CHANGED
    assert "arm receipt" in verdict.faults[0].text
    right = seals.sha256(closed.settings).digest()
    keys.save_trip(UID, 3, K0, a_receipt(settings_hash=right))
    assert check(closed.closed_parts(), keys).word == words.CLOSED


def test_a_read_out_that_names_another_logger_is_altered(closed, keys):
    assert check(closed.closed_parts(uid=bytes(8)), keys).word == words.CHANGED


def test_more_after_the_closing_seal_is_altered(keys):
    forge = Forge()
    forge.begin()
    forge.readings(0, box_series(30))
    forge.close()
    forge.open_sector()
    forge.readings(30, box_series(30))
    assert check(forge.running_parts(), keys).word == words.CHANGED


def test_a_sector_of_another_trip_is_altered(closed, keys):
    other = five_days(trip=4)
    verdict = check(with_sectors(closed, [closed.sealed[0], other.sealed[1], closed.sealed[2]]), keys)
    assert verdict.word == words.CHANGED
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
    receipt = a_receipt(plan=settings, settings_hash=seals.sha256(forge.settings).digest())
    keys.save_trip(UID, 3, K0, receipt)
    verdict = check(with_sectors(forge, forge.sealed[1:], first=1), keys)
    assert verdict.word == words.INCOMPLETE
    assert "sector 0 is missing; the plan lets the logger overwrite its oldest" in verdict.faults[0].text
    assert (verdict.seals, verdict.sectors_expected) == (2, 3)


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


# Every byte counts


def sampled(length, count, seed, edge=400):
    """All of the first and last bytes, and others by chance, each with a change of one to eight bits."""
    chance = random.Random(seed)
    places = [*range(min(edge, length)), *range(max(0, length - edge), length)]
    places += chance.choices(range(length), k=max(0, count - len(places)))
    return [(place, chance.randrange(1, 256)) for place in places]


@pytest.mark.parametrize("kind", ["closed", "running"])
def test_no_changed_byte_of_a_file_passes_for_intact(kind, keys, request):
    forge = request.getfixturevalue(kind)
    good = trail_bytes(forge.closed_parts() if kind == "closed" else forge.running_parts())
    assert check_trail(parse_trail(good, NOWHERE), keys).verdict.intact
    for place, mask in sampled(len(good), 2100, seed=kind):
        verdict = check_trail(parse_trail(changed(good, place, mask), NOWHERE), keys).verdict
        assert not verdict.intact, place
        named = [finding for finding in verdict.faults if finding.first_byte is not None]
        assert any(one.first_byte <= place < max(one.end_byte, one.first_byte + 1) for one in named), place


@pytest.mark.parametrize("kind", ["closed", "running"])
def test_no_changed_byte_of_a_sector_passes_even_in_a_sound_file(kind, keys, request):
    forge = request.getfixturevalue(kind)
    parts = forge.closed_parts() if kind == "closed" else forge.running_parts()
    record = b"".join(data for _, data in parts.runs)
    for place, mask in sampled(len(record), 500, kind, edge=140):
        runs = [(0, changed(record, place, mask))]
        verdict = check(TrailParts(parts.meta, runs, parts.open_part, parts.pending, parts.live), keys)
        assert not verdict.intact, place
        assert place // SECTOR_SIZE in {finding.sector for finding in verdict.faults}, place
    for place, mask in sampled(len(parts.open_part[1]), 200, kind, edge=70) if parts.open_part else []:
        data = changed(parts.open_part[1], place, mask)
        verdict = check(TrailParts(parts.meta, parts.runs, (parts.open_part[0], data), parts.pending, parts.live), keys)
        assert not verdict.intact, place


def test_without_a_key_a_changed_header_and_a_changed_link_are_still_found(closed):
    for offset in (HEADER_AT + 9, HEADER_AT + 37):
        verdict = check(
            with_sectors(closed, [closed.sealed[0], changed(closed.sealed[1], offset), closed.sealed[2]]), None
        )
        assert verdict.word == words.CHANGED


# Files


def test_a_file_that_is_none_is_a_usage_fault(tmp_path, keys):
    for content, told in ((b"", "empty"), (b"PK\x03\x04" + bytes(600), "not a .trail")):
        path = tmp_path / "x.trail"
        path.write_bytes(content)
        with pytest.raises(UsageFault, match=told):
            verify_file(path, keys)


@pytest.mark.parametrize("length", [12, 40, 300, 5000, 9000, -1, -44, -45, -100])
def test_a_cut_file_is_named_and_never_intact(tmp_path, keys, closed, length):
    path = tmp_path / "x.trail"
    path.write_bytes(trail_bytes(closed.closed_parts())[:length])
    verdict = verify_file(path, keys)
    assert verdict.word in (words.INCOMPLETE, words.CHANGED)
    assert any("cut off" in finding.text for finding in verdict.faults)


def test_pending_readings_behind_a_closing_seal_are_nobodys(closed, keys):
    pending = bytes([6]) + (7200).to_bytes(4, "little") + (9999).to_bytes(2, "little")
    parts = TrailParts(closed.meta(), [(0, b"".join(closed.sealed))], pending=pending)
    assert check(parts, keys).word == words.ALTERED


def test_the_failed_place_of_a_seal_is_zeros(closed, keys):
    *before, last = closed.sealed
    moved = last[:SEAL_B_AT] + last[SEAL_A_AT:] + bytes(SECTOR_SIZE - SEAL_A_AT)
    assert check(with_sectors(closed, [*before, moved]), keys).word == words.CLOSED
    assert check(with_sectors(closed, [*before, changed(moved, SEAL_A_AT + 9)]), keys).word == words.ALTERED


def test_epochs_that_jump_to_and_fro_end_soon():
    ladder = Ladder(K0)
    keys = [ladder.key(epoch) for _ in range(20) for epoch in (MOST_EPOCH, 0)]
    assert keys[0] == keys[2]
    assert keys[-2] == b""
    assert ladder.key(MOST_EPOCH + 1) == b""
