import pytest

from celltrail.evidence import causes, tags
from celltrail.evidence import verdict as words
from celltrail.keys.keystore import KeyStore
from celltrail.views.verdict_text import verdict_lines
from celltrail_protocol import seals
from tests.host import thief
from tests.host.auditing import changed, check, key_of, receipt_of, with_sectors
from tests.host.forge import K0, UID, Forge, box_series


def store_with(folder, key, receipt=None):
    store = KeyStore(folder / "other")
    store.save_trip(UID, 3, key, receipt)
    return store


# A key that is some epochs too new


@pytest.mark.parametrize("epoch", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("with_receipt", [False, True])
def test_a_key_that_is_too_new_accuses_nobody_and_proves_nothing(closed, tmp_path, epoch, with_receipt):
    store = store_with(tmp_path, key_of(epoch), receipt_of(closed) if with_receipt else None)
    verdict = check(closed.closed_parts(), store)
    assert (verdict.word, verdict.exit_code, verdict.intact, verdict.faults) == (words.UNCHECKED, 5, False, [])
    later = next(one for one in verdict.unproven if one.cause == causes.LATER_KEY)
    which = f"the {epoch} seals and checkpoints" if epoch > 1 else "the seal or checkpoint"
    assert later.text == f"the key at hand is that of epoch {epoch}, not K(0): {which} before it can't be checked"
    assert (later.sector, later.offset, later.first_byte is not None) == (0, 0, True)
    assert verdict.seals + verdict.checkpoints == 6 - epoch
    json = verdict.to_json()
    assert (json["untouched"]["answer"], json["untouched"]["first_epoch"]) == (None, epoch)
    assert with_receipt == any(one.cause == causes.KEY_OF_RECEIPT for one in verdict.unproven)


def test_the_key_of_now_fits_the_live_proof_alone(running, tmp_path):
    verdict = check(running.running_parts(), store_with(tmp_path, key_of(5)))
    assert (verdict.word, verdict.first_epoch, verdict.live) == (words.UNCHECKED, 5, True)


def test_a_key_that_is_too_new_still_finds_what_was_changed_behind_it(closed, tmp_path):
    one, two, three = closed.sealed
    verdict = check(with_sectors(closed, [one, two, changed(three, 700)]), store_with(tmp_path, key_of(1)))
    assert verdict.word == words.CHANGED
    assert {one.sector for one in verdict.of_kind(causes.ALTERED)} == {2}


def test_a_key_that_is_too_new_does_not_see_what_was_changed_before_it(closed, tmp_path):
    one, two, three = closed.sealed
    frame = thief.frames_of(one)[5]
    forged = thief.change_frame(one, frame, 22, b"\x01\x00")
    assert forged != one
    verdict = check(with_sectors(closed, [forged, two, three]), store_with(tmp_path, key_of(3)))
    assert verdict.word == words.UNCHECKED
    assert check(with_sectors(closed, [forged, two, three]), store_with(tmp_path / "right", K0)).word == words.CHANGED


def test_the_right_key_confirmed_by_its_receipt_is_never_taken_for_a_later_one(closed, keys):
    """All tags made with K(1) and so on: under K(0) with its receipt that is a forgery, whatever else it looks like."""
    keys.save_trip(UID, 3, K0, receipt_of(closed))
    verdict = check(with_sectors(closed, thief.remake(closed.sealed, key_of(1))), keys)
    assert (verdict.word, verdict.cause) == (words.CHANGED, causes.OTHER_EPOCH.name)


def test_a_forger_with_a_later_key_can_not_make_the_right_key_look_too_new(closed, keys):
    for tell_true in (None, 3):
        remade = thief.remake(closed.sealed, key_of(3), tell_true=tell_true)
        assert check(with_sectors(closed, remade), keys).word == words.CHANGED


def test_only_the_receipt_tells_a_false_epoch_from_a_later_key(closed, keys):
    """K(2) given out as K(3), the beginning cut off: it looks as if K(0) were K(1)."""
    parts = with_sectors(closed, thief.remake(closed.sealed[1:], key_of(2), tell_true=3), first=1)
    verdict = check(parts, keys)
    assert (verdict.word, verdict.first_epoch) == (words.INCOMPLETE, 1)
    keys.save_trip(UID, 3, K0, receipt_of(closed))
    verdict = check(parts, keys)
    assert (verdict.word, verdict.cause) == (words.CHANGED, causes.OTHER_EPOCH.name)


# The receipt's commitment


def test_a_key_that_is_not_the_one_of_the_arming_accuses_nobody(closed, tmp_path):
    verdict = check(closed.closed_parts(), store_with(tmp_path, bytes(32), receipt_of(closed)))
    assert (verdict.word, verdict.exit_code, verdict.cause) == (words.UNCHECKED, 5, causes.KEY_OF_RECEIPT.name)
    assert verdict.key_known is False
    assert verdict.unproven[0].text.startswith("the key at hand is not the one that this trip was armed with")


def test_without_any_key_the_reason_is_said(closed, tmp_path):
    verdict = check(closed.closed_parts(), KeyStore(tmp_path / "none"))
    assert (verdict.word, verdict.cause, verdict.complete) == (words.UNCHECKED, causes.NO_KEY.name, True)


# The search is bounded


def test_a_file_of_many_false_tags_is_judged_soon(keys, mocker):
    """All false tags together are looked for among some ten thousand keys, in up to three epochs each."""
    forge = Forge(k0=bytes(32))
    forge.begin()
    for slot in range(0, 2000, 10):
        forge.readings(slot, box_series(10))
        forge.checkpoint()
    forge.close()
    tried = mocker.patch("celltrail.evidence.epoch_search.tag_is_good", return_value=False)
    assert check(forge.closed_parts(), keys).word == words.CHANGED
    assert 20_000 < tried.call_count <= 3 * 20_000 + 8 * 203


def test_far_epochs_in_turn_are_judged_soon(keys, monkeypatch):
    """Tags that name far epochs and near ones: the ratchet is walked once, not for each of them."""
    walked = []
    monkeypatch.setattr(tags, "next_key", lambda key: walked.append(0) or seals.next_key(key))
    forge = Forge()
    forge.begin()
    for number in range(60):
        forge.epoch = 20_000 if number % 2 else 0
        forge.checkpoint()
    forge.close()
    assert check(forge.closed_parts(), keys).word == words.CHANGED
    assert len(walked) < 2 * 20_064 + 62 * 4 * 1024


# Words


def test_the_headline_says_which_key_it_was(closed, tmp_path):
    verdict = check(closed.closed_parts(), store_with(tmp_path, key_of(2)))
    first, *rest = verdict_lines(verdict)
    assert first == "NOT CHECKABLE: complete; not all seals checked: the key at hand is that of epoch 2, not K(0)"
    assert "  seals     3 seals and 1 checkpoint fit; those before epoch 2 not checked" in rest
    assert any(line.startswith("  unproven  sector 0, offset 0 (file bytes ") for line in rest)


def test_the_headline_says_that_the_key_is_another_one(closed, tmp_path):
    verdict = check(closed.closed_parts(), store_with(tmp_path, bytes(32), receipt_of(closed)))
    first, *rest = verdict_lines(verdict)
    told = "the key at hand is not the one that this trip was armed with"
    assert first == f"NOT CHECKABLE: complete; seals not checked: {told}"
    assert "  seals     not checked: the key at hand is another one" in rest
