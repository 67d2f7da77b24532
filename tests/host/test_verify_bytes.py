import random

import pytest

from celltrail.errors import UsageFault
from celltrail.evidence import causes, tags
from celltrail.evidence import verdict as words
from celltrail.evidence.tags import MOST_EPOCH, Ladder
from celltrail.evidence.trail import TrailParts, parse_trail, trail_bytes
from celltrail.evidence.verify import check_trail, verify_file
from celltrail_protocol.records import HEADER_AT, SEAL_A_AT, SEAL_B_AT, SECTOR_SIZE
from tests.host.auditing import NOWHERE, changed, check, key_of, with_sectors
from tests.host.forge import K0

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
    for place, mask in sampled(len(good), 1300, seed=kind):
        verdict = check_trail(parse_trail(changed(good, place, mask), NOWHERE), keys).verdict
        assert not verdict.intact, place
        named = [finding for finding in verdict.faults if finding.first_byte is not None]
        assert any(one.first_byte <= place < max(one.end_byte, one.first_byte + 1) for one in named), place


@pytest.mark.parametrize("kind", ["closed", "running"])
def test_no_changed_byte_of_a_sector_passes_even_in_a_sound_file(kind, keys, request):
    forge = request.getfixturevalue(kind)
    parts = forge.closed_parts() if kind == "closed" else forge.running_parts()
    record = b"".join(data for _, data in parts.runs)
    for place, mask in sampled(len(record), 360, kind, edge=140):
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
    blank = moved[:SEAL_A_AT] + b"\xff" * (SECTOR_SIZE - SEAL_A_AT)
    for forged in (blank, last[:SEAL_B_AT] + 2 * last[SEAL_A_AT:-1] + b"\0\0"):
        assert check(with_sectors(closed, [*before, forged]), keys).word == words.ALTERED


def test_some_bits_of_the_failed_place_may_be_worn(closed, keys):
    *before, last = closed.sealed
    moved = last[:SEAL_B_AT] + last[SEAL_A_AT:] + bytes(SECTOR_SIZE - SEAL_A_AT)
    verdict = check(with_sectors(closed, [*before, changed(moved, SEAL_A_AT + 9)]), keys)
    assert verdict.word == words.CLOSED
    assert [(one.cause, one.sector, one.offset) for one in verdict.findings] == [(causes.PLACE_WORN, 2, SEAL_A_AT)]


def test_a_ladder_gives_the_same_keys_in_any_order():
    ladder, epochs = Ladder(K0), [0, 5, 3, 2100, 2048, 2047, 1, 2100, 0]
    assert [ladder.key(epoch) for epoch in epochs] == [key_of(epoch) for epoch in epochs]
    later = Ladder(key_of(1500), 1500)
    assert [later.key(epoch) for epoch in (2100, 1500, 2047, 1501)] == [key_of(one) for one in (2100, 1500, 2047, 1501)]
    assert (later.key(1499), later.key(MOST_EPOCH + 1)) == (b"", b"")


def test_epochs_that_jump_to_and_fro_end_soon(monkeypatch):
    monkeypatch.setattr(tags, "_MOST_STEPS", 5000)
    ladder = Ladder(K0)
    keys = [ladder.key(epoch) for _ in range(8) for epoch in (1023, 0)]
    assert keys[0] == keys[6] == key_of(1023)
    assert keys[-2] == b""
    assert ladder.key(MOST_EPOCH + 1) == b""
