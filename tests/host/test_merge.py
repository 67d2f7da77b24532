import json
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from celltrail.cli.main import run
from celltrail.evidence.trail import TrailParts, parse_trail, read_trail, trail_bytes
from celltrail.evidence.verify import verify_file
from celltrail.keys.keystore import KeyStore
from celltrail.keys.signing import host_signer
from celltrail.operate.merge import merge
from celltrail.operate.merge_source import load_source, load_sources
from celltrail.operate.part_file import PartFile
from tests.host.forge import K0, UID, Forge, a_plan


def flight(close, k0=K0):
    """Readings that pack badly, so that a few days fill some sectors."""
    forge = Forge(k0=k0, settings=a_plan())
    forge.arm()
    forge.begin()
    for slot in range(0, 9600, 480):
        forge.readings(slot, [i * 7919 % 9973 for i in range(slot, slot + 480)])
        forge.checkpoint()
    forge.now_ms += 1000
    if close:
        forge.close()
    else:
        forge.pend(9600, [640])
        forge.pend(9601, [641])
    return forge


CLOSED, RUNNING = flight(close=True), flight(close=False)
SECTORS = list(enumerate(CLOSED.sealed))
OTHER_K0 = bytes(32)


@pytest.fixture
def keys(tmp_path, monkeypatch):
    store = KeyStore(tmp_path / "keys")
    store.save_trip(UID, CLOSED.trip, K0)
    monkeypatch.setenv("CELLTRAIL_KEYS", str(tmp_path / "keys"))
    return store


def written(folder, **files):
    """One .trail file for each of the named parts; their paths in order."""
    paths = []
    for name, parts in files.items():
        paths.append(folder / f"{name}.trail")
        paths[-1].write_bytes(trail_bytes(parts))
    return paths


def some(forge, indices, **meta):
    """A read-out of a few of the sealed sectors."""
    return TrailParts(forge.meta(**meta), [(index, forge.sealed[index]) for index in sorted(indices)])


def merged(paths):
    """The new file's bytes; the conflicts as text when there are any."""
    result = merge(load_sources(paths), "OP9")
    assert (result.parts is None) == bool(result.conflicts)
    return [one.line for one in result.conflicts] if result.parts is None else trail_bytes(result.parts)


def content(data):
    """Everything but the read-out record."""
    trail = parse_trail(data, None)
    return [(one.index, one.whole, bytes(one.data)) for one in trail.sectors], trail.pending, trail.live


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("merge")


def status(boot, tick, **more):
    return {"trip": CLOSED.trip, "boot": boot, "tick": tick, "sectors": 1, **more}


def test_the_forged_trip_is_worth_splitting():
    assert len(SECTORS) >= 4


@settings(max_examples=60)
@given(data=st.data(), seed=st.integers(0, 9999))
def test_any_split_in_any_order_merges_to_the_same(folder, data, seed):
    count = data.draw(st.integers(1, 5))
    where = [data.draw(st.sets(st.integers(0, count - 1), min_size=1)) for _ in SECTORS]
    ops = [{"operator": f"OP{i}", "pairs": [[1, 1000 * i, 5, 5, 1]]} for i in range(count)]
    parts = {
        f"f{i}": some(CLOSED, [n for n, holders in enumerate(where) if i in holders], **ops[i]) for i in range(count)
    }
    paths = written(folder, **parts)
    once = merged(paths)
    random.Random(seed).shuffle(paths)
    assert merged(paths) == once
    assert content(once)[0] == [(index, True, sector) for index, sector in SECTORS]
    assert parse_trail(once, None).meta["pairs"] == [[1, 1000 * i, 5, 5, 1] for i in range(count)]
    cut = data.draw(st.integers(0, count))
    if 0 < cut < count:
        step = folder / "step.trail"
        step.write_bytes(merged(paths[:cut]))
        assert merged([*paths[cut:], step]) == once


def test_the_sources_stay_traceable(folder, keys):
    paths = written(folder, a=some(CLOSED, [0, 1], operator="A"), b=some(CLOSED, range(1, len(SECTORS)), operator="B"))
    meta = parse_trail(merged([*paths, paths[0]]), None).meta
    sources = {one["name"]: one for one in meta["sources"]}
    assert {name: one["operator"] for name, one in sources.items()} == {"a.trail": "A", "b.trail": "B"}
    assert sources["a.trail"]["sha256"] == load_source(paths[0]).digest
    assert sources["a.trail"]["host"] == "celltrail test"
    assert meta["operator"] == "OP9"
    assert meta["host"].startswith("celltrail ")


def stages():
    """One trip, read at four stages: an early open end, more of it, its sector sealed, closed."""
    forge = Forge(settings=a_plan())
    forge.arm()
    forge.begin()
    forge.readings(0, [600 + (i * 7919) % 400 for i in range(240)])
    early = forge.running_parts(status=status(1, forge.now_ms))
    forge.pend(240, [640])
    more_pending = forge.running_parts(status=status(1, forge.now_ms))
    forge.pending = b""
    forge.readings(240, [600 + (i * 7919) % 400 for i in range(240)])
    later = forge.running_parts(status=status(1, forge.now_ms))
    slot = 480
    while not forge.sealed:
        forge.readings(slot, [600 + (i * 7919) % 400 for i in range(120)])
        slot += 120
    sealed = forge.running_parts(status=status(1, forge.now_ms, sectors=2))
    forge.now_ms += 1000
    forge.close()
    return early, more_pending, later, sealed, forge.closed_parts(status=status(1, forge.now_ms, sectors=2))


STAGES = stages()


@pytest.mark.parametrize("newest", range(1, 5))
@pytest.mark.parametrize("backwards", [False, True])
def test_the_newest_open_end_is_taken(folder, newest, backwards):
    paths = written(folder, **{f"s{i}": STAGES[i] for i in range(newest + 1)})
    data = merged(paths[::-1] if backwards else paths)
    assert content(data) == content(trail_bytes(STAGES[newest]))
    assert parse_trail(data, None).meta["status"] == STAGES[newest].meta["status"]


@pytest.mark.parametrize("newest", range(5))
def test_a_merged_file_verifies_as_any(folder, keys, newest):
    path = folder / "verified.trail"
    path.write_bytes(merged(written(folder, **{f"s{i}": STAGES[i] for i in range(newest + 1)})))
    assert verify_file(path, keys).word == ("closed" if newest == 4 else "recording")


def test_a_ring_that_wraps_between_two_read_outs(folder, keys):
    early = TrailParts(RUNNING.meta(), [(i, RUNNING.sealed[i]) for i in range(2)], (2, RUNNING.sealed[2][:1000]))
    for forge, word in ((CLOSED, "closed"), (RUNNING, "recording")):
        whole = forge.closed_parts() if forge is CLOSED else forge.running_parts()
        runs = [(i, sector) for i, sector in enumerate(forge.sealed) if i >= 2]
        assert len(runs) >= 2
        path = folder / f"{word}.trail"
        path.write_bytes(merged(written(folder, early=early, late=replace(whole, runs=runs))))
        assert verify_file(path, keys).word == word


def test_an_open_end_that_nobody_has_sealed_is_left_out_with_a_word(folder):
    early = TrailParts(RUNNING.meta(), [(0, RUNNING.sealed[0])], (1, RUNNING.sealed[1][:1000]))
    paths = written(folder, early=early, late=some(RUNNING, [2, 3]))
    result = merge(load_sources(paths))
    assert [index for index, _ in result.parts.runs] == [0, 2, 3]
    assert result.parts.open_part is None
    assert "early.trail: its open end of sector 1 is left out" in result.notes[0]


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]


def test_a_sealed_sector_with_other_bytes(folder):
    other = replace(some(CLOSED, [0, 1]), runs=[(0, CLOSED.sealed[0]), (1, flipped(CLOSED.sealed[1], 777))])
    lines = merged(written(folder, a=some(CLOSED, range(len(SECTORS))), b=other))
    assert len(lines) == 1
    assert "sector 1, offset 777: the sealed bytes differ" in lines[0]
    assert "a.trail" in lines[0]
    assert "b.trail" in lines[0]


def test_an_open_sector_that_is_not_the_beginning_of_the_sealed_one(folder):
    opened = TrailParts(CLOSED.meta(), [], (1, flipped(CLOSED.sealed[1][:2000], 1500)))
    lines = merged(written(folder, a=some(CLOSED, [0, 1]), b=opened))
    assert ["sector 1, offset 1500: the open sector is not the beginning" in line for line in lines] == [True]


def test_two_open_ends_that_contradict_each_other(folder):
    early, _, later = STAGES[:3]
    bent = replace(early, open_part=(0, flipped(early.open_part[1], 300)), live=None)
    lines = merged(written(folder, a=bent, b=later))
    assert ["sector 0, offset 300: neither open sector" in line for line in lines] == [True]


def test_pending_readings_that_contradict_each_other(folder):
    _, some_pending, *_ = STAGES
    bent = replace(some_pending, pending=flipped(some_pending.pending, 6), live=None)
    assert ["the pending readings differ" in line for line in merged(written(folder, a=bent, b=some_pending))] == [True]


def test_a_live_proof_of_something_else(folder):
    early, _, later = STAGES[:3]
    lines = merged(written(folder, a=replace(early, live=later.live), b=later))
    assert ["the live proof is about another open end" in line for line in lines] == [True]


def test_live_proofs_whose_keys_go_backwards(folder):
    early, _, later = STAGES[:3]
    lines = merged(written(folder, a=replace(early, live=early.live | {"epoch": 9}), b=later))
    assert ["the key's epoch is 9 up to sector 0 and 0 after it" in line for line in lines] == [True]


def test_an_open_end_after_the_closing_seal(folder):
    opened = TrailParts(CLOSED.meta(), [], (len(SECTORS), b"\xff" * 200))
    lines = merged(written(folder, a=CLOSED.closed_parts(), b=opened))
    assert any("the trip was closed in sector" in line for line in lines)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"trip": 4}, "trips "),
        ({"uid": bytes(7) + b"x"}, "loggers "),
        ({"settings": a_plan(wrap=True)}, "the settings differ"),
    ],
)
def test_read_outs_of_different_trips(folder, change, words):
    other = Forge(**change)
    other.arm()
    other.begin()
    other.readings(0, [640] * 50)
    other.close()
    lines = merged(written(folder, a=CLOSED.closed_parts(), b=other.closed_parts()))
    assert len(lines) == 1
    assert words in lines[0]


def test_a_read_out_record_that_names_another_trip_than_the_sectors(folder):
    lines = merged(written(folder, a=CLOSED.closed_parts(trip=8)))
    assert "names another logger or trip than the sectors" in lines[0]


def test_sectors_of_two_trips_with_the_same_number(folder):
    twin = flight(close=True, k0=OTHER_K0)
    lines = merged(written(folder, a=some(CLOSED, [0, 1]), b=some(twin, [2, 3])))
    assert ["sector 2: does not follow from the seal of sector 1" in line for line in lines] == [True]


def test_an_unfinished_read_out_gives_its_whole_sectors(folder, keys):
    path = folder / "x.trail.part"
    path.unlink(missing_ok=True)
    with PartFile(path, UID, CLOSED.trip) as part:
        part.take_note(CLOSED.meta(operator="OP5") | {"written": [bytes(32), 0, 0, 1]})
        part.keep(0, CLOSED.sealed[0] + CLOSED.sealed[1] + CLOSED.sealed[2][:100])
    alone = parse_trail(merged([path]), None)
    assert [one.index for one in alone.sectors] == [0, 1]
    assert (alone.meta["name"], alone.meta["sources"][0]["operator"]) == ("CT-3F2A91", "OP5")
    rest = written(folder, rest=some(CLOSED, range(2, len(SECTORS))))
    out = folder / "rescued.trail"
    out.write_bytes(merged([path, *rest]))
    assert verify_file(out, keys).word == "closed"


def command(capsys, *words, expect):
    capsys.readouterr()
    assert run(["merge", *map(str, words)]) == expect
    return capsys.readouterr()


def test_the_command(tmp_path, keys, capsys):
    paths = written(tmp_path, a=some(CLOSED, [0, 1]), b=some(CLOSED, range(1, len(SECTORS))))
    before = [path.read_bytes() for path in paths]
    out = tmp_path / "out.trail"
    said = command(capsys, *paths, "-o", out, expect=0)
    assert said.out == f"{out}: closed; {len(SECTORS)} sectors from 2 files\n"
    assert [path.read_bytes() for path in paths] == before
    assert "exists already" in command(capsys, *paths, "-o", out, expect=2).err
    assert "exists already" in command(capsys, *paths, "-o", paths[0], expect=2).err
    assert [path.read_bytes() for path in paths] == before
    document = json.loads(command(capsys, *paths, "-o", tmp_path / "o2.trail", "--json", expect=0).out)
    assert document["verdict"]["verdict"] == "closed"
    assert sorted(one["sectors"] for one in document["sources"]) == [2, len(SECTORS) - 1]
    assert sum(one["sectors_new"] for one in document["sources"]) == len(SECTORS)
    assert run(["verify", str(out), "--public-key", host_signer(keys).public.hex()]) == 0


def test_who_can_not_sign_still_merges(tmp_path, keys, capsys):
    (keys.folder / "identity").write_text("in the way")
    paths = written(tmp_path, a=CLOSED.closed_parts())
    out = tmp_path / "out.trail"
    assert "the read-out is not signed" in command(capsys, *paths, "-o", out, expect=0).err
    assert read_trail(out).signed is None


def test_the_command_on_what_is_not_all(tmp_path, keys, capsys):
    paths = written(tmp_path, a=some(CLOSED, [0]), b=some(CLOSED, [2]))
    assert "parts missing" in command(capsys, *paths, "-o", tmp_path / "out.trail", expect=1).out
    assert (tmp_path / "out.trail").exists()


def test_the_command_on_a_conflict(tmp_path, keys, capsys):
    bent = replace(some(CLOSED, [0]), runs=[(0, flipped(CLOSED.sealed[0], 500))])
    paths = written(tmp_path, a=some(CLOSED, [0]), b=bent)
    out = tmp_path / "out.trail"
    said = command(capsys, *paths, "-o", out, expect=1).out
    assert said.splitlines()[0] == f"not merged: 1 contradiction; {out} was not written"
    assert "sector 0, offset 500" in said
    document = json.loads(command(capsys, *paths, "-o", out, "--json", expect=1).out)
    assert document["conflicts"][0]["offset"] == 500
    assert document["file"] is None
    assert not out.exists()


def test_the_command_on_unreadable_files(tmp_path, keys, capsys):
    good = written(tmp_path, a=some(CLOSED, [0]))[0]
    bad = tmp_path / "bad.trail"
    for data, words in [
        (b"hello", "not a .trail file"),
        (good.read_bytes()[:-9], "cut off"),
        (b"CTPART1\njunk", "not an unf"),
    ]:
        bad.write_bytes(data)
        err = command(capsys, good, bad, "-o", tmp_path / "out.trail", expect=2).err
        assert words in err
        assert err.count("\n") == 1
    command(capsys, good, tmp_path / "no.trail", "-o", tmp_path / "out.trail", expect=2)
    command(capsys, good, expect=2)
    assert not (tmp_path / "out.trail").exists()


def test_without_the_key(tmp_path, capsys, monkeypatch):
    (tmp_path / "empty").mkdir(mode=0o700)
    monkeypatch.setenv("CELLTRAIL_KEYS", str(tmp_path / "empty"))
    paths = written(tmp_path, a=some(CLOSED, [0, 1]), b=some(CLOSED, range(1, len(SECTORS))))
    assert "not checkable" in command(capsys, *paths, "-o", tmp_path / "out.trail", expect=5).out
    assert read_trail(tmp_path / "out.trail").finished


def test_help_has_examples(capsys):
    assert "Examples:" in command(capsys, "--help", expect=0).out
