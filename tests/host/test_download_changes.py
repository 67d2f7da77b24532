"""The record changes while it is read: reboots, wraps, ends, is followed by another, is read by a second host."""

import asyncio

import pytest
from fakes import K0, arm, plan

from celltrail.errors import RefusedFault
from celltrail.evidence.trail import write_trail
from celltrail.evidence.verify import verify_file
from celltrail.operate import readout
from celltrail.operate.download import Download, Wish
from celltrail.operate.merge import merge
from celltrail.operate.merge_source import load_sources
from celltrail.operate.part_file import read_part
from celltrail_protocol import smp
from tests.host.download_bench import ADDRESS, Told, running
from tests.host.real_logger import DOWNLOAD, TO_HOST, RealLogger

LIVE = (smp.GROUP_CELLTRAIL, smp.CMD_LIVE)
HASH = (smp.GROUP_FS, smp.FS_HASH)


def once(logger, when, what):
    """Do `what` when the `when`-th download request comes; a command instead of a number: at its first request."""
    seen = []

    def on_message(group, command):
        if (group, command) == (when if isinstance(when, tuple) else DOWNLOAD):
            seen.append(1)
            if len(seen) == (1 if isinstance(when, tuple) else when):
                what()

    logger.on_message = on_message


def same_as_later(bench, trail, path="later.trail"):
    """What was read is what a read-out afterwards finds in the same sectors."""
    _, later = bench.read(bench.folder / path)
    whole = {one.index: bytes(one.data) for one in later.sectors}
    return all(whole[one.index][: len(one.data)] == bytes(one.data) for one in trail.sectors)


@pytest.mark.parametrize("when", [1, 3, 8, 9, LIVE])
def test_the_logger_reboots(bench, when):
    made = bench(running())
    logger = made.logger

    def reboot():
        logger.cut_at = (TO_HOST, logger.passed[TO_HOST])
        logger.reboot()

    once(logger, when, reboot)
    outcome, trail = made.read()
    assert outcome.verdict.word == "recording"
    assert logger.cuts == 1
    assert logger.asked_again == []
    assert len({pair[0] for pair in trail.meta["pairs"]}) == 2
    assert same_as_later(made, trail)


def test_the_logger_comes_back_between_two_sectors(bench, mocker):
    made = bench(running())
    logger, waited = made.logger, []
    ring = logger.app.trip.ring
    mocker.patch.object(ring, "is_between", side_effect=lambda: len(waited) < 3)

    async def wait(seconds):
        waited.append(seconds)

    mocker.patch.object(readout.asyncio, "sleep", wait)
    assert made.read()[0].verdict.word == "recording"
    assert waited == [readout.TOO_SOON_PAUSE_S] * 3


def wrapping():
    """A ring of five sectors that is full: the next one overwrites its oldest."""
    logger = RealLogger(11, wrap=True)
    logger.fly_until(4)
    return logger


@pytest.mark.parametrize("when", [1, 2, 5, 9, 20])
def test_the_ring_wraps(bench, when):
    made = bench(wrapping())
    logger, told = made.logger, Told()

    def wrap():
        logger.fly_until(logger.app.trip.ring.sectors() + 2)

    once(logger, when, wrap)
    outcome, trail = made.read(told=told)
    there = {one.index for one in trail.sectors}
    last = max(there)
    first = logger.app.trip.ring.places.first_index()
    assert there >= set(range(first, last + 1))
    assert last == logger.app.trip.ring.index
    missing = sorted(set(range(last)) - there)
    assert [index for line in told.lines for index in named(line)] == missing
    assert outcome.verdict.word == ("parts missing" if missing else "recording")
    lost = outcome.to_json()["sectors_lost"]
    assert [index for first, last in lost for index in range(first, last + 1)] == missing


@pytest.mark.parametrize("stopped", [False, True])
def test_what_the_ring_has_overwritten_by_plan_is_not_waited_for(bench, stopped):
    made = bench(wrapping())
    logger = made.logger
    made.keys.save_trip(logger.app.board.uid, logger.trip, K0, logger.receipt())
    logger.fly_until(7)
    if stopped:
        logger.stop()
    outcome, trail = made.read()
    assert outcome.verdict.word == "parts missing"
    assert min(one.index for one in trail.sectors) == outcome.verdict.overwritten > 0
    assert outcome.acknowledged
    ring, state = logger.app.trip.ring, logger.app.trip.state
    assert (state.read_index, state.read_used) == (ring.index, ring.used())
    assert len(made.keys.trip(logger.app.board.uid, logger.trip).read_outs) == 1


def test_a_sector_that_was_lost_and_is_not_overwritten_stays_unread(bench, mocker):
    made = bench(wrapping())
    logger = made.logger
    made.keys.save_trip(logger.app.board.uid, logger.trip, K0, logger.receipt())
    logger.fly_until(7)
    ring = logger.app.trip.ring
    first, honest = ring.places.first_index(), ring.read_into
    mocker.patch.object(ring, "read_into", lambda index, offset, buf: index != first and honest(index, offset, buf))
    outcome, trail = made.read()
    assert min(one.index for one in trail.sectors) == first + 1 == outcome.verdict.overwritten
    assert not outcome.acknowledged
    assert made.keys.trip(logger.app.board.uid, logger.trip).read_outs == ()


def named(line):
    """The sectors that a message names."""
    words = line.replace(",", "").split()
    if words[0] == "sector":
        return [int(words[1])]
    return list(range(int(words[1]), int(words[3]) + 1))


def test_a_sector_that_came_in_part_is_overwritten(bench):
    made = bench(wrapping())
    logger, told = made.logger, Told()

    def cut_and_wrap():
        logger.cut_at = (TO_HOST, logger.passed[TO_HOST])
        logger.fly_until(logger.app.trip.ring.sectors() + 3)

    once(logger, 2, cut_and_wrap)
    outcome, trail = made.read(told=told)
    assert 0 not in [one.index for one in trail.sectors]
    assert outcome.verdict.word == "parts missing"
    assert "sector" in told.lines[-1]
    assert "were overwritten" in told.lines[-1]


def test_a_sector_that_the_flash_does_not_give(bench, mocker):
    made = bench(running())
    logger, told = made.logger, Told()
    ring = logger.app.trip.ring
    honest = ring.read_into
    mocker.patch.object(ring, "read_into", lambda index, offset, buf: index != 1 and honest(index, offset, buf))
    outcome, trail = made.read(told=told)
    assert [one.index for one in trail.sectors] == [0, 2]
    assert named(told.lines[-1]) == [1]
    assert outcome.verdict.word == "parts missing"
    assert not outcome.acknowledged


@pytest.mark.parametrize("when", [1, 4, 9, LIVE])
def test_the_trip_ends(bench, when):
    made = bench(running())
    once(made.logger, when, made.logger.stop)
    outcome, trail = made.read()
    assert outcome.verdict.word == "closed"
    assert made.logger.asked_again == []
    assert same_as_later(made, trail)


@pytest.mark.parametrize("when", [1, 4, 9, LIVE])
def test_a_sector_is_sealed(bench, when):
    made = bench(running())
    logger = made.logger
    once(logger, when, lambda: logger.fly_until(logger.app.trip.ring.sectors() + 1))
    outcome, trail = made.read()
    assert outcome.verdict.word == "recording"
    assert len(trail.sectors) == 4
    assert logger.asked_again == []
    assert same_as_later(made, trail)


@pytest.mark.parametrize("when", [9, LIVE])
def test_readings_are_packed(bench, when):
    made = bench(running())
    once(made.logger, when, lambda: made.logger.fly(70))
    outcome, trail = made.read()
    assert outcome.verdict.word == "recording"
    assert same_as_later(made, trail)


@pytest.mark.parametrize("when", [3, 9])
@pytest.mark.parametrize("erased", [False, True])
def test_another_trip_is_armed(bench, when, erased):
    made = bench(running())
    logger = made.logger

    def next_trip():
        logger.stop()
        if erased:
            logger.host.prove(smp.CMD_ERASE, {"op": "AB", "discard": True})
        else:
            arm(logger.host, plan(), discard=True)
        logger.fly(5)

    once(logger, when, next_trip)
    path = made.folder / "t.trail"
    why = "it was erased" if erased else "trip 2 was begun"
    with pytest.raises(RefusedFault, match=rf"has no trip 1 any more, {why} meanwhile.*t\.trail\.part.*merge"):
        made.read(path)
    assert not path.exists()
    assert read_part(path.with_name("t.trail.part")).pieces.size >= 1024


def test_a_trip_that_is_not_there_leaves_nothing(bench):
    made = bench(running())
    logger = made.logger
    logger.name = "/trip/9"
    with pytest.raises(RefusedFault, match="has no such trip"):
        asyncio.run(Download(ADDRESS, Wish(path=made.folder / "t.trail", trip=9), made.keys, Told()).run())
    assert [path.name for path in made.folder.iterdir()] == ["keys"]


@pytest.mark.parametrize("when", [1, 4, 8, 9])
def test_a_second_host_reads_between_two_connections(bench, when):
    made = bench(running())
    logger = made.logger
    # The first one changes what is unread.
    made.read()
    _, peace = made.read()
    expected = made.content(peace)
    others = []

    def second_host():
        logger.cut_at = (TO_HOST, logger.passed[TO_HOST])

    once(logger, when, second_host)

    class ReadsBetween(Told):
        def say(self, text):
            super().say(text)
            others.append(read_by_hand(logger))

    outcome, trail = made.read(told=ReadsBetween())
    assert len(others) == 1
    assert made.content(trail) == expected
    assert outcome.verdict.word == "recording"
    assert all(data == bytes(one.data) for data, one in zip(others[0], trail.sectors, strict=False))


@pytest.mark.parametrize("when", [1, 4, 9, LIVE])
def test_a_second_host_reads_at_the_same_time(bench, when):
    made = bench(running())
    once(made.logger, when, lambda: read_by_hand(made.logger))
    outcome, _ = made.read()
    assert outcome.verdict.word == "recording"
    assert made.logger.asked_again == []


def read_by_hand(logger):
    """The sealed sectors, as another host on another link would read them, with status and live proof."""
    host, sectors = logger.host, []
    status = host.read(smp.CMD_STATUS)
    host.read(smp.CMD_LIVE, {"nonce": bytes(16)})
    for index in range(status["first"], status["sectors"] - 1):
        data = b""
        while len(data) < 4096:
            request = {"name": logger.name, "off": index * 4096 + len(data)}
            data += host.ask(smp.GROUP_FS, smp.FS_DOWNLOAD, smp.OP_READ, request)["data"]
        sectors.append(data)
    return sectors


@pytest.mark.parametrize("kept", [2, 7])
def test_a_wiped_logger_counts_its_trips_from_1_again(bench, kept):
    made = bench(running())
    path, logger = made.folder / "t.trail", made.logger

    def erase():
        logger.stop()
        logger.host.prove(smp.CMD_ERASE, {"op": "AB", "discard": True})

    once(logger, kept, erase)
    with pytest.raises(RefusedFault, match="it was erased"):
        made.read(path)
    assert read_part(path.with_name("t.trail.part")).pieces.size >= 1024
    other = RealLogger(checkpoint_s=1800)
    other.fly_until(3)
    with pytest.raises(RefusedFault, match="does not match the trip"):
        bench(other).read(path)


def merged(bench, *paths):
    """The word of the verdict on the merged file."""
    result = merge(load_sources(paths))
    assert result.conflicts == ()
    out = bench.folder / "merged.trail"
    write_trail(out, result.parts)
    return verify_file(out, bench.keys).word


def test_a_ring_that_is_read_before_and_after_it_wraps(bench):
    made = bench(wrapping())
    early, _ = made.read()
    logger = made.logger
    logger.fly_until(logger.app.trip.ring.sectors() + 2)
    late, _ = made.read()
    assert (early.verdict.word, late.verdict.word) == ("recording", "parts missing")
    assert merged(made, early.path, late.path) == "recording"
    (made.folder / "merged.trail").unlink()
    logger.stop()
    closed, _ = made.read()
    assert merged(made, closed.path, late.path, early.path) == "closed"


def test_what_was_read_of_a_trip_that_is_gone_is_not_lost(bench):
    made = bench(running())
    early, _ = made.read()
    path, logger = made.folder / "t.trail", made.logger
    logger.fly_until(4)

    def next_trip():
        logger.stop()
        arm(logger.host, plan(), discard=True)

    once(logger, LIVE, next_trip)
    with pytest.raises(RefusedFault, match="celltrail merge"):
        made.read(path)
    part = path.with_name("t.trail.part")
    assert sorted(read_part(part).pieces.sectors) == [0, 1, 2]
    # The newest sectors are gone with the trip; what is there is proven up to its last seal.
    assert merged(made, early.path, part) == "parts missing"
