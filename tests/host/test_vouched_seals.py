"""A worn-out page takes no seal, and the next header vouches for its sector: what that proves, and what not."""

from dataclasses import replace

import pytest

from celltrail.evidence import causes
from celltrail.evidence import verdict as words
from celltrail.evidence.trail import TrailParts, trail_bytes
from celltrail.evidence.verify import verify_file
from celltrail.keys.keystore import KeyStore
from celltrail_protocol import frames
from celltrail_protocol.records import HEADER_AT, SEAL_A_AT, SEAL_B_AT, SEAL_FULL, SECTOR_SIZE
from tests.host import thief
from tests.host.auditing import check, key_of, u32, with_sectors
from tests.host.forge import UID, Forge, box_series, five_days

BLANK = b"\xff" * (SECTOR_SIZE - SEAL_B_AT)
# The key after that of the closing seal: who opens the logger has none before it.
NOW = 7


@pytest.fixture(scope="module")
def worn():
    """Three sectors of five days; no page took the seal of the second."""
    return five_days(worn=(1,))


def found(verdict, cause):
    """The findings of a cause."""
    return [one for one in verdict.findings if one.cause == cause]


def assert_altered(verdict, cause, sector, offset=None):
    """Altered, for this cause first of all, in this place."""
    assert (verdict.word, verdict.exit_code) == (words.CHANGED, 1)
    first = verdict.faults[0]
    assert (first.cause, first.sector) == (cause, sector), [one.line for one in verdict.faults]
    assert offset is None or first.offset == offset
    assert not found(verdict, causes.SEAL_VOUCHED)
    return first


# What is honest


def test_a_sector_that_the_next_header_vouches_for_is_no_fault(worn, keys):
    verdict = check(worn.closed_parts(), keys)
    assert (verdict.word, verdict.exit_code, verdict.cause) == (words.CLOSED, 0, None)
    assert (verdict.seals, verdict.checkpoints, verdict.unsealed) == (3, 3, 0)
    (note,) = verdict.findings
    assert (note.cause, note.sector, note.offset) == (causes.SEAL_VOUCHED, 1, SEAL_B_AT)
    assert note.text == "the flash took no seal here; the header of sector 2 vouches for it"
    assert note.end_byte - note.first_byte == 128
    assert worn.sealed[1][SEAL_B_AT:] == BLANK


def test_so_may_all_sectors_and_the_closing_seal_takes_one_more(keys):
    forge = five_days(worn=(0, 1, 2, 3))
    verdict = check(forge.closed_parts(), keys)
    assert (verdict.word, verdict.sectors_present, verdict.seals) == (words.CLOSED, 5, 5)
    assert [one.sector for one in found(verdict, causes.SEAL_VOUCHED)] == [0, 1, 2, 3]
    assert verdict.end_reason == "command"


def with_places(worn, keys, place):
    """The verdict on a record whose second sector has these bytes in the places of its seal."""
    one, two, three = worn.sealed
    return check(with_sectors(worn, [one, two[:SEAL_B_AT] + place, three]), keys)


@pytest.mark.parametrize("place", [bytes(128), BLANK[:64] + bytes(64)])
def test_the_places_of_the_seal_are_blank_or_zeros(worn, keys, place):
    verdict = with_places(worn, keys, place)
    assert (verdict.word, [one.cause for one in verdict.findings]) == (words.CLOSED, [causes.SEAL_VOUCHED])


def test_or_zeros_but_for_some_bits_that_are_worn(worn, keys):
    verdict = with_places(worn, keys, bytes(60) + b"\x10" + bytes(67))
    assert verdict.word == words.CLOSED
    assert {one.cause for one in verdict.findings} == {causes.SEAL_VOUCHED, causes.PLACE_WORN}


def test_what_else_lies_there_was_a_seal_and_was_changed(worn, keys):
    verdict = with_places(worn, keys, bytes(64) + b"CTE1" + bytes(range(60)))
    assert_altered(verdict, causes.SEAL_MISSING, 1, SEAL_A_AT)


def test_the_header_of_an_open_sector_vouches_as_well(keys):
    forge = five_days(close=False, worn=(0, 1))
    verdict = check(forge.running_parts(), keys)
    assert (verdict.word, verdict.seals) == (words.RECORDING, 2)
    lost = check(forge.running_parts(live=False, status=None), keys)
    assert (lost.word, lost.seals, lost.unproven[0].sector) == (words.POWER_LOST, 2, 2)


def test_without_a_key_the_headers_alone_are_held_against_each_other(worn):
    verdict = check(worn.closed_parts(), None)
    assert (verdict.word, verdict.exit_code) == (words.UNCHECKED, 5)
    assert len(found(verdict, causes.SEAL_VOUCHED)) == 1
    one, two, three = worn.sealed
    skipped = thief.set_header(three, thief.EPOCH, u32(6))
    assert_altered(check(with_sectors(worn, [one, two, skipped]), None), causes.EPOCH_ORDER, 2, HEADER_AT)


@pytest.mark.parametrize(("epoch", "good"), [(4, 2), (5, 1)])
def test_with_a_later_key_it_is_one_of_the_seals_that_cannot_be_checked(worn, tmp_path, epoch, good):
    keys = KeyStore(tmp_path / "later")
    keys.save_trip(UID, 3, key_of(epoch))
    verdict = check(worn.closed_parts(), keys)
    assert (verdict.word, verdict.cause, verdict.seals) == (words.UNCHECKED, causes.LATER_KEY.name, good)
    assert len(found(verdict, causes.SEAL_VOUCHED)) == 1


def test_damaged_frames_behind_the_last_one_are_not_counted(keys):
    """A page that took no frame, and no zeros either: the sector is full there."""
    forge = Forge(worn=(0,))
    forge.begin()
    forge.readings(0, box_series(30))
    forge.sector[2048:2060] = b"\x30\x10\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
    page = forge.sector[:]
    for at in range(-(-forge.used // 256) * 256, 2048, 256):
        page[at] = 0
    forge.sector = page
    forge.roll()
    forge.readings(30, box_series(30))
    forge.close()
    verdict = check(forge.closed_parts(), keys)
    assert verdict.word == words.CLOSED
    assert [one.cause for one in verdict.findings] == [causes.SEAL_VOUCHED, causes.TORN]


# What a forger would like


@pytest.mark.parametrize("place", [BLANK, bytes(128)], ids=["blank", "zeros"])
@pytest.mark.parametrize("gone", [0, 1])
def test_a_seal_that_was_there_can_not_be_taken_away(closed, keys, gone, place):
    sectors = list(closed.sealed)
    sectors[gone] = sectors[gone][:SEAL_B_AT] + place
    first = assert_altered(check(with_sectors(closed, sectors), keys), causes.SEAL_MISSING, gone, SEAL_A_AT)
    assert first.text == f"the seal is missing or doesn't check, and the header of sector {gone + 1} vouches for none"


def test_nor_with_all_that_follows(closed, keys):
    one, two, _ = closed.sealed
    cut = two[:SEAL_B_AT] + BLANK
    verdict = check(with_sectors(closed, [one, cut], status=None), keys)
    assert (verdict.word, verdict.exit_code, verdict.cause) == (words.POWER_LOST, 1, causes.UNSEALED.name)
    assert verdict.unsealed > 0
    assert check(with_sectors(closed, [one, cut]), keys).word == words.INCOMPLETE


def test_the_last_sector_without_a_header_behind_it_is_where_the_proof_ends(worn, keys):
    verdict = check(with_sectors(worn, worn.sealed[:2], status=None), keys)
    assert (verdict.word, verdict.seals) == (words.POWER_LOST, 1)
    assert not found(verdict, causes.SEAL_VOUCHED)


def test_without_the_sector_that_vouches_parts_are_missing(worn, keys):
    forge = five_days(worn=(0,))
    one, _, three = forge.sealed
    parts = TrailParts(forge.meta(), [(0, one), (2, three)])
    verdict = check(parts, keys)
    assert (verdict.word, verdict.cause) == (words.INCOMPLETE, causes.SECTORS.name)
    (finding,) = found(verdict, causes.UNSEALED)
    assert finding.sector == 0
    assert finding.text.endswith("is missing")


def vouched_again(sector, following, key, epoch=None, tick_ms=None):
    """The following sector, its header vouching for `sector` under some key, epoch and tick."""
    tick = int.from_bytes(sector[HEADER_AT + 24 : HEADER_AT + 32], "little") if tick_ms is None else tick_ms
    said = thief.header_u32(following, thief.EPOCH) - 1 if epoch is None else epoch
    forge = Forge(sequence=thief.header_u32(sector, thief.SEQUENCE))
    forge.sector, forge.key, forge.epoch = bytearray(sector), key, said
    listed = thief.frames_of(sector)
    forge.last_end, forge.count = listed[-1][3] + 4, len(listed)
    link = forge.seal_fields(SEAL_FULL, tick)[1][:8]
    return thief.set_header(thief.set_header(following, thief.PREV_TAG, link), thief.EPOCH, u32(said + 1))


def test_the_forgers_tool_changes_nothing_by_itself(worn):
    assert vouched_again(worn.sealed[1], worn.sealed[2], key_of(4)) == worn.sealed[2]


def test_the_tick_is_that_of_the_sectors_own_header(worn, keys):
    one, two, three = worn.sealed
    for tick_ms in (0, int.from_bytes(three[HEADER_AT + 24 : HEADER_AT + 32], "little")):
        forged = vouched_again(two, three, key_of(4), tick_ms=tick_ms)
        assert forged != three
        for last in (forged, thief.reseal(forged, key_of(5))):
            assert_altered(check(with_sectors(worn, [one, two, last]), keys), causes.SEAL_MISSING, 1)


@pytest.mark.parametrize("epoch", [3, 5])
def test_an_epoch_used_twice_or_skipped(worn, keys, epoch):
    """Made with the keys of those epochs, as a logger would that has lost its count."""
    one, two, three = worn.sealed
    forged = vouched_again(two, three, key_of(epoch), epoch)
    forged = thief.reseal(forged, key_of(epoch + 1), epoch + 1)
    verdict = check(with_sectors(worn, [one, two, forged]), keys)
    first = assert_altered(verdict, causes.OTHER_EPOCH, 1)
    assert f"vouches for was made with the key of epoch {epoch} in the place of epoch 4" in first.text
    (order,) = found(verdict, causes.EPOCH_ORDER)
    assert (order.sector, order.offset) == (2, HEADER_AT)
    assert order.text == f"the header says epoch {epoch + 1}, but the seal before it would be of epoch 4"


def test_an_epoch_that_only_the_header_tells(worn, keys):
    one, two, three = worn.sealed
    for epoch in (0, 4, 6, 1 << 30):
        forged = thief.set_header(three, thief.EPOCH, u32(epoch))
        assert check(with_sectors(worn, [one, two, forged]), keys).word == words.CHANGED
        assert check(with_sectors(worn, [one, two, forged]), None).word == words.CHANGED


def test_contents_changed_and_vouched_for_with_the_key_of_now(worn, keys):
    one, two, three = worn.sealed
    frame = thief.frames_of(two, frames.READINGS)[0]
    warmer = thief.change_frame(two, frame, 6, bytes([two[frame[2] + 6] ^ 1]))
    # A checkpoint covers the readings as well, so it is made again, too.
    (checkpoint, *_) = thief.frames_of(warmer, frames.CHECKPOINT)
    warmer = thief.recheck(warmer, checkpoint, key_of(NOW))
    forged = thief.reseal(vouched_again(warmer, three, key_of(NOW)), key_of(NOW + 1))
    assert_altered(check(with_sectors(worn, [one, warmer, forged]), keys), causes.OTHER_EPOCH, 1, 0)
    assert_altered(check(with_sectors(worn, [one, warmer, three]), keys), causes.OTHER_EPOCH, 1, 0)


def test_a_sealed_record_remade_as_one_without_seals(closed, keys):
    """All seals dropped, all headers vouching, with the key of now: each is of a later epoch than its place."""
    made = [closed.sealed[0]]
    for following in closed.sealed[1:]:
        made[-1] = made[-1][:SEAL_B_AT] + BLANK
        made.append(vouched_again(made[-1], following, key_of(NOW)))
    verdict = check(with_sectors(closed, made), keys)
    first = assert_altered(verdict, causes.OTHER_EPOCH, 0)
    assert f"was made with the key of epoch {NOW} in the place of epoch 2" in first.text


@pytest.mark.parametrize("at", [HEADER_AT + thief.PREV_TAG, HEADER_AT + thief.PREV_TAG + 7])
def test_the_link_changed(worn, keys, at):
    one, two, three = worn.sealed
    value = bytes([three[at] ^ 0x40])
    forged = thief.set_header(three, at - HEADER_AT, value)
    verdict = check(with_sectors(worn, [one, two, forged]), keys)
    assert_altered(verdict, causes.SEAL_MISSING, 1, SEAL_A_AT)
    assert [finding.sector for finding in found(verdict, causes.TAG)] == [2]
    blind = thief.set_header(three, thief.PREV_TAG, bytes(8))
    assert_altered(check(with_sectors(worn, [one, two, blind]), None), causes.SEAL_MISSING, 1)


def test_the_end_of_a_vouched_sector_moved_behind_the_vouching_header(worn, keys):
    """Frames taken out of the end of the sector: the tag counts frames and the offset after the last."""
    one, two, three = worn.sealed
    last = thief.frames_of(two)[-1]
    cut = two[: last[0]] + b"\xff" * (last[3] + 4 - last[0]) + two[last[3] + 4 :]
    assert_altered(check(with_sectors(worn, [one, cut, three]), keys), causes.SEAL_MISSING, 1)


def test_a_record_under_other_keys_is_told_in_one_sentence(worn, keys):
    other = five_days(worn=(1,), k0=bytes(32))
    first = assert_altered(check(other.closed_parts(), keys), causes.NO_TAG_FITS, None)
    assert first.text == "no seal fits the key that this trip was armed with"


def test_what_was_vouched_for_once_is_known_the_next_time(tmp_path, worn, keys):
    path = tmp_path / "a.trail"
    path.write_bytes(trail_bytes(worn.closed_parts()))
    assert verify_file(path, keys).word == words.CLOSED
    other = five_days(worn=(1,), uid=UID)
    one, two, three = other.sealed
    link = bytes(range(8))
    forged = thief.set_header(three, thief.PREV_TAG, link)
    verdict = check(with_sectors(other, [one, two, forged], status=None), keys)
    assert 1 in [finding.sector for finding in found(verdict, causes.OTHER_CONTENT)]


def test_a_live_proof_follows_the_epoch_of_the_vouched_seal(keys):
    forge = five_days(close=False, worn=(1,))
    parts = forge.running_parts()
    assert parts.live["epoch"] == forge.epoch
    wrong = thief.live_for(key_of(forge.epoch - 1), forge.epoch - 1, forge.index, parts.open_part[1], b"", tick=0)
    assert check(replace(parts, live=wrong), keys).word == words.CHANGED
