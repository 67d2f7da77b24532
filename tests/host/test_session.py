import asyncio
import time

import pytest

from celltrail.errors import DeviceFault, ErrorAnswer, NoAnswer, RefusedFault, UsageFault
from celltrail.keys.keystore import KeyStore
from celltrail.link.address import parse_address
from celltrail.link.session import open_session
from celltrail.operate import commands
from celltrail.operate.provisioning import provision
from celltrail_protocol import codes, smp
from tests.host.fake_logger import KEY, UID, FakeLogger, OverTcp, Refused


@pytest.fixture
def keys(tmp_path):
    store = KeyStore(tmp_path / "keys")
    store.save_device_key(UID, "CT-31A722", KEY)
    return store


def in_session(logger, work):
    async def run(address):
        async with open_session(parse_address(address)) as session:
            return await work(session)

    with OverTcp(logger) as served:
        return asyncio.run(run(served.address))


def test_host_and_logger_clocks_are_paired():
    before_ms = time.time_ns() // 1_000_000
    pair = in_session(FakeLogger(), lambda session: session.pair())
    after_ms = time.time_ns() // 1_000_000
    assert (pair.boot, pair.tick_ms, pair.source) == (3, 123456, codes.CLOCK_HOST)
    assert before_ms <= pair.utc_ms <= after_ms
    assert 1 <= pair.uncertainty_ms < 1000
    assert not pair.simulated


def test_a_slow_answer_makes_the_pair_uncertain():
    logger = FakeLogger()
    logger.before_answer = lambda group, command: time.sleep(0.2 if command == smp.CMD_CHALLENGE else 0)
    pair = in_session(logger, lambda session: session.pair())
    assert 100 <= pair.uncertainty_ms < 1000


def test_a_virtual_world_tells_its_own_time():
    logger = FakeLogger()
    logger.world = 1_740_830_400_000
    pair = in_session(logger, lambda session: session.pair())
    assert pair.as_list() == [3, 123456, 1_740_830_400_000, 0, codes.CLOCK_VIRTUAL]
    assert pair.simulated


def test_a_proven_command_is_carried_out():
    logger = FakeLogger()
    in_session(logger, lambda session: session.prove(smp.CMD_STOP, {"op": "KB"}, KEY))
    assert logger.commands == [(smp.CMD_STOP, {"op": "KB"})]
    assert logger.state == codes.STATE_STOPPED


def test_a_wrong_key_is_refused():
    with pytest.raises(ErrorAnswer, match="does not accept this device key") as refused:
        in_session(FakeLogger(), lambda session: session.prove(smp.CMD_STOP, {"op": ""}, bytes(32)))
    assert refused.value.code == smp.ERR_NOT_PROVEN


def test_an_answer_without_the_loggers_proof_is_not_believed():
    logger = FakeLogger()
    logger.liar = True
    with pytest.raises(DeviceFault, match="without this logger's proof"):
        in_session(logger, lambda session: session.prove(smp.CMD_STOP, {"op": ""}, KEY))


def test_a_silent_logger_is_not_commanded_twice():
    logger = FakeLogger()
    logger.deaf.add((64, smp.CMD_STOP))
    with pytest.raises(NoAnswer):
        in_session(logger, lambda session: commands.carry_out(
            session, smp.CMD_STOP, {"op": ""}, KEY, lambda now: now.state == codes.STATE_STOPPED, 0.05
        ))  # fmt: skip
    assert logger.log.count((64, smp.CMD_STOP)) == 1


def test_a_lost_answer_to_a_stop_that_happened():
    logger = FakeLogger()
    logger.mute.add((64, smp.CMD_STOP))
    in_session(logger, lambda session: commands.carry_out(
        session, smp.CMD_STOP, {"op": ""}, KEY, lambda now: now.state == codes.STATE_STOPPED, 0.05
    ))  # fmt: skip


def test_another_format_is_refused():
    logger = FakeLogger()
    status = logger.status
    logger.status = lambda request: status(request) | {"format": 2}
    with pytest.raises(DeviceFault, match="speaks format 2"):
        in_session(logger, lambda session: session.pair())


@pytest.mark.parametrize(
    ("state", "work", "words"),
    [
        (codes.STATE_LOGGING, commands.start, "is logging and can't be started"),
        (codes.STATE_STOPPED, commands.stop, "is stopped and can't be stopped"),
        (codes.STATE_IDLE, commands.stop, "is idle and can't be stopped"),
        (
            codes.STATE_LOGGING,
            lambda s, k, op: commands.erase(s, k, op, True),
            "is logging and can't be erased",
        ),
        (codes.STATE_STOPPED, lambda s, k, op: commands.erase(s, k, op, False), "unread data of trip 7"),
        (codes.STATE_IDLE, lambda s, k, op: commands.mark(s, k, {}), "is idle and can't take marks"),
    ],
)
def test_what_the_state_forbids_is_not_sent(keys, state, work, words):
    logger = FakeLogger()
    logger.state = state
    with pytest.raises(RefusedFault, match=words):
        in_session(logger, lambda session: work(session, keys, ""))
    assert logger.log == [(64, smp.CMD_STATUS)]


def test_a_logger_without_key_is_refused(keys):
    logger = FakeLogger()
    logger.key = None
    with pytest.raises(RefusedFault, match="celltrail provision"):
        in_session(logger, lambda session: commands.stop(session, keys, ""))


def test_a_key_store_without_the_key_is_named(tmp_path):
    with pytest.raises(RefusedFault, match=str(tmp_path)):
        in_session(FakeLogger(), lambda session: commands.stop(session, KeyStore(tmp_path), ""))


@pytest.mark.parametrize("work", [commands.stop, lambda s, k, op: commands.mark(s, k, {})])
def test_a_key_store_that_was_named_and_is_not_there(tmp_path, work):
    with pytest.raises(UsageFault, match="no such key store"):
        in_session(FakeLogger(), lambda session: work(session, KeyStore(tmp_path / "typo"), ""))


def test_erase(keys):
    logger = FakeLogger()
    logger.state = codes.STATE_STOPPED
    in_session(logger, lambda session: commands.erase(session, keys, "KB", True))
    assert logger.commands == [(smp.CMD_ERASE, {"op": "KB", "discard": True})]


@pytest.mark.parametrize("with_key", [True, False])
def test_marks_are_proven_when_the_key_is_at_hand(keys, tmp_path, with_key):
    logger = FakeLogger()
    (tmp_path / "other").mkdir(mode=0o700)
    store = keys if with_key else KeyStore(tmp_path / "other")
    event = commands.mark_event("received", "none", "BEANR", "KB", "Köln")
    assert in_session(logger, lambda session: commands.mark(session, store, event)) == (124000, with_key)
    assert logger.commands == [(smp.CMD_MARK, {"kind": 3, "outcome": 0, "op": "KB", "place": "BEANR", "note": "Köln"})]


@pytest.mark.parametrize(
    "event",
    [
        ("eaten", "none", "", "", ""),
        ("button", "none", "", "", ""),
        ("inspected", "maybe", "", "", ""),
        ("received", "none", "x" * 17, "", ""),
        ("received", "none", "", "x" * 13, ""),
        ("received", "none", "", "", "ö" * 41),
        ("received", "none", "", "", "line\nbreak"),
    ],
)
def test_what_no_mark_can_hold(event):
    with pytest.raises(UsageFault):
        commands.mark_event(*event)


def test_provision(tmp_path):
    logger, keys = FakeLogger(), KeyStore(tmp_path / "new")
    logger.key = None
    assert in_session(logger, lambda session: provision(session, keys, "")) == "CT-31A722"
    assert keys.device_key(UID) == logger.key
    with pytest.raises(RefusedFault, match="has a device key already"):
        in_session(logger, lambda session: provision(session, keys, ""))


@pytest.mark.parametrize("name", ["x" * 17, " ", "a\tb", "CT/../x", "Kühlbox", "a:b"])
def test_names_that_do_not_fit(tmp_path, name):
    logger = FakeLogger()
    logger.key = None
    with pytest.raises(UsageFault):
        in_session(logger, lambda session: provision(session, KeyStore(tmp_path / "k"), name))
    assert logger.key is None


@pytest.mark.parametrize(
    ("work", "command"),
    [
        (lambda s, k: commands.mark(s, k, commands.mark_event("received", "none", "", "KB", "")), smp.CMD_MARK),
        (lambda s, k: commands.stop(s, k, "KB"), smp.CMD_STOP),
        (lambda s, k: commands.start(s, k, "KB"), smp.CMD_START),
    ],
)
def test_a_boot_without_clock_gets_one_before_any_proven_command(keys, work, command):
    logger = FakeLogger()
    logger.clock = False
    logger.state = codes.STATE_ARMED if command == smp.CMD_START else codes.STATE_LOGGING
    in_session(logger, lambda session: work(session, keys))
    assert [sent for sent, _ in logger.commands] == [smp.CMD_CLOCK, command]
    told = logger.commands[0][1]
    assert (told["op"], told["tick"], told["src"]) == ("KB", 123456, codes.CLOCK_HOST)
    assert told["utc"] > 1_700_000_000_000
    assert told["unc"] >= 1


def test_a_clock_that_is_refused_does_not_keep_a_trip_from_being_stopped(keys):
    logger = FakeLogger()
    logger.clock, logger.refuse_next = False, [smp.ERR_STATE]
    in_session(logger, lambda session: commands.stop(session, keys, "KB"))
    assert logger.state == codes.STATE_STOPPED


def test_a_key_of_a_logger_is_never_replaced(keys):
    logger = FakeLogger()
    logger.key = None
    with pytest.raises(RefusedFault, match="holds another key for it; move it away first"):
        in_session(logger, lambda session: provision(session, keys, ""))
    assert keys.device_key(UID) == KEY
    assert logger.key is None


def test_a_provisioning_that_was_refused_leaves_no_key(tmp_path):
    logger, keys = FakeLogger(), KeyStore(tmp_path / "new")
    logger.key = None

    def refuse(command, request):
        raise Refused(smp.GROUP_CELLTRAIL, smp.ERR_KEY_SET)

    logger.open_command = refuse
    with pytest.raises(ErrorAnswer):
        in_session(logger, lambda session: provision(session, keys, ""))
    assert keys.device_key(UID) is None
