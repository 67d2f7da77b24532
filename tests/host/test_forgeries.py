"""Read-outs made by a forger who knows every key but those that the ratchet destroyed.

He holds the device's key of now, K(6), and all later ones, the plan, the receipt's text, every public key, and in one
case another host's signing key. The record is three sectors: checkpoints of the epochs 0, 1 and 3, seals of 2, 4, 5.

All kinds of forgery stand in this one file, so that a reader sees what is tried and what is not.
"""

from dataclasses import replace

import pytest

from celltrail.evidence import causes
from celltrail.evidence import verdict as words
from celltrail.evidence.trail import TrailParts
from celltrail_protocol import cbor, codes, frames, seals, series
from celltrail_protocol.records import FRAMES_AT, HEADER_AT, SEAL_A_AT, SEAL_CLOSED, SEAL_FULL, SECTOR_SIZE
from tests.host import thief
from tests.host.auditing import check, key_of, receipt_of, u32, with_sectors
from tests.host.forge import K0, START_UTC_MS, UID, Forge, a_plan, box_series, five_days

NOW = 6
# Where the tag of the checkpoint in sector 1 ends: what is wrong behind it begins there.
CHECKPOINTED = 1529
OTHER_UID = bytes.fromhex("e66118604b3f2a92")


@pytest.fixture
def armed(keys, closed):
    """The key store with the arm receipt, too."""
    keys.save_trip(UID, 3, K0, receipt_of(closed))
    return keys


def assert_altered(verdict, cause, sector=None, offset=None):
    """Altered, for this cause first of all, in this place; and its bytes in the file are named."""
    assert (verdict.word, verdict.exit_code) == (words.CHANGED, 1)
    first = verdict.faults[0]
    assert first.cause == cause, [one.line for one in verdict.faults]
    assert verdict.to_json()["cause"] == cause.name
    assert first.sector == sector, first.line
    if offset is not None:
        assert first.offset == offset
    if sector is not None:
        assert first.end_byte > first.first_byte >= 0
    return first


# Controls


@pytest.mark.parametrize("store", ["keys", "armed"])
def test_the_honest_record_is_closed(closed, store, request):
    verdict = check(closed.closed_parts(), request.getfixturevalue(store))
    assert (verdict.word, verdict.cause, verdict.faults) == (words.CLOSED, None, [])


def test_the_honest_record_of_a_running_trip_is_recording(running, armed):
    verdict = check(running.running_parts(), armed)
    assert (verdict.word, verdict.cause) == (words.RECORDING, None)


def test_the_tools_of_the_forger_change_nothing_by_themselves(closed, armed):
    one, two, three = closed.sealed
    assert thief.renumber(two, 41) == two
    assert thief.remake(closed.sealed, K0) == closed.sealed
    assert thief.remake(closed.sealed, key_of(3), first=1) == closed.sealed
    (frame, *_) = thief.frames_of(one, frames.CHECKPOINT)
    assert thief.recheck(one, frame, key_of(0)) == one
    assert thief.reseal(three, key_of(5)) == three
    (readings, *_) = thief.frames_of(two, frames.READINGS)
    assert thief.change_frame(two, readings, 0, two[readings[2] : readings[2] + 1]) == two


# Contents


def warmer(sector):
    """The first readings of a sector, lifted by 10 steps, in a frame that checks."""
    frame = thief.frames_of(sector, frames.READINGS)[0]
    _, _, start, end = frame
    values = series.decode(sector[start + 6 : end], sector[start + 5], series.BLOCK_READINGS)
    data = series.encode([value + 10 for value in values], values[0] + 10, series.BLOCK_READINGS)
    assert len(data) == end - start - 6
    return thief.change_frame(sector, frame, 6, data)


def test_a_reading_changed_and_its_frame_made_right_again(closed, armed):
    one, two, three = closed.sealed
    verdict = check(with_sectors(closed, [one, warmer(two), three]), armed)
    first = assert_altered(verdict, causes.TAG, 1, 0)
    assert first.text == "the checkpoint doesn't fit the bytes before it"
    assert two != warmer(two)


def test_clock_frames_changed(closed, armed):
    one, two, three = closed.sealed
    (frame,) = thief.frames_of(one, frames.CLOCK)
    later = (START_UTC_MS + 3_600_000).to_bytes(8, "little")
    verdict = check(with_sectors(closed, [thief.change_frame(one, frame, 10, later), two, three]), armed)
    assert_altered(verdict, causes.RECEIPT_CLOCK)
    tags = [finding for finding in verdict.faults if finding.cause == causes.TAG]
    assert (tags[0].sector, tags[0].offset) == (0, 0)
    assert "are 1 h apart" in verdict.faults[0].text


def test_frames_moved_to_another_page(closed, armed):
    one, two, three = closed.sealed
    first, other = thief.frames_of(two, frames.READINGS)[3], thief.frames_of(two, frames.READINGS)[7]
    assert first[0] // 256 != other[0] // 256
    moved = two
    for to, source in ((first, other), (other, first)):
        payload = two[source[2] : source[3]].ljust(to[3] - to[2], b"\0")[: to[3] - to[2]]
        moved = thief.put_frame(moved, to[0], frames.READINGS, payload)
    verdict = check(with_sectors(closed, [one, moved, three]), armed)
    assert verdict.word == words.CHANGED
    assert {finding.sector for finding in verdict.faults if finding.cause == causes.TAG} == {1}


def test_settings_exchanged_in_all_sectors(closed, armed):
    lax = five_days(settings=a_plan(alarms=[[0, 0, 0, 2048, 1800]], shock=[10_000, 1250, 50, 16, 48, 4]))
    remade = thief.remake(lax.sealed, key_of(NOW))
    first = assert_altered(check(with_sectors(lax, remade), armed), causes.RECEIPT_SETTINGS)
    assert first.text == "the settings are not those of the arm receipt"
    controlled = check(with_sectors(lax, lax.sealed), armed)
    assert controlled.cause == causes.RECEIPT_SETTINGS.name


# Keys of another epoch (compare CVE-2023-31439)


@pytest.mark.parametrize("later", [NOW, NOW + 1, NOW + 40])
@pytest.mark.parametrize("tells", [False, True], ids=["epoch of its place", "epoch of its key"])
def test_a_sector_resealed_with_a_later_key(closed, armed, later, tells):
    one, two, three = closed.sealed
    forged = thief.reseal(warmer(two), key_of(later), later if tells else None)
    three = thief.set_header(three, thief.PREV_TAG, forged[SEAL_A_AT + 28 :][:8])
    verdict = check(with_sectors(closed, [one, forged, three]), armed)
    first = assert_altered(verdict, causes.OTHER_EPOCH, 1, 0)
    assert first.text == f"the seal was made with the key of epoch {later} in the place of epoch 4"


@pytest.mark.parametrize("tells", [None, NOW], ids=["epoch of its place", "epoch of its key"])
def test_a_checkpoint_remade_with_a_later_key(closed, armed, tells):
    one, two, three = closed.sealed
    frame = thief.frames_of(one, frames.CHECKPOINT)[1]
    forged = thief.recheck(one, frame, key_of(NOW), tells)
    first = assert_altered(check(with_sectors(closed, [forged, two, three]), armed), causes.OTHER_EPOCH, 0, 609)
    assert first.text == f"the checkpoint was made with the key of epoch {NOW} in the place of epoch 1"


@pytest.mark.parametrize("store", ["keys", "armed"])
@pytest.mark.parametrize("tell_true", [None, NOW], ids=["epochs of their places", "epochs of their keys"])
def test_a_whole_record_remade_with_the_key_of_now(closed, store, tell_true, request):
    remade = thief.remake([warmer(one) for one in closed.sealed], key_of(NOW), tell_true=tell_true)
    verdict = check(with_sectors(closed, remade), request.getfixturevalue(store))
    first = assert_altered(verdict, causes.OTHER_EPOCH, 0, 0)
    assert "with the key of epoch 6 in the place of epoch 0" in first.text


def test_a_record_remade_from_the_middle_on(closed, armed):
    remade = thief.remake([closed.sealed[0], *map(warmer, closed.sealed[1:])], key_of(NOW), first=1)
    verdict = check(with_sectors(closed, remade), armed)
    assert_altered(verdict, causes.OTHER_EPOCH, 1, 0)
    assert (verdict.seals, verdict.checkpoints) == (1, 2)


def test_a_record_under_keys_that_are_none_of_the_trip(closed, armed):
    first = assert_altered(check(five_days(k0=bytes(32)).closed_parts(), armed), causes.NO_TAG_FITS)
    assert first.text == "no seal fits the key that this trip was armed with"


def test_epochs_skipped(closed, armed):
    """The middle of the last sector is gone, and what follows goes on with the key of now."""
    forge = Forge()
    forge.arm()
    forge.begin()
    forge.readings(0, box_series(120))
    forge.checkpoint()
    for _ in range(3):
        forge.next_key()
    forge.readings(120, box_series(120))
    forge.close()
    first = assert_altered(check(forge.closed_parts(), armed), causes.RECEIPT_SETTINGS)
    verdict = check(forge.closed_parts(), _store_of(armed, forge))
    first = assert_altered(verdict, causes.OTHER_EPOCH, 0, 650)
    assert first.text == "the seal was made with the key of epoch 4 in the place of epoch 1"
    assert any(finding.cause == causes.EPOCH_ORDER for finding in verdict.faults)


def _store_of(keys, forge):
    """The same store with this trip's own receipt."""
    keys.save_trip(UID, 3, K0, receipt_of(forge))
    return keys


# The end


def test_the_tail_removed(closed, armed):
    parts = with_sectors(closed, closed.sealed[:2], status={"trip": 3, "sectors": 2, "state": codes.STATE_STOPPED})
    verdict = check(parts, armed)
    assert (verdict.word, verdict.exit_code, verdict.cause) == (words.POWER_LOST, 1, causes.UNSEALED.name)
    assert (verdict.unproven[0].sector, verdict.unproven[0].offset) == (1, verdict.unproven[0].offset)


def test_the_tail_removed_while_the_read_out_tells_of_more(closed, armed):
    verdict = check(with_sectors(closed, closed.sealed[:2]), armed)
    assert (verdict.word, verdict.cause) == (words.INCOMPLETE, causes.SECTORS.name)
    assert verdict.faults[0].sector == 2


@pytest.mark.parametrize("now", [NOW, NOW + 3])
def test_the_tail_removed_and_a_live_proof_made_with_the_key_of_now(closed, armed, now):
    one, two, _ = closed.sealed
    cut = two[: thief.frames_of(two)[20][0]]
    tick = closed.due_ms(2)
    live = thief.live_for(key_of(now), 4, 1, cut, b"", tick=tick)
    status = {"trip": 3, "sectors": 2, "state": codes.STATE_LOGGING}
    parts = TrailParts(closed.meta(status=status), [(0, one)], (1, cut), None, live)
    first = assert_altered(check(parts, armed), causes.OTHER_EPOCH, 1, 0)
    assert first.text == f"the live proof was made with the key of epoch {now} in the place of epoch 4"
    honest = replace(parts, live=thief.live_for(key_of(4), 4, 1, cut, b"", tick=tick))
    assert check(honest, armed).live


def test_the_tail_removed_and_closed_again_with_the_key_of_now(closed, armed):
    one, two, _ = closed.sealed
    forged = thief.reseal(two, key_of(NOW), kind=SEAL_CLOSED)
    verdict = check(with_sectors(closed, [one, forged], status=None), armed)
    first = assert_altered(verdict, causes.OTHER_EPOCH, 1, CHECKPOINTED)
    assert "epoch 6 in the place of epoch 4" in first.text


def test_a_full_seal_turned_into_a_closing_one(closed, armed):
    one, two, _ = closed.sealed
    assert two[SEAL_A_AT + 12] == SEAL_FULL
    forged = thief.set_seal(two, 12, bytes([SEAL_CLOSED]))
    verdict = check(with_sectors(closed, [one, forged], status=None), armed)
    first = assert_altered(verdict, causes.TAG, 1, CHECKPOINTED)
    assert first.text == "the seal doesn't fit the bytes before it"


def test_readings_cut_out_of_the_pending_file(keys):
    forge = five_days(close=False)
    forge.pend(7200, [650])
    forge.pend(7201, [651])
    parts = forge.running_parts()
    assert check(parts, keys).word == words.RECORDING
    entry = 1 + parts.pending[0]
    first = assert_altered(check(replace(parts, pending=parts.pending[entry:]), keys), causes.LIVE, 2, 0)
    assert "pending readings" in first.text


def test_a_live_proof_of_an_older_read_out(keys):
    forge = five_days(close=False)
    older = forge.running_parts()
    forge.readings(7200, box_series(120))
    newer = forge.running_parts()
    assert check(newer, keys).word == words.RECORDING
    assert_altered(check(replace(newer, live=older.live), keys), causes.LIVE, 2, 0)


# Sectors


def test_a_sector_removed_and_the_others_renumbered(closed, armed):
    one, _, three = closed.sealed
    last = thief.set_header(thief.set_header(three, thief.INDEX, u32(1)), thief.PREV_TAG, one[SEAL_A_AT + 28 :][:8])
    first = assert_altered(check(with_sectors(closed, [one, last], status=None), armed), causes.TAG, 1, 0)
    assert first.text == "the seal doesn't fit the bytes before it"
    chained = thief.reseal(thief.set_header(last, thief.EPOCH, u32(3)), key_of(NOW), 3)
    assert_altered(check(with_sectors(closed, [one, chained], status=None), armed), causes.OTHER_EPOCH, 1, 0)


def test_two_sectors_swapped(closed, armed):
    one, two, three = closed.sealed
    first = assert_altered(check(with_sectors(closed, [two, one, three]), armed), causes.MOVED, 0, HEADER_AT)
    assert first.text == "the header says that this is sector 1, in the place of sector 0"


def test_two_sectors_swapped_with_their_headers_fixed(closed, armed):
    one, two, three = closed.sealed
    swapped = [thief.renumber(two, 40), thief.renumber(one, 41), three]
    swapped = [thief.set_header(sector, thief.INDEX, u32(index)) for index, sector in enumerate(swapped)]
    verdict = check(with_sectors(closed, swapped), armed)
    assert verdict.word == words.CHANGED
    assert 0 in {one.sector for one in verdict.faults if one.cause == causes.TAG}
    verdict = check(with_sectors(closed, thief.remake(swapped, key_of(NOW))), armed)
    assert (verdict.word, verdict.cause) == (words.CHANGED, causes.OTHER_EPOCH.name)
    assert 0 in {one.sector for one in verdict.faults if one.cause == causes.OTHER_EPOCH}


def test_a_sector_repeated(closed, armed):
    one, two, three = closed.sealed
    first = assert_altered(check(with_sectors(closed, [one, two, two, three]), armed), causes.REPEATED, 2, FRAMES_AT)
    assert first.text == "holds the same frames as sector 1"


def test_a_sector_repeated_with_its_header_fixed(closed, armed):
    one, two, three = closed.sealed
    again = thief.set_header(thief.renumber(two, 42), thief.INDEX, u32(2))
    last = thief.set_header(thief.renumber(three, 43), thief.INDEX, u32(3))
    verdict = check(with_sectors(closed, [one, two, again, last], status=None), armed)
    first = assert_altered(verdict, causes.TAG, 2, 0)
    assert first.text == "the checkpoint doesn't fit the bytes before it"
    assert any(finding.cause == causes.TWICE for finding in verdict.faults)


@pytest.mark.parametrize("fix_header", [False, True])
def test_a_sector_of_another_trip_of_the_same_logger(closed, armed, fix_header):
    one, two, three = closed.sealed
    other = five_days(trip=4).sealed[1]
    foreign = thief.set_header(other, thief.TRIP, u32(3)) if fix_header else other
    verdict = check(with_sectors(closed, [one, foreign, three]), armed)
    first = assert_altered(verdict, causes.FOREIGN_TRIP, 1, FRAMES_AT if fix_header else HEADER_AT)
    assert first.text.startswith("a sector of another trip: its ")
    assert first.text.endswith(" says 4, not 3")
    assert verdict.sectors_present == 2


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_sector_of_another_logger_with_the_same_trip_number(closed, armed, place):
    sectors = list(closed.sealed)
    sectors[place] = five_days(uid=OTHER_UID, k0=bytes(32)).sealed[place]
    first = assert_altered(check(with_sectors(closed, sectors), armed), causes.FOREIGN_DEVICE, place, FRAMES_AT)
    assert first.text == f"a sector of another logger: uid {OTHER_UID.hex()}, not {UID.hex()}"


def test_the_read_out_of_another_trip_renamed(closed, armed):
    other = five_days(trip=4)
    armed.save_trip(UID, 4, K0, receipt_of(other))
    assert check(other.closed_parts(), armed).word == words.CLOSED
    verdict = check(other.closed_parts(trip=3), armed)
    first = assert_altered(verdict, causes.OTHER_READ_OUT)
    assert first.text.startswith(f"the sectors are of trip 4 of logger {UID.hex()}, but")
    assert (first.first_byte, first.end_byte > 16) == (16, True)


def test_the_link_to_the_sector_before_forged(closed, armed):
    one, two, three = closed.sealed
    forged = thief.set_header(two, thief.PREV_TAG, bytes(8))
    verdict = check(with_sectors(closed, [one, forged, three]), armed)
    assert_altered(verdict, causes.TAG, 1, 0)
    chain = [finding for finding in verdict.faults if finding.cause == causes.CHAIN]
    assert [(one.sector, one.offset) for one in chain] == [(1, HEADER_AT)]
    assert chain[0].text == "the header doesn't follow from the seal of sector 0"


# The receipt


@pytest.mark.parametrize(
    ("changes", "cause", "text"),
    [
        ({"uid": OTHER_UID}, causes.RECEIPT_DEVICE, "of another logger: e66118604b3f2a92, not e66118604b3f2a91"),
        ({"trip": 4}, causes.RECEIPT_TRIP, "of another trip: 4, not 3"),
        ({"settings_hash": bytes(32)}, causes.RECEIPT_SETTINGS, "not those of the arm receipt"),
        ({"tick_ms": 5123 - 60_000 * 61}, causes.RECEIPT_CLOCK, "are 1 h 1 min apart"),
        ({"tick_ms": 5123 - 100}, causes.RECEIPT_CLOCK, "are 100 ms apart"),
    ],
)
def test_a_receipt_exchanged(closed, keys, changes, cause, text):
    keys.save_trip(UID, 3, K0, receipt_of(closed, **changes))
    first = assert_altered(check(closed.closed_parts(), keys), cause)
    assert first.text.endswith(text)


def test_a_receipt_within_the_uncertainties_is_none(closed, keys):
    keys.save_trip(UID, 3, K0, receipt_of(closed, tick_ms=5123 - 60))
    assert check(closed.closed_parts(), keys).word == words.CLOSED


def test_a_receipt_of_another_key(closed, keys):
    keys.save_trip(UID, 3, K0, receipt_of(closed, commitment=bytes(32)))
    verdict = check(closed.closed_parts(), keys)
    assert (verdict.word, verdict.exit_code, verdict.cause) == (words.UNCHECKED, 5, causes.KEY_OF_RECEIPT.name)
    assert verdict.intact is False


# Several parts of the file at once


def test_the_record_of_one_trip_under_the_read_out_record_of_another(closed, armed):
    other = five_days(trip=4, uid=OTHER_UID)
    parts = replace(closed.closed_parts(), meta=other.meta())
    assert_altered(check(parts, armed), causes.OTHER_READ_OUT)


def test_a_plan_frame_of_another_logger_in_all_sectors(closed, armed):
    """A stolen record given out as that of a logger which this host has armed, too."""
    armed.save_trip(OTHER_UID, 3, K0)
    forged = []
    for sector in closed.sealed:
        (plan, *_) = thief.frames_of(sector, frames.PLAN)
        forged.append(thief.change_frame(sector, plan, 5, OTHER_UID))
    verdict = check(with_sectors(closed, thief.remake(forged, key_of(NOW)), uid=OTHER_UID), armed)
    assert_altered(verdict, causes.OTHER_EPOCH, 0, 0)


def test_the_hash_in_the_plan_frames_alone_changed(closed, armed):
    lax = seals.sha256(cbor.dumps(a_plan())).digest()[:8]
    forged = []
    for sector in closed.sealed:
        (plan, *_) = thief.frames_of(sector, frames.PLAN)
        forged.append(thief.change_frame(sector, plan, 13, lax))
    verdict = check(with_sectors(closed, forged), armed)
    assert verdict.word == words.CHANGED
    assert {causes.RECEIPT_SETTINGS, causes.SETTINGS} <= {finding.cause for finding in verdict.faults}
    assert len(forged[0]) == SECTOR_SIZE
