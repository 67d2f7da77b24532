import asyncio
from types import SimpleNamespace

import pytest

from celltrail.errors import DeviceFault, LinkLost, RefusedFault, UsageFault
from celltrail.evidence.signature import check_signature
from celltrail.evidence.trail import read_trail
from celltrail.keys.keystore import KeyStore
from celltrail.keys.signing import known_as
from celltrail.link.address import parse_address
from celltrail.operate import download as module
from celltrail.operate import written
from celltrail.operate.download import Download, Wish
from celltrail.operate.part_file import read_part
from celltrail_protocol import codes, smp
from tests.host.fake_logger import KEY, UID, FakeLogger, OverPty, OverTcp, sector


class Told:
    """A reporter that remembers."""

    def __init__(self):
        self.lines = []
        self.bars = []

    def say(self, text):
        self.lines.append(text)

    def progress(self, have, total):
        self.bars.append((have, total))


@pytest.fixture
def keys(tmp_path):
    store = KeyStore(tmp_path / "keys")
    store.save_device_key(UID, "CT-31A722", KEY)
    return store


@pytest.fixture(autouse=True)
def intact(mocker):
    """The made-up sectors would not verify; what is tested here is what follows from a verdict."""
    verdict = SimpleNamespace(word="closed", intact=True, overwritten=0, exit_code=0, to_json=dict)
    return mocker.patch.object(written, "verify_file", return_value=verdict)


@pytest.fixture
def quick(mocker):
    mocker.patch.object(module, "PAUSES_S", (0.01, 0.01))


def fetch(served, wish, keys, told=None):
    return asyncio.run(Download(parse_address(served.address), wish, keys, told or Told()).run())


@pytest.mark.parametrize("way", [OverTcp, OverPty])
def test_a_running_trip(tmp_path, keys, way):
    logger, told = FakeLogger(), Told()
    with way(logger) as served:
        outcome = fetch(served, Wish(folder=tmp_path, operator="KB"), keys, told)
    trail = read_trail(tmp_path / "CT-31A722-7.trail")
    assert [bytes(one.data) for one in trail.sectors] == [*logger.sectors[:3], logger.sectors[3][:1000]]
    assert trail.pending == logger.pending
    assert (trail.meta["uid"], trail.meta["trip"], trail.meta["operator"]) == (UID, 7, "KB")
    assert trail.meta["status"]["used"] == 1000
    assert [pair[:2] for pair in trail.meta["pairs"]] == [[3, 123456], [3, 123456]]
    assert {"nonce", "epoch", "mac"} <= trail.live.keys()
    assert told.bars[-1] == (3 * 4096, 3 * 4096)
    assert not list(tmp_path.glob("*.part"))
    assert (outcome.sectors, outcome.acknowledged) == (4, True)
    assert logger.commands == [(smp.CMD_ACKNOWLEDGE, {"op": "KB", "trip": 7, "index": 3, "used": 1000})]


def test_a_read_out_is_signed_by_this_host(tmp_path, keys):
    with OverTcp(FakeLogger()) as served:
        outcome = fetch(served, Wish(folder=tmp_path, operator="KB"), keys)
    found = check_signature(read_trail(outcome.path), lambda public: known_as(keys, public))
    assert (found.state, found.operator, found.known_as) == ("good", "KB", "this computer")
    # The made-up sectors of this logger verify as what they are.
    assert found.verdict == "altered"


def test_a_host_that_can_not_sign_still_reads(tmp_path, keys):
    told = Told()
    (keys.folder / "identity").write_text("in the way")
    with OverTcp(FakeLogger()) as served:
        outcome = fetch(served, Wish(folder=tmp_path), keys, told)
    assert read_trail(outcome.path).signed is None
    assert told.lines[0].startswith("the read-out is not signed: ")


def test_a_stopped_trip(tmp_path, keys):
    logger = FakeLogger()
    logger.state = codes.STATE_STOPPED
    with OverTcp(logger) as served:
        fetch(served, Wish(folder=tmp_path), keys)
    trail = read_trail(tmp_path / "CT-31A722-7.trail")
    assert [one.whole for one in trail.sectors] == [True] * 4
    assert (trail.live, trail.pending) == (None, None)
    assert logger.commands == [(smp.CMD_ACKNOWLEDGE, {"op": "", "trip": 7, "index": 3, "used": 1000})]


def test_an_empty_logger(tmp_path, keys):
    logger = FakeLogger()
    logger.state, logger.sectors, logger.trip = codes.STATE_IDLE, [], 0
    with OverTcp(logger) as served, pytest.raises(RefusedFault, match="no trip to read"):
        fetch(served, Wish(folder=tmp_path), keys)
    assert not list(tmp_path.glob("*.part"))


def test_nothing_is_acknowledged_without_a_good_verdict(tmp_path, keys, intact):
    intact.return_value.intact = False
    logger = FakeLogger()
    with OverTcp(logger) as served:
        assert not fetch(served, Wish(folder=tmp_path), keys).acknowledged
    assert logger.commands == []


def test_nothing_is_acknowledged_without_the_key(tmp_path):
    logger = FakeLogger()
    (tmp_path / "none").mkdir(mode=0o700)
    with OverTcp(logger) as served:
        assert not fetch(served, Wish(folder=tmp_path), KeyStore(tmp_path / "none")).acknowledged
    assert logger.commands == []


def test_a_wrong_key_costs_only_the_acknowledgement(tmp_path, keys):
    logger, told = FakeLogger(), Told()
    logger.key = bytes(32)
    with OverTcp(logger) as served:
        assert not fetch(served, Wish(folder=tmp_path), keys, told).acknowledged
    assert "does not accept this device key" in told.lines[-1]


def test_a_file_is_not_replaced_unless_told(tmp_path, keys):
    path = tmp_path / "a.trail"
    path.write_bytes(b"precious")
    logger = FakeLogger()
    with OverTcp(logger) as served:
        with pytest.raises(UsageFault, match="--force"):
            fetch(served, Wish(path=path), keys)
        assert path.read_bytes() == b"precious"
        assert (smp.GROUP_FS, smp.FS_DOWNLOAD) not in logger.log
        fetch(served, Wish(path=path, force=True), keys)
    assert len(read_trail(path).sectors) == 4


def test_a_lost_link_is_taken_up_again(tmp_path, keys, quick):
    logger, told = FakeLogger(sealed=12), Told()
    logger.hang_up_after = 50
    with OverTcp(logger) as served:
        outcome = fetch(served, Wish(folder=tmp_path), keys, told)
    assert "link lost" in told.lines[0]
    assert "connecting again" in told.lines[0]
    assert outcome.read_bytes == 12 * 4096 + 1000 + len(logger.pending)
    assert len(read_trail(outcome.path).sectors) == 13
    assert len(read_trail(outcome.path).meta["pairs"]) == 3


def test_a_link_that_stays_lost_leaves_the_part(tmp_path, keys, quick):
    logger = FakeLogger(sealed=12)
    with OverTcp(logger) as served:
        unplug = iter(range(10_000))
        logger.before_answer = lambda group, command: served.unplug() if next(unplug) == 60 else None
        with pytest.raises(LinkLost, match="gave up after 2 more tries"):
            fetch(served, Wish(path=tmp_path / "a.trail"), keys)
    kept = read_part(tmp_path / "a.trail.part").pieces.size
    assert kept > 4096
    logger.before_answer = lambda group, command: None
    with OverTcp(logger) as served:
        outcome = fetch(served, Wish(path=tmp_path / "a.trail"), keys)
    assert (outcome.reused, outcome.reused_bytes) == (kept // 4096, kept)
    assert outcome.read_bytes == 12 * 4096 + 1000 + len(logger.pending) - kept


def test_no_logger_is_not_waited_for(tmp_path, keys):
    with pytest.raises(DeviceFault, match="nothing listens"):
        asyncio.run(Download(parse_address("tcp://127.0.0.1:1"), Wish(folder=tmp_path), keys, Told()).run())


def test_another_logger_at_the_same_port_is_refused(tmp_path, keys, quick):
    logger = FakeLogger(sealed=12)
    logger.hang_up_after = 50
    honest = logger.status

    def change(group, command):
        if not logger.hang_up_after:
            logger.status = lambda request: honest(request) | {"uid": bytes(8), "name": "CT-OTHER"}

    logger.before_answer = change
    with OverTcp(logger) as served, pytest.raises(RefusedFault, match="another logger now"):
        fetch(served, Wish(folder=tmp_path), keys)


def test_a_full_disk_while_reading(tmp_path, keys, mocker):
    keep = mocker.patch(
        "celltrail.operate.part_file.PartFile.keep", side_effect=UsageFault("can't write: No space left")
    )
    with OverTcp(FakeLogger()) as served, pytest.raises(UsageFault, match="No space left"):
        fetch(served, Wish(path=tmp_path / "a.trail"), keys)
    assert keep.call_count == 1
    assert not (tmp_path / "a.trail.part").exists()


def test_a_full_disk_at_the_end_leaves_the_part(tmp_path, keys, mocker):
    mocker.patch.object(written, "write_atomic", side_effect=UsageFault("the disk is full"))
    with OverTcp(FakeLogger()) as served, pytest.raises(UsageFault, match=r"the disk is full; .* stays in"):
        fetch(served, Wish(path=tmp_path / "a.trail"), keys)
    assert sorted(read_part(tmp_path / "a.trail.part").pieces.sectors) == [0, 1, 2]


def test_an_interrupt_leaves_the_part(tmp_path, keys):
    class Interrupting(Told):
        def progress(self, have, total):
            if have > 2 * 4096:
                raise KeyboardInterrupt

    with OverTcp(FakeLogger()) as served, pytest.raises(KeyboardInterrupt):
        fetch(served, Wish(path=tmp_path / "a.trail"), keys, Interrupting())
    assert read_part(tmp_path / "a.trail.part").pieces.size == 2 * 4096 + 512


@pytest.mark.parametrize(
    ("name", "file"),
    [("../../etc/x", "_.._etc_x-7.trail"), ("", f"{UID.hex()}-7.trail"), ("CT 1/ö", "CT_1__-7.trail")],
)
def test_a_logger_can_not_choose_the_folder(tmp_path, keys, name, file):
    logger = FakeLogger()
    logger.name = name
    with OverTcp(logger) as served:
        assert fetch(served, Wish(folder=tmp_path), keys).path == tmp_path / file


def test_an_older_trip(tmp_path, keys):
    logger = FakeLogger()
    honest = logger.file
    logger.file = lambda name: sector(0) + sector(1) if name == "/trip/3" else honest(name)
    with OverTcp(logger) as served:
        outcome = fetch(served, Wish(folder=tmp_path, trip=3), keys)
    assert (outcome.path.name, outcome.sectors, outcome.acknowledged) == ("CT-31A722-3.trail", 2, False)


def test_a_boot_without_clock_gets_one_before_it_is_read(tmp_path, keys):
    logger = FakeLogger()
    logger.clock = False
    with OverTcp(logger) as served:
        assert fetch(served, Wish(folder=tmp_path, operator="KB"), keys).acknowledged
    assert [command for command, _ in logger.commands] == [smp.CMD_CLOCK, smp.CMD_ACKNOWLEDGE]
    assert logger.commands[0][1]["op"] == "KB"
    assert logger.log.index((64, smp.CMD_CLOCK)) < logger.log.index((64, smp.CMD_LIVE))


def test_a_clock_that_is_refused_costs_no_read_out(tmp_path, keys):
    logger, told = FakeLogger(), Told()
    logger.clock, logger.refuse_next = False, [smp.ERR_STATE]
    with OverTcp(logger) as served:
        fetch(served, Wish(folder=tmp_path), keys, told)
    assert "the record gets no clock" in told.lines[0]


@pytest.mark.parametrize("state", [codes.STATE_STOPPED, codes.STATE_IDLE])
def test_a_trip_that_is_over_takes_no_clock(tmp_path, keys, state):
    logger = FakeLogger()
    logger.clock, logger.state = False, state
    with OverTcp(logger) as served:
        fetch(served, Wish(folder=tmp_path), keys)
    assert smp.CMD_CLOCK not in [command for command, _ in logger.commands]


def test_without_the_key_no_clock_is_told(tmp_path):
    logger = FakeLogger()
    logger.clock = False
    (tmp_path / "none").mkdir(mode=0o700)
    with OverTcp(logger) as served:
        fetch(served, Wish(folder=tmp_path), KeyStore(tmp_path / "none"))
    assert logger.commands == []


@pytest.mark.parametrize("force", [True, False])
def test_a_folder_is_no_file_to_write(tmp_path, keys, force):
    with OverTcp(FakeLogger()) as served, pytest.raises(UsageFault, match="is a folder"):
        fetch(served, Wish(path=tmp_path, force=force), keys)


def test_a_foreign_part_is_set_aside_with_a_word(tmp_path, keys):
    told = Told()
    (tmp_path / "a.trail.part").write_bytes(b"precious")
    (tmp_path / "a.trail.part.1").write_bytes(b"older")
    with OverTcp(FakeLogger()) as served:
        fetch(served, Wish(path=tmp_path / "a.trail"), keys, told)
    assert (tmp_path / "a.trail.part.1").read_bytes() == b"older"
    assert (tmp_path / "a.trail.part.2").read_bytes() == b"precious"
    assert "a.trail.part.2" in told.lines[0]
