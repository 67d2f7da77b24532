"""Causes that no forgery test asks for, and that each has a name of its own."""

from dataclasses import replace

import pytest

from celltrail.evidence import causes
from celltrail.evidence import verdict as words
from celltrail.evidence.trail import trail_bytes
from celltrail.keys.contacts import add_signer
from celltrail.keys.ed25519 import Signer
from celltrail_protocol import frames
from celltrail_protocol.records import FRAMES_AT, HEADER_AT, SEAL_A_AT, SEAL_B_AT, SECTOR_SIZE
from tests.host import thief
from tests.host.auditing import changed, check, receipt_of, with_sectors
from tests.host.forge import K0, UID, Forge, box_series


def test_every_cause_has_a_name_of_its_own_and_a_kind():
    names = [one.name for one in causes.ALL]
    assert len(set(names)) == len(names) == len(causes.RANK) > 40
    assert {one.kind for one in causes.ALL} == {causes.ALTERED, causes.MISSING, causes.UNPROVEN, causes.NOTE}


def found(verdict, cause):
    """The findings of a cause."""
    return [one for one in verdict.findings if one.cause == cause]


@pytest.mark.parametrize(
    ("offset", "cause", "place"),
    [
        (HEADER_AT + 5, causes.HEADER, HEADER_AT),
        (SEAL_A_AT + 30, causes.SEAL_MISSING, SEAL_A_AT),
        (SEAL_B_AT + 3, causes.PLACE, SEAL_B_AT),
        (700, causes.FRAME, 622),
    ],
)
def test_a_changed_byte_of_a_sector(closed, keys, offset, cause, place):
    one, two, three = closed.sealed
    verdict = check(with_sectors(closed, [one, changed(two, offset), three]), keys)
    assert verdict.word == words.CHANGED
    (finding, *_) = found(verdict, cause)
    assert (finding.sector, finding.offset) == (1, place)
    assert finding.end_byte > finding.first_byte


def test_more_after_the_closing_seal(keys):
    forge = Forge()
    forge.begin()
    forge.readings(0, box_series(30))
    forge.close()
    forge.open_sector()
    forge.readings(30, box_series(30))
    (finding,) = found(check(forge.running_parts(), keys), causes.AFTER_CLOSE)
    assert (finding.sector, finding.offset) == (0, SEAL_A_AT)


def test_slots_without_anything(keys):
    forge = Forge()
    forge.begin()
    forge.readings(0, box_series(30))
    forge.readings(40, box_series(30))
    forge.close()
    verdict = check(forge.closed_parts(), keys)
    assert (verdict.word, verdict.cause) == (words.INCOMPLETE, causes.SLOTS.name)


def test_a_torn_frame_and_a_missing_plan_frame_are_notes(keys):
    forge = Forge()
    plan = forge.sector[FRAMES_AT]
    forge.sector[FRAMES_AT : FRAMES_AT + plan] = b"\x30\x10".ljust(plan, b"\x01")
    forge.used = 256
    forge.put(frames.PLAN, forge.plan_payload())
    forge.count = 1
    forge.close()
    verdict = check(forge.closed_parts(), keys)
    assert verdict.word == words.CLOSED
    assert found(verdict, causes.TORN)[0].offset == FRAMES_AT
    assert not found(verdict, causes.NO_PLAN)
    forge = Forge()
    forge.sector[FRAMES_AT:] = b"\xff" * (SECTOR_SIZE - FRAMES_AT)
    forge.used, forge.count = FRAMES_AT, 0
    forge.close()
    assert found(check(forge.closed_parts(), keys), causes.NO_PLAN)[0].offset == FRAMES_AT


def test_a_damaged_pending_reading_is_a_note(running, keys):
    parts = running.running_parts()
    cut = replace(parts, pending=parts.pending[:-1], live=None)
    assert found(check(cut, keys), causes.PENDING)[0].offset == 0


@pytest.mark.parametrize(
    ("firmware", "noted"), [("0.1.0", False), ("0.2.0", True), (None, False), ("0.1\n", True)], ids=repr
)
def test_another_firmware_than_at_arming_is_a_note(closed, keys, firmware, noted):
    keys.save_trip(UID, 3, K0, receipt_of(closed))
    status = {"trip": 3, "sectors": 3, "fw": firmware}
    verdict = check(closed.closed_parts(status=status), keys)
    assert verdict.word == words.CLOSED
    assert bool(found(verdict, causes.FIRMWARE)) == noted
    assert all(one.text.isprintable() for one in verdict.findings)


def test_who_signed_the_receipt_is_a_note_unless_known(closed, keys):
    signer = Signer.of(bytes(32))
    keys.save_trip(UID, 3, K0, receipt_of(closed))
    assert found(check(closed.closed_parts(), keys), causes.RECEIPT_UNSIGNED)
    keys.save_trip(UID, 3, K0, receipt_of(closed).signed_by(signer))
    (finding,) = found(check(closed.closed_parts(), keys), causes.RECEIPT_SIGNER)
    assert signer.public.hex() in finding.text
    add_signer(keys, "Leipzig", signer.public.hex())
    assert check(closed.closed_parts(), keys).findings == ()


def test_the_places_of_findings_are_those_of_the_file(closed, keys):
    one, two, three = closed.sealed
    parts = with_sectors(closed, [one, thief.set_header(two, thief.EPOCH, bytes(4)), three])
    data = trail_bytes(parts)
    (finding, *_) = found(check(parts, keys), causes.EPOCH_ORDER)
    assert data[finding.first_byte : finding.first_byte + 4] == b"CTS1"
    assert finding.end_byte - finding.first_byte == 48
