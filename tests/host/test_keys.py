"""Keys between sites and disks: who can open what, what is refused in which words, and what never shows."""

import json
import os
import stat
from hashlib import sha256
from pathlib import Path

import pyrage
import pytest

from celltrail.cli.main import run
from celltrail.errors import UsageFault
from celltrail.evidence.trail import write_trail
from celltrail.keys import backup
from celltrail.keys.age_box import new_secret, open_with, recipient_of, seal_to
from celltrail.keys.contacts import add_recipient, own_recipient, own_secret
from celltrail.keys.keystore import KeyStore
from celltrail_protocol import seals
from tests.host.forge import K0, START_UTC_MS, UID, five_days
from tests.host.test_keystore import a_receipt

DEVICE_KEY = bytes(range(150, 182))
OTHER = bytes([9] * 32)


def receipt():
    """That of the trip below."""
    settings_hash = sha256(five_days().settings).digest()
    return a_receipt(settings_hash=settings_hash, armed_utc_ms=START_UTC_MS, tick_ms=5000)


def read(name):
    return Path(name).read_bytes()


def write(name, data):
    Path(name).write_bytes(data)


@pytest.fixture
def sites(tmp_path, monkeypatch):
    """Three key stores; A holds a trip with its receipt, and the logger's device key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CELLTRAIL_KEYS", raising=False)
    monkeypatch.delenv("CELLTRAIL_OPERATOR", raising=False)
    stores = {name: KeyStore(tmp_path / name) for name in "ABC"}
    stores["A"].save_trip(UID, 3, K0, receipt())
    stores["A"].save_device_key(UID, "CT-3F2A91", DEVICE_KEY)
    write_trail(tmp_path / "trip.trail", five_days().closed_parts())
    return stores


@pytest.fixture
def keys_command(sites, capsys):
    def call(site, *words, expect=0):
        capsys.readouterr()
        code = run(["keys", *map(str, words), "--keys", site])
        out, err = capsys.readouterr()
        assert code == expect, (words, code, out, err)
        assert "Traceback" not in err
        assert err.count("celltrail: ") == (1 if expect else 0)
        for secret in (K0, DEVICE_KEY, OTHER):
            assert secret.hex() not in out + err
        assert "AGE-SECRET-KEY" not in out + err
        return out + err

    return call


def to(store):
    return ("--to", own_recipient(store))


def export(keys_command, sites, site="B", *more):
    return keys_command("A", "export", "trip.trail", *to(sites[site]), "-o", "b.age", *more)


def test_the_other_site_can_check_and_nobody_else(sites, keys_command, capsys):
    (sites["B"].folder).mkdir(mode=0o700)
    assert run(["verify", "trip.trail", "--keys", "B"]) == 5
    assert "complete; seals not checked" in capsys.readouterr().out
    export(keys_command, sites, "B", "--operator", "LAB-7")
    assert "is for somebody else" in keys_command("C", "import", "b.age", expect=4)
    assert sites["C"].trips() == []
    out = keys_command("B", "import", "b.age")
    assert "its key is in the key store now" in out
    assert "by LAB-7, as it says of itself" in out
    assert own_recipient(sites["A"]) in out
    assert run(["verify", "trip.trail", "--keys", "B"]) == 0
    entry = sites["B"].trip(UID, 3)
    assert entry.receipt == sites["A"].trip(UID, 3).receipt
    assert entry.maker.operator == "LAB-7"
    assert sites["B"].devices() == []
    assert "was here already" in keys_command("B", "import", "b.age")


def test_no_plaintext_key_is_in_the_file(sites, keys_command):
    export(keys_command, sites)
    data = read("b.age")
    assert data.startswith(b"age-encryption.org/v1\n")
    assert K0 not in data
    assert K0.hex().encode() not in data
    opened = json.loads(pyrage.decrypt(data, [pyrage.x25519.Identity.from_str(own_secret(sites["B"]))]))
    assert opened["trip"]["k0"] == K0.hex()
    assert "device" not in opened
    assert DEVICE_KEY.hex() not in json.dumps(opened)


def test_whoever_is_given_a_key_could_forge_so_a_read_out_comes_first(sites, keys_command):
    target = to(sites["B"])
    assert "no read-out" in keys_command("A", "export", "3", *target, "-o", "b.age", expect=4)
    assert not os.path.exists("b.age")
    assert sites["A"].trip(UID, 3).given == ()
    keys_command("A", "export", "3", *target, "-o", "b.age", "--before-read-out")
    assert sites["A"].trip(UID, 3).given[0].before_read_out
    keys_command("A", "export", "trip.trail", *target, "-o", "c.age")
    # Remembered: the trip's name will do from now on.
    keys_command("A", "export", "CT-3F2A91-3", *target, "-o", "d.age")
    assert [one.before_read_out for one in sites["A"].trip(UID, 3).given] == [True, False, False]
    assert len(sites["A"].trip(UID, 3).read_outs) == 1
    assert "before a read-out" in keys_command("A", "show")


def test_a_read_out_that_is_not_whole_is_none(sites, keys_command):
    data = bytearray(read("trip.trail"))
    data[6000] ^= 1
    write("trip.trail", data)
    answer = keys_command("A", "export", "trip.trail", *to(sites["B"]), "-o", "b.age", expect=2)
    assert "--damaged" in answer or "altered" in answer
    assert sites["A"].trip(UID, 3).read_outs == ()


def test_the_device_key_is_given_only_when_asked_for_and_confirmed(sites, keys_command):
    assert "needs an answer" in keys_command(
        "A", "export", "trip.trail", *to(sites["B"]), "-o", "b.age", "--device-key", expect=4
    )
    assert not os.path.exists("b.age")
    export(keys_command, sites, "B", "--device-key", "--yes")
    assert sites["A"].trip(UID, 3).given[0].device_key
    assert "the device key came with it" in keys_command("B", "import", "b.age")
    assert sites["B"].device_key(UID) == DEVICE_KEY
    # After a rotation the other site gets the new one, and keeps the old.
    sites["A"].save_next_key(UID, OTHER)
    sites["A"].settle_device_key(UID, OTHER)
    export(keys_command, sites, "B", "--device-key", "--yes", "--force")
    keys_command("B", "import", "b.age")
    assert sites["B"].device(UID).keys == (OTHER, DEVICE_KEY)


def test_another_key_for_a_known_trip_changes_nothing(sites, keys_command):
    sites["B"].save_trip(UID, 3, OTHER)
    export(keys_command, sites, "B", "--device-key", "--yes")
    assert "brings another key for CT-3F2A91-3" in keys_command("B", "import", "b.age", expect=4)
    assert sites["B"].trip_key(UID, 3) == OTHER
    assert sites["B"].devices() == []


@pytest.mark.parametrize("cut", [0, 10, 100, 200, 400, -1])
def test_a_damaged_bundle_is_not_half_taken(sites, keys_command, cut):
    export(keys_command, sites)
    data = read("b.age")
    write("b.age", data[:cut])
    keys_command("B", "import", "b.age", expect=2)
    assert sites["B"].trips() == []


def test_every_changed_byte_of_a_bundle_shows(sites, keys_command):
    export(keys_command, sites)
    data = read("b.age")
    for at in range(0, len(data), 97):
        write("b.age", data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        code = run(["keys", "import", "b.age", "--keys", "B"])
        assert code in (2, 4), at
    assert sites["B"].trips() == []


def crafted(sites, change):
    """A bundle to B from somebody who changes what is inside."""
    values = {
        "kind": "celltrail trip keys",
        "version": 1,
        "maker": {"recipient": "age1x", "signing_key": "", "operator": "", "host": "", "utc": "2025-03-01T08:00:00Z"},
        "trip": {"uid": UID.hex(), "trip": 3, "k0": K0.hex(), "receipt": receipt().to_json()},
    }
    change(values)
    write("b.age", seal_to(json.dumps(values).encode(), own_recipient(sites["B"])))


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(kind="something else"),
        lambda v: v.update(version=2),
        lambda v: v.pop("maker"),
        lambda v: v.update(maker=[1]),
        lambda v: v["maker"].update(more=1),
        lambda v: v["trip"].update(k0="00"),
        lambda v: v["trip"].update(k0=OTHER.hex()),
        lambda v: v["trip"].update(trip="x"),
        lambda v: v["trip"].update(trip=4),
        lambda v: v["trip"].update(uid="../../etc"),
        lambda v: v["trip"].update(receipt={"version": 1}),
        lambda v: v.update(device={"uid": "00" * 8, "name": "x", "key": OTHER.hex(), "made_utc": ""}),
        lambda v: v.update(device={"uid": UID.hex(), "key": "secret"}),
    ],
)
def test_a_bundle_that_makes_no_sense(sites, keys_command, change):
    crafted(sites, change)
    assert "no bundle of trip keys" in keys_command("B", "import", "b.age", expect=2)
    assert (sites["B"].trips(), sites["B"].devices()) == ([], [])


def test_a_bundle_of_a_reader_of_one(sites, keys_command):
    crafted(sites, lambda values: None)
    keys_command("B", "import", "b.age")
    write("b.age", seal_to(b"[]", own_recipient(sites["B"])))
    keys_command("B", "import", "b.age", expect=2)
    write("b.age", seal_to(b"\xff", own_recipient(sites["B"])))
    keys_command("B", "import", "b.age", expect=2)


def test_recipients_have_names(sites, keys_command):
    recipient = own_recipient(sites["B"])
    assert "there is no recipient 'koeln'" in keys_command("A", "export", "3", "--to", "koeln", "-o", "b.age", expect=2)
    assert "not an age recipient" in keys_command("A", "recipient", "add", "koeln", "age1nonsense", expect=2)
    keys_command("A", "recipient", "add", "koeln", recipient)
    keys_command("A", "recipient", "add", "koeln", recipient)
    assert "is age1" in keys_command("A", "recipient", "add", "koeln", own_recipient(sites["C"]), expect=4)
    assert recipient in keys_command("A", "recipient", "list")
    keys_command("A", "export", "trip.trail", "--to", "koeln", "-o", "b.age")
    assert "given to koeln on" in keys_command("A", "show")
    keys_command("A", "recipient", "remove", "koeln")
    keys_command("A", "recipient", "remove", "koeln", expect=2)


def test_signers_have_names(sites, keys_command):
    public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert "no signer has a name" in keys_command("A", "signer", "list")
    assert "64 hex digits" in keys_command("A", "signer", "add", "koeln", "3d40", expect=2)
    keys_command("A", "signer", "add", "koeln", public)
    assert "koeln is 3d4017" in keys_command("A", "signer", "add", "koeln", "00" * 32, expect=4)
    assert json.loads(keys_command("A", "signer", "list", "--json")) == {"koeln": public}
    assert json.loads(keys_command("A", "show", "--json"))["signers"] == {"koeln": public}
    keys_command("A", "signer", "remove", "koeln")
    keys_command("A", "signer", "remove", "koeln", expect=2)


@pytest.mark.parametrize("name", ["", "age1x", "a/b", "x" * 41, "-x", "ä"])
def test_names_that_are_none(sites, name):
    with pytest.raises(UsageFault):
        add_recipient(sites["A"], name, own_recipient(sites["B"]))


def test_nothing_is_remembered_of_an_export_that_can_not_be_written(sites, keys_command):
    for target in ("nowhere/b.age", "trip.trail", "."):
        keys_command("A", "export", "trip.trail", *to(sites["B"]), "-o", target, expect=2)
    write("there.age", b"x")
    assert "--force" in keys_command("A", "export", "trip.trail", *to(sites["B"]), "-o", "there.age", expect=2)
    assert sites["A"].trip(UID, 3).given == ()


def test_trips_are_found_by_any_of_their_names(sites, keys_command):
    for name in ("3", "CT-3F2A91-3", f"{UID.hex()}-3"):
        keys_command("A", "export", name, *to(sites["B"]), "-o", "b.age", "--before-read-out", "--force")
    assert "knows no trip '4'" in keys_command("A", "export", "4", *to(sites["B"]), "-o", "c.age", expect=2)
    sites["A"].save_trip(bytes(8), 3, OTHER)
    assert "more than one trip" in keys_command("A", "export", "3", *to(sites["B"]), "-o", "c.age", expect=2)


def test_show_tells_no_secret(sites, keys_command):
    shown = json.loads(keys_command("A", "show", "--json"))
    assert shown["recipient"] == own_recipient(sites["A"])
    assert shown["trips"][0]["trip"] == "CT-3F2A91-3"
    assert shown["loggers"][0]["former_keys"] == 0
    text = keys_command("A", "show")
    assert "loggers that this computer can command: 1" in text
    assert max(map(len, text.splitlines())) < 100


# Backup


def passphrase(text="correct horse battery"):
    Path("pw").write_text(text + "\nsecond line\n")
    return ("--passphrase-file", "pw")


def content(store):
    return {
        path.relative_to(store.folder).as_posix(): path.read_bytes()
        for path in store.folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def no_scrypt(monkeypatch):
    """A passphrase takes seconds by design, many on a busy machine; these tests are about what is in the backup."""
    secret = new_secret()
    monkeypatch.setattr(backup, "seal_with_passphrase", lambda data, _: seal_to(data, recipient_of(secret)))
    monkeypatch.setattr(backup, "open_with_passphrase", lambda data, _, where: open_with(data, secret, where))


@pytest.mark.usefixtures("no_scrypt")
def test_a_backup_brings_everything_back(sites, keys_command):
    own_recipient(sites["A"])
    keys_command("A", "backup", "-o", "a.age", *passphrase())
    assert K0.hex().encode() not in read("a.age")
    keys_command("C", "restore", "a.age", *passphrase())
    assert content(sites["C"]) == content(sites["A"])
    for path in [sites["C"].folder, *sites["C"].folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert "0 entries are new, 3 were there already" in keys_command("C", "restore", "a.age", *passphrase())


@pytest.mark.usefixtures("no_scrypt")
def test_a_restore_never_goes_over_another_key_unsaid(sites, keys_command):
    keys_command("A", "backup", "-o", "a.age", *passphrase())
    sites["C"].save_device_key(UID, "CT-3F2A91", OTHER)
    before = content(sites["C"])
    assert "holds other keys than" in keys_command("C", "restore", "a.age", *passphrase(), expect=4)
    assert content(sites["C"]) == before
    assert "replaced devices/" in keys_command("C", "restore", "a.age", *passphrase(), "--replace")
    assert sites["C"].device_key(UID) == DEVICE_KEY
    (aside,) = sites["C"].folder.rglob("*.before-*")
    assert OTHER.hex() in aside.read_text()


@pytest.mark.usefixtures("no_scrypt")
def test_what_has_been_written_since_a_backup_stays(sites, keys_command):
    keys_command("A", "backup", "-o", "a.age", *passphrase())
    export(keys_command, sites)
    keys_command("A", "restore", "a.age", *passphrase())
    assert len(sites["A"].trip(UID, 3).given) == 1


def test_passphrases(sites, keys_command):
    keys_command("A", "backup", "-o", "a.age", *passphrase())
    assert "passphrase is wrong" in keys_command("C", "restore", "a.age", *passphrase("wrong horse"), expect=4)
    assert "8 characters or more" in keys_command("A", "backup", "-o", "b.age", *passphrase("short"), expect=2)
    assert "first line is empty" in keys_command("A", "backup", "-o", "b.age", *passphrase(""), expect=2)
    assert "no terminal" in keys_command("A", "backup", "-o", "b.age", expect=4)
    assert content(sites["C"]) == {}


def test_files_of_another_kind_say_what_they_are(sites, keys_command):
    export(keys_command, sites)
    keys_command("A", "backup", "-o", "a.age", *passphrase())
    assert "`celltrail keys restore`" in keys_command("B", "import", "a.age", expect=2)
    assert "`celltrail keys import`" in keys_command("B", "restore", "b.age", *passphrase(), expect=2)
    assert "is not an age file" in keys_command("B", "import", "trip.trail", expect=2)
    write("a.age", read("a.age")[:-10])
    assert "is damaged" in keys_command("B", "restore", "a.age", *passphrase(), expect=2)


@pytest.mark.parametrize("name", ["../evil.json", "/etc/evil.json", "a/b/c.json", "devices/..", "", "devices/.x.json"])
def test_a_backup_writes_nowhere_else(sites, keys_command, monkeypatch, name):
    # Opening for real takes two seconds each, and is what the other tests are about.
    monkeypatch.setattr(backup, "open_with_passphrase", lambda data, *_: data)
    values = {"kind": "celltrail key store", "version": 1, "made_utc": "", "files": {name: ""}}
    write("a.age", json.dumps(values).encode())
    assert "no backup of a key store" in keys_command("C", "restore", "a.age", *passphrase(), expect=2)
    assert content(sites["C"]) == {}


def test_an_empty_store_has_nothing_to_back_up(sites, keys_command):
    sites["C"].folder.mkdir(mode=0o700)
    assert "nothing in this key store" in keys_command("C", "backup", "-o", "a.age", *passphrase(), expect=2)


def test_an_old_key_file_is_read(sites):
    path = sites["A"].folder / "devices" / f"{UID.hex()}.json"
    values = json.loads(path.read_text())
    assert set(values) == {"version", "uid", "name", "key", "made_utc"}
    assert sites["A"].device_key(UID, seals.key_id(DEVICE_KEY)) == DEVICE_KEY
