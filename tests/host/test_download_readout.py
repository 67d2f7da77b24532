import asyncio

import pytest

from celltrail.errors import DeviceFault, ErrorAnswer, LinkLost, RefusedFault
from celltrail.link.address import parse_address
from celltrail.link.session import open_session
from celltrail.operate.fetch import Fetcher
from celltrail.operate.part_file import PartFile
from celltrail.operate.readout import Readout
from celltrail_protocol import codes, smp
from tests.host.fake_logger import UID, FakeLogger, OverTcp, sector

DOWNLOAD = (smp.GROUP_FS, smp.FS_DOWNLOAD)


def read(logger, tmp_path, candidates=(), trip=7):
    """(sectors that were read, open end) of one session."""
    told = []

    async def run(address):
        async with open_session(parse_address(address)) as session:
            with PartFile(tmp_path / "t.part", UID, trip) as part:
                readout = Readout(session, trip, part, lambda *progress: told.append(progress))
                await readout.check_part()
                end = await readout.run(candidates)
                return part.sectors, end

    with OverTcp(logger) as served:
        sectors, end = asyncio.run(run(served.address))
    assert all(have <= total for have, total in told)
    return sectors, end


def fetch(logger, name, start, end):
    async def run(address):
        async with open_session(parse_address(address)) as session:
            return await Fetcher(session.client, session.status.chunk).read(name, start, end)

    with OverTcp(logger) as served:
        return asyncio.run(run(served.address))


def whole(logger):
    return {index: data for index, data in enumerate(logger.sectors) if index < len(logger.sectors) - 1}


@pytest.mark.parametrize("chunk", [64, 500, 512, 1024])
@pytest.mark.parametrize(("start", "end"), [(0, 40960), (4096, 8192), (100, 101), (5, 5), (40000, 40960)])
def test_a_range_of_a_file(chunk, start, end):
    logger = FakeLogger(sealed=9)
    logger.chunk = chunk
    assert fetch(logger, "/trip/7", start, end) == b"".join(logger.sectors)[start:end]


def test_many_requests_fly_and_never_too_many_bytes():
    logger = FakeLogger(sealed=30)
    fetch(logger, "/trip/7", 0, 31 * 4096)
    assert logger.acknowledged_late == 0


def test_a_lost_answer_is_asked_for_again(mocker):
    mocker.patch("celltrail.operate.fetch.TIMEOUT_S", 0.1)
    logger = FakeLogger(sealed=5)
    count = iter(range(10_000))

    def lose_some(group, command):
        logger.mute = {DOWNLOAD} if (group, command) == DOWNLOAD and next(count) in (3, 4, 20) else set()

    logger.before_answer = lose_some
    assert fetch(logger, "/trip/7", 0, 6 * 4096) == b"".join(logger.sectors)


def test_a_chunk_of_0_makes_no_sense():
    logger = FakeLogger()
    logger.chunk = 0
    with pytest.raises(DeviceFault, match="makes no sense"):
        fetch(logger, "/trip/7", 0, 10)


def test_a_wrong_offset_in_the_answer():
    logger = FakeLogger()
    honest = logger.download
    logger.download = lambda request: honest(request) | {"off": 1}
    with pytest.raises(DeviceFault, match="another part"):
        fetch(logger, "/trip/7", 0, 10)


def test_a_stopped_trip_has_no_open_end(tmp_path):
    logger = FakeLogger()
    logger.state = codes.STATE_STOPPED
    sectors, end = read(logger, tmp_path)
    assert sectors == dict(enumerate(logger.sectors))
    assert end is None


def test_a_running_trip_ends_with_a_live_proof(tmp_path):
    logger = FakeLogger()
    sectors, end = read(logger, tmp_path, [b"x" * 32, logger.k0])
    assert sectors == whole(logger)
    assert (end.data, end.pending) == (logger.sectors[-1][:1000], logger.pending)
    assert end.is_proven(logger.k0)
    assert not end.is_proven(b"x" * 32)


def test_nothing_pending(tmp_path):
    assert read(FakeLogger(pending=b""), tmp_path)[1].pending == b""


def test_the_record_moves_on_while_it_is_read(tmp_path):
    logger = FakeLogger(sealed=2)
    downloads = iter(range(10_000))

    def grow(group, command):
        if (group, command) == DOWNLOAD and next(downloads) == 10:
            logger.sectors.append(sector(3))
            logger.used = 300
            logger.epoch += 1

    logger.before_answer = grow
    sectors, end = read(logger, tmp_path, [logger.k0])
    assert sectors == whole(logger)
    assert (end.live.index, len(end.data)) == (3, 300)


def test_readings_are_packed_between_the_proof_and_the_pending_file(tmp_path):
    logger = FakeLogger()
    honest, times = logger.file, iter([True, True])

    def file(name):
        if name.endswith("pending") and next(times, False):
            raise_not_found(name)
        return honest(name)

    def raise_not_found(name):
        honest(name + "gone")

    logger.file = file
    assert read(logger, tmp_path, [logger.k0])[1].pending == logger.pending


def test_the_trip_stops_while_it_is_read(tmp_path):
    logger = FakeLogger()

    def stop(group, command):
        if command == smp.CMD_LIVE and group == smp.GROUP_CELLTRAIL:
            logger.state = codes.STATE_STOPPED

    logger.before_answer = stop
    sectors, end = read(logger, tmp_path)
    assert (len(sectors), end) == (4, None)


def test_a_proof_that_stays_wrong_is_kept_for_the_verifier(tmp_path):
    _, end = read(FakeLogger(), tmp_path, [b"x" * 32])
    assert end is not None


def test_a_record_that_never_holds_still(tmp_path):
    logger = FakeLogger()

    def grow(group, command):
        if (group, command) == (smp.GROUP_CELLTRAIL, smp.CMD_LIVE):
            logger.sectors.append(sector(len(logger.sectors)))

    logger.before_answer = grow
    with pytest.raises(DeviceFault, match="faster than this link"):
        read(logger, tmp_path)


def test_overwritten_sectors_are_left_out(tmp_path):
    logger = FakeLogger(sealed=9)
    logger.first = 4
    assert sorted(read(logger, tmp_path)[0]) == [4, 5, 6, 7, 8]


def test_the_ring_overwrites_while_it_is_read(tmp_path):
    logger = FakeLogger(sealed=9)
    downloads = iter(range(10_000))

    def wrap(group, command):
        if (group, command) == DOWNLOAD and next(downloads) == 20:
            logger.first = 5

    logger.before_answer = wrap
    assert sorted(read(logger, tmp_path)[0]) == [0, 1, 5, 6, 7, 8]


def test_a_read_error_is_no_overwriting(tmp_path):
    logger = FakeLogger()
    logger.file = lambda name: FakeLogger().file("nothing")
    with pytest.raises(ErrorAnswer):
        read(logger, tmp_path)


def test_an_interrupted_read_out_goes_on(tmp_path):
    logger = FakeLogger(sealed=9)
    logger.hang_up_after = 40
    with pytest.raises(LinkLost):
        read(logger, tmp_path)
    before = logger.log.count(DOWNLOAD)
    sectors, _ = read(logger, tmp_path)
    assert sectors == whole(logger)
    assert logger.log.count(DOWNLOAD) - before < 9 * 8


def test_kept_sectors_of_another_trip_with_the_same_number_are_refused(tmp_path):
    read(FakeLogger(), tmp_path)
    other = FakeLogger()
    other.sectors = [bytes(4096)] * 4
    with pytest.raises(RefusedFault, match="does not match the trip"):
        read(other, tmp_path)


def test_an_older_trip(tmp_path):
    logger = FakeLogger(sealed=2)
    honest = logger.file
    logger.file = lambda name: sector(0) + sector(1) if name == "/trip/3" else honest(name)
    sectors, end = read(logger, tmp_path, trip=3)
    assert (sectors, end) == ({0: sector(0), 1: sector(1)}, None)


def test_a_trip_that_is_not_there(tmp_path):
    with pytest.raises(ErrorAnswer, match="no such trip"):
        read(FakeLogger(), tmp_path, trip=3)
