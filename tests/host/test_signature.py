"""Who read it out, and has it changed since? For somebody who holds no secret."""

import json
from dataclasses import replace

import pytest

from celltrail.cli.main import run
from celltrail.errors import UsageFault
from celltrail.evidence import causes
from celltrail.evidence import verdict as words
from celltrail.evidence.signature import public_keys, signing
from celltrail.evidence.trail import parse_trail, read_trail, trail_bytes, write_trail
from celltrail.evidence.verify import check_trail
from celltrail.keys.contacts import add_signer
from celltrail.keys.ed25519 import Signer
from celltrail.keys.keystore import KeyStore
from celltrail.operate import signing as operate_signing
from celltrail.operate.signing import write_signed
from tests.host import thief
from tests.host.auditing import NOWHERE, key_of, with_sectors
from tests.host.forge import UID, five_days

LAB, OTHER = Signer.of(bytes(range(32))), Signer.of(bytes(32))
SIGNED_MS = 1_741_253_400_000


def by(signer, verdict=words.CLOSED):
    return signing(signer, "OP1", SIGNED_MS, verdict)


@pytest.fixture
def nobody(tmp_path):
    """A key store without this trip."""
    return KeyStore(tmp_path / "nobody")


@pytest.fixture(scope="module")
def signed(closed):
    return trail_bytes(closed.closed_parts(), by(LAB))


def audit(data, keys, *wanted):
    return check_trail(parse_trail(data, NOWHERE), keys, [one.public for one in wanted] or None).verdict


def sections(data):
    """(tag, start, end) with their heads."""
    found, at = [], 16
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at + 4 : at + 8], "little")
        found.append((data[at : at + 4], at, end))
        at = end
    return found


def cut_of(data, tag):
    """The bytes of a section, and the file without it and its DONE."""
    (start, end) = next((start, end) for name, start, end in sections(data) if name == tag)
    done = next(start for name, start, _ in sections(data) if name == b"DONE")
    return data[start:end], data[:start] + data[end:done]


def finish(body):
    """The section DONE, which anybody can make."""
    from hashlib import sha256

    return body + thief.trail_section(b"DONE", sha256(body).digest())


# The answers


def test_signed_by_a_named_key_and_unchanged(signed, nobody):
    verdict = audit(signed, nobody, OTHER, LAB)
    assert (verdict.word, verdict.exit_code) == (words.UNCHECKED, 0)
    one = verdict.to_json()["signature"]
    assert (one["answer"], one["state"], one["public_key"]) == (True, "good", LAB.public.hex())
    assert (one["operator"], one["utc"], one["verdict_then"]) == ("OP1", "2025-03-06T09:30:00.000Z", "closed")


def test_signed_by_another_key(signed, nobody):
    verdict = audit(signed, nobody, OTHER)
    assert (verdict.exit_code, verdict.signature.answer, verdict.signature.state) == (1, False, "good")


def test_not_signed(closed, nobody, keys):
    verdict = audit(trail_bytes(closed.closed_parts()), nobody, LAB)
    assert (verdict.exit_code, verdict.signature.answer, verdict.signature.state) == (1, False, "missing")
    assert audit(trail_bytes(closed.closed_parts()), keys, LAB).exit_code == 1
    assert audit(trail_bytes(closed.closed_parts()), keys).exit_code == 0


def test_without_a_named_key_the_signature_is_still_checked_and_asks_for_nothing(signed, keys, nobody):
    verdict = audit(signed, keys)
    assert (verdict.word, verdict.exit_code, verdict.signature.answer) == (words.CLOSED, 0, None)
    assert verdict.signature.known_as is None
    add_signer(keys, "the lab in Leipzig", LAB.public.hex())
    assert audit(signed, keys).signature.known_as == "the lab in Leipzig"
    assert audit(signed, nobody).exit_code == 5


def test_a_signed_file_that_lacks_a_sector_is_not_good(closed, nobody):
    parts = replace(closed.closed_parts(), runs=[(0, closed.sealed[0]), (2, closed.sealed[2])])
    verdict = audit(trail_bytes(parts, by(LAB, words.INCOMPLETE)), nobody, LAB)
    assert (verdict.word, verdict.exit_code, verdict.signature.answer) == (words.INCOMPLETE, 1, True)


# Forgeries


@pytest.mark.parametrize("change", [{"operator": "OP2"}, {"pairs": [[1, 5, 6, 7, 1]]}, {"status": None}])
def test_a_changed_read_out_record(closed, signed, nobody, keys, change):
    _, body = cut_of(signed, b"SIGN")
    sign, _ = cut_of(signed, b"SIGN")
    other = trail_bytes(closed.closed_parts(**change))
    forged = finish(cut_of(other, b"DONE")[1] + sign)
    for store in (nobody, keys):
        verdict = audit(forged, store, LAB)
        assert (verdict.word, verdict.exit_code, verdict.cause) == (words.CHANGED, 1, causes.SIGNATURE.name)
        fault = verdict.faults[0]
        assert forged[fault.first_byte : fault.first_byte + 4] == b"SIGN"
    assert audit(finish(body + sign), nobody, LAB).exit_code == 0


def test_the_signature_replaced_by_that_of_another_key(closed, nobody, keys):
    forged = trail_bytes(closed.closed_parts(operator="OP2"), by(OTHER))
    assert audit(forged, nobody, LAB).exit_code == 1
    assert audit(forged, keys).signature.known_as is None


def test_another_key_written_into_a_signature(signed, nobody):
    sign, body = cut_of(signed, b"SIGN")
    payload = sign[12:].replace(LAB.public, OTHER.public)
    assert payload != sign[12:]
    verdict = audit(finish(body + thief.trail_section(b"SIGN", payload)), nobody, OTHER)
    assert (verdict.word, verdict.cause) == (words.CHANGED, causes.SIGNATURE.name)


def test_the_signature_cut_out(signed, nobody):
    _, body = cut_of(signed, b"SIGN")
    verdict = audit(finish(body), nobody, LAB)
    assert (verdict.signature.state, verdict.exit_code) == ("missing", 1)


def test_the_signature_of_another_read_out(closed, signed, nobody):
    sign, _ = cut_of(trail_bytes(five_days(trip=4).closed_parts(), by(LAB)), b"SIGN")
    _, body = cut_of(signed, b"SIGN")
    assert audit(finish(body + sign), nobody, LAB).cause == causes.SIGNATURE.name


@pytest.mark.parametrize("place", [b"META", b"SECT"])
def test_the_signature_moved(signed, nobody, place):
    sign, body = cut_of(signed, b"SIGN")
    at = next(start for name, start, _ in sections(body) if name == place)
    verdict = audit(finish(body[:at] + sign + body[at:]), nobody, LAB)
    assert (verdict.word, verdict.exit_code) == (words.CHANGED, 1)
    assert causes.FILE in {one.cause for one in verdict.faults}
    assert all(one.first_byte is not None for one in verdict.faults)


def test_a_section_smuggled_in_behind_the_signature(signed, nobody):
    done = next(start for name, start, _ in sections(signed) if name == b"DONE")
    verdict = audit(finish(signed[:done] + thief.trail_section(b"note", b"all was well")), nobody, LAB)
    assert (verdict.word, verdict.exit_code) == (words.CHANGED, 1)
    assert verdict.faults[0].text == "a section follows the signature, which doesn't cover it"
    assert (verdict.faults[0].first_byte, verdict.faults[0].end_byte) == (done, done + 12 + 12)


@pytest.mark.parametrize(
    "payload", [b"", b"\xa0", b"\x80", b"\xa1\x61a\x40", b"\xff" * 80, b"\xa2\x61a\x41\xa0\x61s\x41\x00"]
)
def test_a_signature_that_makes_no_sense_is_wrong(signed, nobody, payload):
    _, body = cut_of(signed, b"SIGN")
    verdict = audit(finish(body + thief.trail_section(b"SIGN", payload)), nobody, LAB)
    assert (verdict.word, verdict.cause, verdict.exit_code) == (words.CHANGED, causes.SIGNATURE.name, 1)


def test_a_leaked_signing_key_does_not_make_a_forged_record_good(closed, keys):
    forged = thief.remake(closed.sealed, key_of(6))
    data = trail_bytes(with_sectors(closed, forged), by(LAB))
    verdict = audit(data, keys, LAB)
    assert (verdict.word, verdict.exit_code, verdict.signature.answer) == (words.CHANGED, 1, True)
    assert verdict.cause == causes.OTHER_EPOCH.name


# Tricks with the sections


def doubled(data, tag):
    start, end = next((start, end) for name, start, end in sections(data) if name == tag)
    done = next(start for name, start, _ in sections(data) if name == b"DONE")
    return finish(data[:end] + data[start:end] + data[end:done])


@pytest.mark.parametrize("tag", [b"META", b"SECT", b"OPEN", b"PEND", b"LIVE", b"SIGN"])
def test_a_section_twice(running, keys, tag):
    good = trail_bytes(running.running_parts(), by(LAB))
    assert audit(good, keys).word == words.RECORDING
    verdict = audit(doubled(good, tag), keys)
    assert verdict.word == words.CHANGED
    damage = [one for one in verdict.faults if one.cause == causes.FILE]
    assert damage
    assert damage[0].end_byte > damage[0].first_byte


@pytest.mark.parametrize("tag", [b"META", b"SECT", b"OPEN", b"PEND", b"LIVE"])
def test_a_section_in_another_place(running, keys, tag):
    cut, body = cut_of(trail_bytes(running.running_parts()), tag)
    verdict = audit(finish(body + cut) if tag != b"LIVE" else finish(body[:16] + cut + body[16:]), keys)
    assert (verdict.word, causes.FILE in {one.cause for one in verdict.faults}) == (words.CHANGED, True)


@pytest.mark.parametrize("tail", [b"\0", b"more", thief.trail_section(b"note", b"")])
def test_trailing_bytes(signed, keys, tail):
    verdict = audit(signed + tail, keys)
    assert verdict.word in (words.CHANGED, words.INCOMPLETE)
    assert any(one.first_byte == len(signed) for one in verdict.faults)


@pytest.mark.parametrize("tag", [b"META", b"SECT", b"OPEN", b"PEND", b"LIVE", b"SIGN"])
def test_cut_off_exactly_at_a_sections_end(running, keys, tag):
    good = trail_bytes(running.running_parts(), by(LAB))
    end = next(end for name, _, end in sections(good) if name == tag)
    verdict = audit(good[:end], keys)
    assert (verdict.word, verdict.exit_code) == (words.INCOMPLETE, 1)
    assert any(one.cause == causes.CUT and one.first_byte == end for one in verdict.faults)


def test_no_changed_byte_of_a_signed_file_passes(closed, nobody):
    good = trail_bytes(with_sectors(closed, closed.sealed[2:], first=0), by(LAB))
    assert audit(good, nobody, LAB).signature.answer
    for place in [*range(0, 400), *range(400, len(good) - 500, 97), *range(len(good) - 500, len(good))]:
        try:
            verdict = audit(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :], nobody, LAB)
        except UsageFault:
            continue
        assert verdict.exit_code == 1, place


# Writing, and the command


def test_a_read_out_is_signed_with_what_its_own_verification_said(closed, keys, tmp_path, mocker):
    mocker.patch.object(operate_signing.time, "time_ns", return_value=SIGNED_MS * 1_000_000)
    path = tmp_path / "trip.trail"
    assert write_signed(path, closed.closed_parts(), keys, "OP9") is None
    verdict = check_trail(read_trail(path), keys).verdict
    one = verdict.signature
    assert (one.state, one.operator, one.utc_ms, one.verdict) == ("good", "OP9", SIGNED_MS, words.CLOSED)
    assert one.known_as == "this computer"


def test_a_key_store_that_can_not_sign_does_not_cost_the_data(closed, keys, tmp_path):
    (keys.folder / "identity").write_text("in the way")
    path = tmp_path / "trip.trail"
    problem = write_signed(path, closed.closed_parts(), keys, "OP9")
    assert problem.startswith("the read-out is not signed: ")
    assert check_trail(read_trail(path), keys).verdict.signature.state == "missing"


@pytest.fixture
def file(tmp_path, closed):
    path = tmp_path / "trip.trail"
    write_trail(path, closed.closed_parts(), sign=by(LAB))
    return path


def command(file, folder, *words):
    folder.mkdir(mode=0o700, exist_ok=True)
    return run(["verify", str(file), "--keys", str(folder), *words])


def test_verify_with_a_public_key(file, tmp_path, capsys):
    assert command(file, tmp_path / "none", "--public-key", LAB.public.hex().upper()) == 0
    told = capsys.readouterr().out
    assert told.splitlines()[0] == (
        "NOT CHECKABLE: complete, unchanged since it was signed with a key that you named; "
        "seals not checked: this trip's key is not in the key store"
    )
    assert "  seals     not checked: no key here\n" in told
    assert (
        f"  signed    2025-03-06 09:30 UTC by OP1 with celltrail 0.1.0, unchanged since; then it was closed; "
        f"key {LAB.public.hex()[:8]}..., which you named\n"
    ) in told


def test_verify_with_a_file_of_public_keys(file, tmp_path, capsys):
    names = tmp_path / "keys.txt"
    names.write_text(f"# who may read\n\n{OTHER.public.hex()} Antwerp\n{LAB.public.hex()}  Leipzig # since 2025\n")
    assert command(file, tmp_path / "none", "--public-key", str(names), "--json") == 0
    assert json.loads(capsys.readouterr().out)["signature"]["answer"] is True


def test_verify_with_the_public_key_of_somebody_else(file, tmp_path, capsys):
    assert command(file, tmp_path / "none", "--public-key", OTHER.public.hex()) == 1
    told = capsys.readouterr().out
    assert "complete, NOT SIGNED with a key that you named; seals" in told
    assert f"ANOTHER KEY than you named: {LAB.public.hex()}" in told


def test_verify_with_the_name_of_a_signer(file, tmp_path):
    names = KeyStore(tmp_path / "names")
    add_signer(names, "leipzig-lab", LAB.public.hex())
    add_signer(names, "antwerp", OTHER.public.hex())
    assert command(file, names.folder, "--public-key", "leipzig-lab") == 0
    assert command(file, names.folder, "--public-key", "antwerp") == 1


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("nokey", "neither a file, nor a public key of 64 hex digits, nor a signer's name"),
        ("abcd", "'abcd': not a public key of 64 hex digits; it has 4 characters"),
        ("", "not a public key"),
    ],
)
def test_what_is_no_public_key_is_said_in_one_line(word, told):
    with pytest.raises(UsageFault, match=told):
        public_keys([word], {})


def test_a_file_without_public_keys_is_said_with_its_line(tmp_path):
    path = tmp_path / "keys.txt"
    path.write_text("# none\n")
    with pytest.raises(UsageFault, match="holds no public key"):
        public_keys([str(path)], {})
    path.write_bytes(b"\x89CTRAIL\n")
    with pytest.raises(UsageFault, match="not a text file with public keys"):
        public_keys([str(path)], {})
    path.write_text(f"\n{LAB.public.hex()}\nLeipzig\n")
    with pytest.raises(UsageFault, match="line 3: 'Leipzig': not a public key"):
        public_keys([str(path)], {})
    assert UID
