"""Two sites and a third, a rotation, and a guesser, against the real firmware."""

import asyncio

import pytest

from celltrail.errors import ErrorAnswer
from celltrail.keys.keystore import KeyStore
from celltrail.link.address import parse_address
from celltrail.link.session import open_session
from celltrail_protocol import smp


def recipient(cli, site):
    return cli("keys", "show", "--json", "--keys", site).json["recipient"]


def test_the_other_site_checks_what_the_first_one_read(cli, start):
    device = ("-d", start().address)
    a, b, c = (("--keys", name) for name in "ABC")
    cli("provision", *device, *a, "--operator", "LAB-7")
    cli("arm", "2-8C", "--yes", *device, *a, "--operator", "LAB-7")
    cli("stop", *device, *a, "--operator", "LAB-7")
    to = ("--to", recipient(cli, "B"), "-o", "b.age")
    recipient(cli, "C")
    assert "could forge one" in cli("keys", "export", "1", *to, *a, expect=4).err
    name = cli("download", *device, "-o", "trip.trail", "--json", *a, "--operator", "LAB-7").json["name"]
    assert "complete; seals not checked" in cli("verify", "trip.trail", *b, expect=5).out
    cli("keys", "export", f"{name}-1", *to, *a)
    assert "for somebody else" in cli("keys", "import", "b.age", *c, expect=4).err
    assert cli("keys", "import", "b.age", "--json", *b).json["new_trip"] is True
    assert cli("verify", "trip.trail", "--json", *b).json["verdict"] == "closed"
    cli("verify", "trip.trail", *c, expect=5)
    assert "holds no key for" in cli("erase", "--yes", *device, *b, expect=4).err
    # With the device key the other site may command the logger, and its next record says who did.
    cli("keys", "export", "1", *to, *a, "--device-key", "--yes", "--force")
    cli("keys", "import", "b.age", *b)
    cli("erase", "--yes", *device, *b, "--operator", "SITE-B")
    cli("arm", "CRT", "--yes", *device, *b, "--operator", "SITE-B")
    cli("stop", *device, *b)
    cli("download", *device, "-o", "next.trail", *b)
    events = cli("show", "--audit", "--json", "next.trail", *b).json["audit"]
    assert [(one["what"], one["who"]) for one in events[:3]] == [
        ("acknowledge", "LAB-7"),
        ("erase", "SITE-B"),
        ("arm", "SITE-B"),
    ]


def test_a_rotation_and_what_it_leaves(cli, start):
    device = ("-d", start().address)
    cli("provision", *device)
    cli("keys", "backup", "-o", "old.age", "--passphrase-file", passphrase(cli))
    cli("arm", "2-8C", "--yes", *device)
    cli("keys", "rotate", "--yes", *device, "--operator", "QA-1")
    cli("keys", "restore", "old.age", "--passphrase-file", "pw", "--keys", "old")
    assert "does not accept this device key" in cli("stop", *device, "--keys", "old", expect=4).err
    cli("stop", *device, "--operator", "LAB-7")
    answer = cli("download", *device, "-o", "trip.trail", "--json").json
    assert answer["acknowledged"] is True
    events = cli("show", "--audit", "--json", "trip.trail").json["audit"]
    (rotated,) = [one for one in events if one["what"] == "rotate"]
    assert (rotated["who"], rotated["how"]) == ("QA-1", "key")
    # An honest mistake is no wrong proof.
    assert not [one for one in events if one["what"] == "wrong key"]


def passphrase(cli):
    (cli.folder / "pw").write_text("correct horse battery\n")
    return "pw"


def test_a_rotation_that_was_cut_short_goes_on(cli, start):
    logger = start()
    device = ("-d", logger.address)
    cli("provision", *device)
    cli("arm", "2-8C", "--yes", *device)
    store = KeyStore(cli.folder / "keys")
    uid = store.devices()[0].uid
    # Killed before the request went out.
    store.save_next_key(uid, bytes(range(32)))
    assert "a rotation is open" in cli("keys", "show").out
    cli("mark", "packed", *device)
    assert cli("keys", "rotate", "--yes", *device, "--json").json["finished_earlier"] is False
    # Killed before the answer was read: the logger has the key that was under way.
    (entry,) = store.devices()
    path = store.folder / "devices" / f"{uid.hex()}.json"
    text = path.read_text().replace(f'"key": "{entry.key.hex()}"', f'"key": "{entry.former[0].hex()}"')
    path.write_text(text.replace('"next": null', f'"next": "{entry.key.hex()}"'))
    cli("mark", "packed", *device)
    assert cli("keys", "rotate", "--yes", *device, "--json").json["finished_earlier"] is True
    assert store.device_key(uid) == entry.key
    cli("stop", *device)


def test_a_guesser_keeps_nobody_out_and_is_told_once(cli, start):
    logger = start()
    device = ("-d", logger.address)
    cli("provision", *device)
    cli("arm", "2-8C", "--yes", *device)

    async def guess(times):
        async with open_session(parse_address(logger.address)) as session:
            for _ in range(times):
                with pytest.raises(ErrorAnswer, match="does not accept this device key"):
                    await session.prove(smp.CMD_STOP, {"op": "X"}, bytes(32))

    for _ in range(2):
        asyncio.run(guess(2))
        assert cli("mark", "packed", *device, "--json").json["proven"] is True
    cli("stop", *device)
    cli("download", *device, "-o", "trip.trail")
    events = cli("show", "--audit", "--json", "trip.trail").json["audit"]
    assert len([one for one in events if one["what"] == "wrong key"]) == 1
    assert len([one for one in events if one["what"] == "mark"]) == 2
