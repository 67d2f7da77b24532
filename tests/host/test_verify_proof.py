import pytest

from celltrail.evidence import verdict as words
from celltrail.evidence.trail import TrailParts
from celltrail_protocol import frames, seals
from celltrail_protocol.records import FRAMES_AT, SEAL_A_AT, SEAL_B_AT, SECTOR_SIZE
from tests.host.auditing import changed, check, receipt_of, with_sectors
from tests.host.forge import K0, UID, Forge, box_series, five_days

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
    assert verdict.faults[0].text == "the seal was made with the key of epoch 2 in the place of epoch 1"


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
    keys.save_trip(UID, 3, K0, receipt_of(closed, settings_hash=bytes(32)))
    verdict = check(closed.closed_parts(), keys)
    assert verdict.word == words.CHANGED
    assert "arm receipt" in verdict.faults[0].text
    keys.save_trip(UID, 3, K0, receipt_of(closed))
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
