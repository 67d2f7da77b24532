import json
import os
import stat

import pytest

from celltrail.errors import RefusedFault, UsageFault
from celltrail.keys.keystore import FOLDER_VARIABLE, KeyStore
from celltrail.keys.receipt import Receipt, load_receipt, save_receipt
from celltrail.plans.sensor import Sensor
from celltrail_protocol.seals import commitment
from tests.host.forge import K0, UID

KEY = bytes(range(100, 132))
POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no file modes")


def a_receipt(**changes):
    values = {
        "uid": UID,
        "name": "CT-3F2A91",
        "trip": 3,
        "profile": "2-8C",
        "plan": {"v": 1, "alarms": [[0, 0, 0, 1024, 60]]},
        "plan_text": ("one", "two"),
        "settings_hash": bytes(32),
        "firmware": "0.1.0",
        "firmware_hash": bytes(range(50, 82)),
        "commitment": commitment(K0),
        "armed_utc_ms": 1_740_816_000_123,
        "tick_ms": 4567,
        "uncertainty_ms": 12,
        "operator": "OP7",
        "host": "celltrail 0.1.0",
        "sensors": (Sensor(1, 7_812_500, -7040, 19200, 100),),
        "accel_model": 16,
    }
    return Receipt(**(values | changes))


@pytest.fixture
def store(tmp_path):
    return KeyStore(tmp_path / "keys")


def test_an_unknown_logger_has_no_key(store):
    assert store.device_key(UID) is None
    assert store.trip_key(UID, 3) is None
    assert store.devices() == store.trips() == []


def test_device_keys_come_back(store):
    store.save_device_key(UID, "CT-3F2A91", KEY, made_utc_ms=1_740_816_000_000)
    entry = KeyStore(store.folder).device(UID)
    assert (entry.uid, entry.name, entry.key, entry.made_utc) == (UID, "CT-3F2A91", KEY, "2025-03-01T08:00:00.000Z")
    assert store.devices() == [entry]


def test_another_key_for_a_logger_is_refused(store):
    store.save_device_key(UID, "x", KEY)
    store.save_device_key(UID, "renamed", KEY)
    with pytest.raises(RefusedFault, match="holds another key for it"):
        store.save_device_key(UID, "x", bytes(32))
    assert store.device_key(UID) == KEY


def test_trips_come_back_with_their_receipt(store):
    store.save_trip(UID, 10, K0)
    store.save_trip(UID, 9, KEY, a_receipt(trip=9))
    assert [(entry.trip, entry.k0) for entry in store.trips()] == [(9, KEY), (10, K0)]
    assert store.trip(UID, 9).receipt == a_receipt(trip=9)
    assert store.trip(UID, 10).receipt is None


def test_a_trip_does_not_change_its_key(store):
    store.save_trip(UID, 3, K0)
    store.save_trip(UID, 3, K0, a_receipt())
    with pytest.raises(UsageFault, match="another key"):
        store.save_trip(UID, 3, KEY)
    assert store.trip_key(UID, 3) == K0


def test_a_key_is_kept_before_it_is_confirmed(store):
    handle = store.save_pending(UID, K0)
    assert store.candidates(UID, 3) == [K0]
    store.finish_pending(handle, 3, a_receipt())
    assert store.pending_keys(UID) == []
    assert store.candidates(UID, 3) == [K0]
    assert store.trip(UID, 3).receipt == a_receipt()


def test_a_refused_key_is_dropped(store):
    store.drop_pending(store.save_pending(UID, K0))
    assert store.pending_keys(UID) == []


def test_pending_keys_of_another_logger_are_no_candidates(store):
    store.save_pending(bytes(8), K0)
    assert store.candidates(UID, 3) == []


@POSIX
def test_only_the_owner_can_read(store):
    store.save_device_key(UID, "x", KEY)
    store.save_trip(UID, 3, K0)
    for path in [store.folder, *store.folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@POSIX
@pytest.mark.parametrize("inner", ["", "devices/{uid}.json"])
def test_keys_that_others_can_read_are_refused_with_the_remedy(store, inner):
    store.save_device_key(UID, "x", KEY)
    path = store.folder / inner.format(uid=UID.hex())
    path.chmod(0o755 if path.is_dir() else 0o644)
    with pytest.raises(UsageFault, match=f"chmod {'700' if path.is_dir() else '600'} {path}"):
        store.device_key(UID)


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", "{}", '{"uid": "zz", "name": "x", "key": "00", "made_utc": ""}', '{"key": 5}']
)
def test_a_damaged_key_file_is_named(store, text):
    store.save_device_key(UID, "x", KEY)
    path = store.folder / "devices" / f"{UID.hex()}.json"
    path.write_text(text)
    with pytest.raises(UsageFault, match=path.name):
        store.device_key(UID)


def test_the_environment_names_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "env"))
    assert KeyStore().folder == tmp_path / "env"
    assert KeyStore(tmp_path / "option").folder == tmp_path / "option"


def test_a_named_folder_must_be_there_for_reading(tmp_path, monkeypatch):
    with pytest.raises(UsageFault, match="no such key store"):
        KeyStore(tmp_path / "nowhere").require()
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    KeyStore().require()


def test_nothing_secret_is_in_a_receipt_file(tmp_path):
    path = tmp_path / "receipt.json"
    save_receipt(path, a_receipt(simulated=True))
    assert load_receipt(path) == a_receipt(simulated=True)
    assert K0.hex() not in path.read_text()
    assert json.loads(path.read_text())["clock_offset_ms"] == 1_740_816_000_123 - 4567


def test_a_receipt_is_not_overwritten(tmp_path):
    path = tmp_path / "receipt.json"
    save_receipt(path, a_receipt())
    with pytest.raises(UsageFault, match="exists already"):
        save_receipt(path, a_receipt())


@pytest.mark.parametrize("change", [{"version": 2}, {"uid": "00"}, {"sensors": None}, {"armed_utc": "yesterday"}])
def test_a_wrong_receipt_is_refused(tmp_path, change):
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(a_receipt().to_json() | change))
    with pytest.raises(UsageFault, match=str(path)):
        load_receipt(path)


def test_a_key_file_of_deep_brackets_is_damaged(tmp_path):
    store = KeyStore(tmp_path / "keys")
    store.save_trip(UID, 3, K0)
    (path,) = (tmp_path / "keys" / "trips").iterdir()
    path.write_text("[" * 50_000)
    with pytest.raises(UsageFault, match="damaged"):
        store.trip(UID, 3)


def test_a_file_is_no_key_store(tmp_path):
    (tmp_path / "keys").write_text("")
    store = KeyStore(tmp_path / "keys")
    for use in (store.require, lambda: store.save_device_key(UID, "CT-1", KEY)):
        with pytest.raises(UsageFault, match="is a file; a key store is a folder"):
            use()
