import json
import os
import stat

import pytest

from celltrail.errors import RefusedFault, UsageFault
from celltrail.keys import contacts, signing
from celltrail.keys.ed25519 import Signer, is_good, parse_public
from celltrail.keys.keystore import KeyStore
from celltrail.keys.receipt import Receipt, load_receipt, save_receipt
from tests.host.forge import K0, UID
from tests.host.test_keystore import a_receipt

# RFC 8032, section 7.1, test 2.
SECRET = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


@pytest.fixture
def store(tmp_path):
    return KeyStore(tmp_path / "keys")


def test_signatures_are_those_of_rfc_8032():
    signer = Signer.of(SECRET)
    assert (signer.public, signer.sign(b"\x72")) == (PUBLIC, SIGNATURE)
    assert is_good(PUBLIC, SIGNATURE, b"\x72")
    assert not is_good(PUBLIC, SIGNATURE, b"\x73")
    assert not is_good(bytes(32), SIGNATURE, b"\x72")
    assert not is_good(b"short", SIGNATURE, b"\x72")
    assert not is_good(PUBLIC, b"", b"\x72")


def test_the_key_pair_is_made_once_and_stays(store):
    first = signing.public_hex(store)
    assert (len(first), signing.public_hex(KeyStore(store.folder))) == (64, first)
    assert signing.known_as(store, bytes.fromhex(first)) == signing.THIS_HOST


@pytest.mark.skipif(os.name != "posix", reason="Windows has no file modes")
def test_the_key_pair_is_closed_to_others(store):
    signing.host_signer(store)
    path = store.folder / "identity" / "signing.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(UsageFault, match="chmod 600"):
        signing.host_signer(store)


def test_two_programs_that_make_it_at_once_end_with_the_same(store, mocker):
    other = Signer.of(SECRET)
    real = KeyStore.save

    def first_the_other(self, folder, name, values, *, replace=True):
        real(self, folder, name, other.to_json())
        return real(self, folder, name, values, replace=replace)

    mocker.patch.object(KeyStore, "save", first_the_other)
    assert signing.host_signer(store).public == other.public


@pytest.mark.parametrize("change", [{"public": "00" * 32}, {"secret": "00"}, {"secret": "zz"}, {"secret": None}])
def test_a_damaged_key_pair_is_named(store, change):
    signing.host_signer(store)
    path = store.folder / "identity" / "signing.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UsageFault, match="signing.json"):
        signing.host_signer(store)


def test_other_hosts_are_known_by_the_name_they_were_given(store):
    assert signing.known_as(store, PUBLIC) is None
    contacts.add_signer(store, "Leipzig", PUBLIC.hex().upper())
    assert signing.known_as(store, PUBLIC) == "Leipzig"
    contacts.remove_signer(store, "Leipzig")
    assert signing.known_as(store, PUBLIC) is None


def test_a_signers_name_and_key_belong_to_each_other(store):
    contacts.add_signer(store, "Leipzig", PUBLIC.hex())
    contacts.add_signer(store, "Leipzig", PUBLIC.hex())
    with pytest.raises(RefusedFault, match="Leipzig is 3d4017"):
        contacts.add_signer(store, "Leipzig", "00" * 32)
    with pytest.raises(RefusedFault, match="known as Leipzig"):
        contacts.add_signer(store, "Bremen", PUBLIC.hex())
    with pytest.raises(UsageFault, match="no signer 'Bremen'"):
        contacts.remove_signer(store, "Bremen")
    with pytest.raises(UsageFault, match="letters, digits"):
        contacts.add_signer(store, "a\x1b[2J", "00" * 32)


@pytest.mark.parametrize("text", ["", "zz" * 32, "00" * 31, "00" * 33])
def test_what_is_no_public_key_is_refused(text):
    with pytest.raises(UsageFault, match="64 hex digits"):
        parse_public(text)


# The receipt


def test_a_signed_receipt_comes_back(tmp_path, store):
    receipt = a_receipt().signed_by(Signer.of(SECRET))
    assert receipt.signer == PUBLIC
    path = tmp_path / "receipt.json"
    save_receipt(path, receipt)
    assert load_receipt(path) == receipt
    store.save_trip(UID, 3, K0, receipt)
    assert store.trip(UID, 3).receipt == receipt


@pytest.mark.parametrize(
    "change",
    [
        {"uid": "00" * 8},
        {"trip": 4},
        {"settings_hash": "11" * 32},
        {"firmware_hash": "00" * 32},
        {"commitment": "00" * 32},
        {"armed_utc": "2025-03-01T08:00:01Z"},
        {"tick_ms": 1},
        {"clock_offset_ms": 1},
        {"plan_text": ["three"]},
        {"operator": "OP8"},
        {"signer": Signer.of(bytes(32)).public.hex()},
        {"signature": "00" * 64},
        {"signature": ""},
        {"note": "more"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_receipt_is_refused(store, change):
    store.save_trip(UID, 3, K0, a_receipt().signed_by(Signer.of(SECRET)))
    path = store.folder / "trips" / f"{UID.hex()}-3.json"
    values = json.loads(path.read_text())
    values["receipt"] |= change
    path.write_text(json.dumps(values))
    with pytest.raises(UsageFault, match=f"{path.name}: receipt: the receipt was changed after it was signed"):
        store.trip(UID, 3)


def test_a_receipt_without_signature_is_read():
    assert Receipt.from_json(a_receipt().to_json()).signer == b""
