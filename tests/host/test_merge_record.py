"""What a merged file says of how it was read, so that an honest one verifies and nothing that was noted is lost."""

from functools import partial
from itertools import permutations

import cbor2
import pytest

from celltrail.errors import UsageFault
from celltrail.evidence.signature import check_signature
from celltrail.evidence.trail import TrailParts, read_trail, trail_bytes
from celltrail.evidence.verify import verify_file
from celltrail.keys.signing import known_as
from celltrail.operate.merge import merge
from celltrail.operate.merge_source import load_source, load_sources
from celltrail.operate.part_file import PartFile
from celltrail.operate.signing import write_signed
from celltrail_protocol import codes
from tests.host.forge import START_UTC_MS, Forge, a_plan

READINGS = [i * 7919 % 9973 for i in range(480)]


def pairs_at(boot, *ticks):
    return [[boot, tick, START_UTC_MS - 5000 + tick, 50, codes.CLOCK_HOST] for tick in ticks]


def status_of(forge, **changes):
    told = {"trip": 3, "boot": forge.boot, "tick": forge.now_ms - 1000, "sectors": forge.index + 1}
    return told | {"used": forge.last_end, "state": codes.STATE_LOGGING} | changes


def read_now(forge, **meta):
    """An honest read-out of a running trip: one tick noted before the live proof, one after it."""
    pairs = pairs_at(forge.boot, forge.now_ms - 500, forge.now_ms + 2000)
    return forge.running_parts(status=status_of(forge), pairs=pairs, **meta)


def interrupted(forge, indices, **meta):
    """What came of a read-out that was broken off: one tick was noted, some sectors are whole."""
    told = forge.meta(status=status_of(forge), pairs=pairs_at(forge.boot, forge.now_ms - 500), **meta)
    return TrailParts(told, [(index, forge.sealed[index]) for index in indices])


def flown(sectors):
    forge = Forge(settings=a_plan())
    forge.arm()
    forge.begin()
    fly_on(forge, sectors)
    return forge


def fly_on(forge, sectors):
    while len(forge.sealed) < sectors:
        forge.readings(480 * len(forge.sealed), READINGS)
        forge.roll()
    forge.readings(480 * sectors, READINGS[:200])


def three():
    """Broken off early, read whole, broken off later: the second one has the open end."""
    forge = flown(1)
    early = interrupted(forge, [0], operator="E")
    fly = flown(2)
    whole = read_now(fly, operator="W")
    late_forge = flown(4)
    return early, whole, interrupted(late_forge, [0, 1], operator="L")


EARLY, WHOLE, LATE = THREE = three()


def written(folder, *parts):
    paths = [folder / f"{number}.trail" for number, _ in enumerate(parts)]
    for path, one in zip(paths, parts, strict=True):
        path.write_bytes(trail_bytes(one))
    return paths


def merged(paths):
    result = merge(load_sources(paths), "OP9")
    assert result.conflicts == ()
    return result.parts


def meta_of(*parts, folder):
    return merged(written(folder, *parts)).meta


def test_the_status_is_that_of_the_open_end_and_later_pairs_are_left_out(tmp_path, keys):
    path = tmp_path / "m.trail"
    parts = merged(written(tmp_path, *THREE))
    assert parts.open_part[0] == 2
    assert parts.meta["status"] == WHOLE.meta["status"]
    assert parts.meta["pairs"] == EARLY.meta["pairs"] + WHOLE.meta["pairs"]
    write_signed(path, parts, keys, "OP9")
    verdict = verify_file(path, keys)
    assert (verdict.word, verdict.faults) == ("recording", [])


def test_without_an_open_end_the_latest_tells_and_all_pairs_stay(tmp_path):
    meta = meta_of(EARLY, LATE, folder=tmp_path)
    assert meta["status"] == LATE.meta["status"]
    assert meta["pairs"] == EARLY.meta["pairs"] + LATE.meta["pairs"]


def test_nothing_that_was_noted_is_lost(tmp_path):
    sources = meta_of(*THREE, folder=tmp_path)["sources"]
    found = {one["operator"]: (one["status"], one["pairs"]) for one in sources}
    assert found == {one.meta["operator"]: (one.meta["status"], one.meta["pairs"]) for one in THREE}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_in_whatever_order_and_steps_it_is_the_same_file(tmp_path, order):
    paths = written(tmp_path, *THREE)
    once = trail_bytes(merged(paths))
    first, second, third = (paths[number] for number in order)
    step = tmp_path / "step.trail"
    step.write_bytes(trail_bytes(merged([first, second])))
    assert trail_bytes(merged([third, step])) == once


def test_pairs_of_boots_outside_the_record_stay_in_the_order_of_time(tmp_path, keys):
    forge = flown(1)
    forge.now_ms += 1000
    forge.close()
    before = forge.closed_parts(status=status_of(forge, boot=1), pairs=pairs_at(1, forge.now_ms + 1000))
    after = forge.closed_parts(status=status_of(forge, boot=3), pairs=pairs_at(3, 9000) + pairs_at(2, 700))
    parts = merged(written(tmp_path, after, before))
    assert [pair[0] for pair in parts.meta["pairs"]] == [1, 2, 3]
    assert parts.meta["status"]["boot"] == 3
    write_signed(tmp_path / "m.trail", parts, keys, "")
    assert verify_file(tmp_path / "m.trail", keys).word == "closed"


@pytest.mark.parametrize(
    ("first", "boots", "kept"),
    [
        pytest.param(65_534, [0, 65_535, 1, 65_534], [65_534, 65_535, 0, 1], id="the count wraps"),
        pytest.param(4, [5, 3, 4, 65_535], [4, 5], id="boots before the record say nothing of it"),
    ],
)
def test_boots_follow_the_first_of_the_record(tmp_path, first, boots, kept):
    forge = Forge(settings=a_plan())
    forge.boot = first
    # The pen begins with a sector of boot 1; this one is the first that is kept.
    forge.roll()
    forge.close()
    meta = forge.meta(pairs=[pair for boot in boots for pair in pairs_at(boot, 9000)])
    parts = merged(written(tmp_path, TrailParts(meta, [(1, forge.sealed[1])])))
    assert [pair[0] for pair in parts.meta["pairs"]] == kept


@pytest.mark.parametrize(
    "sources", [[], "x", [1], [{"sha256": 1}], [{"sha256": b"short"}], [{"name": "x"}], [[bytes(32)]]]
)
def test_a_list_of_sources_that_is_none_is_not_believed(tmp_path, sources):
    (path,) = written(tmp_path, TrailParts({**EARLY.meta, "sources": sources}, EARLY.runs))
    assert [one["sha256"] for one in load_source(path).origins] == [load_source(path).digest]


def test_sources_without_a_record_of_their_own(tmp_path):
    sources = [{"sha256": bytes(32), "status": 7, "pairs": [[1, -1, 0, 0, 0], 5], "operator": 3}]
    (path,) = written(tmp_path, TrailParts({**EARLY.meta, "sources": sources}, EARLY.runs))
    meta = merged([path]).meta
    plain = {"sha256": bytes(32), "name": "", "operator": "3", "host": "", "status": {}, "pairs": []}
    assert (meta["sources"], meta["status"], meta["pairs"]) == ([plain], {}, [])


def test_a_record_that_holds_itself(tmp_path, monkeypatch):
    endless = []
    endless.append(endless)
    with monkeypatch.context() as patch:
        patch.setattr(cbor2, "dumps", partial(cbor2.dumps, value_sharing=True))
        (path,) = written(tmp_path, TrailParts({**EARLY.meta, "status": {"x": endless}}, EARLY.runs))
    with pytest.raises(UsageFault, match=r"0\.trail: section META does not hold a CBOR map"):
        load_source(path)


def test_an_unfinished_read_out_whose_note_holds_itself(tmp_path, monkeypatch):
    endless = []
    endless.append(endless)
    path = tmp_path / "x.trail.part"
    with PartFile(path, EARLY.meta["uid"], EARLY.meta["trip"]) as part:
        part.keep(0, EARLY.runs[0][1][:4096])
        with monkeypatch.context() as patch:
            patch.setattr(cbor2, "dumps", partial(cbor2.dumps, value_sharing=True))
            part.take_note({"status": {"x": endless}})
    assert load_source(path).trail.meta == {"uid": EARLY.meta["uid"], "trip": EARLY.meta["trip"], "name": ""}


def test_a_record_that_nobody_would_read_is_not_written():
    pairs = [[1, tick, tick, 1, 1] for tick in range(60_000)]
    with pytest.raises(UsageFault, match="merge fewer files at a time"):
        trail_bytes(TrailParts({**EARLY.meta, "pairs": pairs}, EARLY.runs))


def test_a_merged_file_is_signed_by_who_merged(tmp_path, keys):
    path = tmp_path / "m.trail"
    assert write_signed(path, merged(written(tmp_path, *THREE)), keys, "OP9") is None
    found = check_signature(read_trail(path), lambda public: known_as(keys, public))
    assert (found.state, found.operator, found.verdict, found.known_as) == ("good", "OP9", "recording", "this computer")
    assert trail_bytes(merged([path])) == trail_bytes(merged(written(tmp_path, *THREE)))
