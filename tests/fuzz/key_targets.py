"""Keys and receipts from elsewhere, and the files of a key store, as targets."""

import base64
import json
import shutil
from pathlib import Path
from unittest import mock

from forge import UID
from host_bench import FITTED, FOLDER, check_printable, declared, file_of

from celltrail.evidence.seen import recall
from celltrail.evidence.signature import public_keys
from celltrail.keys.age_box import seal_to
from celltrail.keys.backup import restore
from celltrail.keys.bundle import import_bundle
from celltrail.keys.contacts import own_recipient, own_secret, recipients
from celltrail.keys.keystore import KeyStore
from celltrail.keys.receipt import load_receipt
from celltrail.keys.signing import host_signer
from celltrail.plans.planning import to_plan
from celltrail.plans.profile import load_profile
from celltrail.views.keys_text import import_lines, keys_json, keys_lines
from celltrail_protocol.seals import commitment


def receipt(data: bytes) -> None:
    """An arm receipt."""
    with declared():
        one = load_receipt(file_of("receipt.json", data))
        json.dumps(one.to_json())


def key_file(data: bytes) -> None:
    """The files of a key store, each kind, and what the commands tell of them."""
    store = KeyStore(FOLDER / "other-keys")
    names = (f"devices/{UID.hex()}", f"trips/{UID.hex()}-3", "pending/x", f"seen/{UID.hex()}-3")
    for name in (*names, "contacts/recipients", "contacts/signers", "identity/signing", "identity/age"):
        write_private(store.folder / f"{name}.json", data)
    for read in (
        lambda: store.device(UID),
        lambda: store.trip(UID, 3),
        lambda: store.pending_keys(UID),
        lambda: recall(store, UID, 3),
        lambda: recipients(store),
        lambda: host_signer(store),
        lambda: own_secret(store),
    ):
        with declared():
            read()
    _tell(store)


def _tell(store: KeyStore) -> None:
    """What `celltrail keys show` prints, with an identity of its own."""
    for name in ("identity/signing", "identity/age", "contacts/recipients", "contacts/signers"):
        (store.folder / f"{name}.json").unlink(missing_ok=True)
    with declared():
        check_printable(keys_lines(store))
        json.dumps(keys_json(store), allow_nan=False)


def bundle_file(data: bytes) -> None:
    """A bundle of keys from another site, sealed to this one; and the file as it is."""
    store = KeyStore(FOLDER / "site")
    for path in (*store.folder.glob("trips/*"), *store.folder.glob("devices/*")):
        path.unlink()
    with declared():
        import_bundle(store, file_of("plain.age", data))
    with declared():
        done = import_bundle(store, file_of("x.age", seal_to(data, own_recipient(store))))
        check_printable(import_lines(done))
        assert store.trip_key(done.bundle.trip.uid, done.bundle.trip.trip) == done.bundle.trip.k0
        assert {path.parent.name for path in store.folder.glob("*/*")} <= {"identity", "trips", "devices"}
    _tell(store)


def backup_file(data: bytes) -> None:
    """A backup, its passphrase known: nothing is written outside of the store."""
    home = FOLDER / "home"
    shutil.rmtree(home, ignore_errors=True)
    store = KeyStore(home / "keys")
    # The passphrase takes a second by design.
    with mock.patch("celltrail.keys.backup.open_with_passphrase", lambda data, *_: data), declared():
        restore(store, file_of("backup.age", data), "x")
    assert {path.name for path in home.glob("*")} <= {"keys"}
    _tell(store)


def signer_file(data: bytes) -> None:
    """What `--public-key` names: a file, or a word."""
    with declared():
        public_keys([str(file_of("signers.txt", data))], {})
    with declared():
        public_keys([data.decode(errors="replace").replace("\0", "")], {"koeln": "00" * 32})


def write_private(path: Path, data: bytes) -> None:
    """As the key store writes: closed to others."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.parent.chmod(0o700)
    # Not `write_atomic`, which refuses to replace what looks like a read-out.
    path.write_bytes(data)
    path.chmod(0o600)


# Seeds


def receipt_seeds() -> list[bytes]:
    plan = to_plan(load_profile("2-8C"), FITTED)
    hexes = {"settings_hash": "00" * 32, "firmware_hash": "00" * 32, "commitment": "00" * 32}
    sensor = {"model": 1, "step_nK": 7812500, "low_raw": -7040, "high_raw": 19200, "uncertainty_mK": 100}
    values = {"version": 1, "uid": UID.hex(), "name": "CT-1", "trip": 3, "profile": "2-8C", "plan": plan}
    values |= {"plan_text": ["a"], **hexes, "firmware": "1", "tick_ms": 5, "uncertainty_ms": 5, "operator": "A"}
    values |= {
        "host": "x",
        "sensors": [sensor],
        "accel_model": 16,
        "simulated": False,
        "armed_utc": "2025-03-01T08:00:00Z",
    }
    return [json.dumps(values).encode(), json.dumps(values | {"trip": 1e999, "tick_ms": 1e308}).encode()]


def key_seeds() -> list[bytes]:
    trip = {"version": 1, "uid": UID.hex(), "trip": 3, "k0": "00" * 32, "receipt": json.loads(receipt_seeds()[0])}
    device = {"version": 1, "uid": UID.hex(), "name": "CT-1", "key": "00" * 32, "made_utc": "2025-03-01T08:00:00Z"}
    return [json.dumps(one).encode() for one in (trip, device, trip | {"receipt": None, "trip": float("inf")})]


def bundle_seeds() -> list[bytes]:
    trip, device = (json.loads(one) for one in key_seeds()[:2])
    k0 = bytes(range(32))
    trip = {"uid": UID.hex(), "trip": 3, "k0": k0.hex(), "receipt": None}
    receipt = json.loads(receipt_seeds()[0]) | {"commitment": commitment(k0).hex()}
    maker = {"recipient": "age1x", "signing_key": "00" * 32, "operator": "A", "host": "x", "utc": "2025-03-01"}
    base = {"kind": "celltrail trip keys", "version": 1, "maker": maker, "trip": trip}
    made = (
        base,
        base | {"trip": trip | {"receipt": receipt}, "device": device},
        base | {"maker": maker | {"operator": "\x1b[2J", "utc": "\u202e"}},
        base | {"trip": trip | {"trip": float("inf")}},
        base | {"trip": trip | {"uid": "00" * 300, "trip": -5}},
        base | {"trip": trip | {"receipt": receipt | {"name": "\x1b]0;x\x07"}}},
        base | {"device": device | {"name": "\x1b[31m"}},
    )
    return [json.dumps(one).encode() for one in made]


def backup_seeds() -> list[bytes]:
    files = {f"trips/{UID.hex()}-3.json": base64.b64encode(key_seeds()[0]).decode(), "identity/age.json": "e30="}
    base = {"kind": "celltrail key store", "version": 1, "made_utc": "2025-03-01T08:00:00Z", "files": files}
    made = (base, base | {"files": {"../x.json": "e30="}}, base | {"files": {"trips/..json": "", "a/b/c.json": ""}})
    return [json.dumps(one).encode() for one in made]


def signer_seeds() -> list[bytes]:
    return [b"# lab\n" + b"ab" * 32 + b" koeln\n", b"cd" * 32, b"\xff\xfe", b"/" * 300, b"koeln"]
