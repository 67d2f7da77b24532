import asyncio
import json

import cbor2
import pytest

from celltrail.errors import BadAnswer, DeviceFault, ErrorAnswer, NoAnswer, RefusedFault, UsageFault
from celltrail.keys.keystore import KeyStore
from celltrail.keys.receipt import Receipt
from celltrail.keys.signing import public_hex
from celltrail.link.address import parse_address
from celltrail.link.session import open_session
from celltrail.operate import arming
from celltrail.plans.profile import load_profile
from celltrail_protocol import codes, seals, smp
from tests.host.fake_logger import KEY, UID, FakeLogger, OverTcp, Refused

ARM = (smp.GROUP_CELLTRAIL, smp.CMD_ARM)


@pytest.fixture
def keys(tmp_path):
    store = KeyStore(tmp_path / "keys")
    store.save_device_key(UID, "CT-31A722", KEY)
    return store


@pytest.fixture
def logger():
    made = FakeLogger()
    made.state, made.unread = codes.STATE_STOPPED, False
    return made


def arm(logger, keys, profile="2-8C", discard=False):
    async def run(address):
        async with open_session(parse_address(address)) as session:
            prepared = arming.prepare(session.status, load_profile(profile))
            return await arming.arm(session, prepared, keys, "KB", discard)

    with OverTcp(logger) as served:
        return asyncio.run(run(served.address))


def lines_for(logger, profile):
    async def run(address):
        async with open_session(parse_address(address)) as session:
            return arming.prepare(session.status, profile).lines

    with OverTcp(logger) as served:
        return asyncio.run(run(served.address))


def test_the_logger_gets_plan_key_and_time(logger, keys):
    receipt = arm(logger, keys)
    ((command, request),) = logger.commands
    assert command == smp.CMD_ARM
    assert cbor2.loads(request["plan"])["profile"] == "2-8C"
    assert (request["op"], request["tick"], request["src"], request["discard"]) == ("KB", 123456, 1, False)
    assert seals.commitment(request["k0"]) == receipt.commitment
    assert receipt.armed_utc_ms == request["utc"] + 124000 - 123456


def test_key_and_receipt_are_kept(logger, keys):
    receipt = arm(logger, keys)
    entry = keys.trip(UID, 8)
    assert (entry.k0, entry.receipt) == (logger.k0, receipt)
    assert keys.pending_keys(UID) == []
    assert json.dumps(receipt.to_json())


def test_the_receipt_is_signed_by_this_host(logger, keys):
    receipt = arm(logger, keys)
    assert receipt.signer.hex() == public_hex(keys)
    assert Receipt.from_json(receipt.to_json()) == receipt


def test_the_key_is_kept_before_it_is_sent(logger, keys):
    seen = []
    logger.before_answer = lambda group, command: seen.extend(keys.pending_keys(UID) if command == 2 else ())
    arm(logger, keys)
    assert seen == [logger.k0]


def test_two_trips_never_share_a_key(logger, keys):
    arm(logger, keys)
    first = logger.k0
    logger.state = codes.STATE_STOPPED
    arm(logger, keys)
    assert logger.k0 != first


def test_a_refusal_leaves_no_key(logger, keys):
    logger.refuse_next = [smp.ERR_PLAN]
    with pytest.raises(ErrorAnswer, match="plan"):
        arm(logger, keys)
    assert keys.pending_keys(UID) == []


@pytest.mark.parametrize("state", [codes.STATE_ARMED, codes.STATE_LOGGING])
def test_a_running_logger_is_not_armed(logger, keys, state):
    logger.state = state
    with pytest.raises(RefusedFault, match="can't be armed"):
        arm(logger, keys)
    assert ARM not in logger.log


def test_unread_data_is_not_lost_silently(logger, keys):
    logger.unread = True
    with pytest.raises(RefusedFault, match="--discard-unread"):
        arm(logger, keys)
    assert ARM not in logger.log
    arm(logger, keys, discard=True)
    assert logger.commands[0][1]["discard"] is True


def test_no_key_at_hand(logger, tmp_path):
    (tmp_path / "other").mkdir(mode=0o700)
    with pytest.raises(RefusedFault, match="holds no key for CT-31A722"):
        arm(logger, KeyStore(tmp_path / "other"))


def test_a_wrong_key(logger, keys):
    logger.key = bytes(32)
    for logger.tells_kid, fault in ((True, RefusedFault), (False, ErrorAnswer)):
        with pytest.raises(fault, match="does not accept this device key"):
            arm(logger, keys)
        assert keys.pending_keys(UID) == []


def test_a_refusal_after_the_trip_began_does_not_lose_its_key(logger, keys):
    carry_out = logger.carry_out

    def arm_and_refuse(command, request):
        carry_out(command, request)
        raise Refused(smp.GROUP_CELLTRAIL, smp.ERR_STATE)

    logger.carry_out = arm_and_refuse
    with pytest.raises(ErrorAnswer):
        arm(logger, keys)
    assert keys.pending_keys(UID) == [logger.k0]


def test_a_profile_outside_of_the_sensor(logger, keys):
    with pytest.raises(UsageFault, match="TMP117"):
        arm(logger, keys, "LN2")
    assert ARM not in logger.log


@pytest.mark.parametrize(("word", "value"), [("settings", bytes(32)), ("commit", bytes(32))])
def test_an_answer_that_tells_of_something_else(logger, keys, word, value):
    honest = logger._arm
    logger._arm = lambda request: honest(request) | {word: value}
    with pytest.raises(BadAnswer, match=word):
        arm(logger, keys)
    assert keys.pending_keys(UID) == [logger.k0]


def test_an_answer_that_makes_no_sense(logger, keys):
    honest = logger._arm
    logger._arm = lambda request: honest(request) | {"trip": "eight"}
    with pytest.raises(DeviceFault, match="no sense"):
        arm(logger, keys)


def test_a_lost_answer_is_made_up_for_by_the_live_proof(logger, keys, mocker):
    mocker.patch.object(arming, "_ARM_TIMEOUT_S", 0.1)
    logger.mute.add(ARM)
    receipt = arm(logger, keys)
    assert (receipt.trip, receipt.firmware_hash) == (8, bytes(32))
    assert keys.trip_key(UID, 8) == logger.k0


def test_a_silence_without_arming(logger, keys, mocker):
    mocker.patch.object(arming, "_ARM_TIMEOUT_S", 0.1)
    logger.deaf.add(ARM)
    with pytest.raises(NoAnswer):
        arm(logger, keys)
    assert len(keys.pending_keys(UID)) == 1
    assert logger.log.count(ARM) == 1


def test_what_will_be_armed_is_shown(logger):
    lines = lines_for(logger, load_profile("2-8C").with_changes(duration_s=5 * 86400))
    text = "\n".join(lines)
    assert "TMP117" in text
    assert "8 degC for 30 min" in text
    assert "(raw 1024)" in text
    assert "memory for about 1.2 years" in text


def test_a_plan_that_outlasts_the_memory_is_told(logger):
    lines = lines_for(logger, load_profile("2-8C").with_changes(period_s=1, duration_s=30 * 86400))
    assert "LESS than the planned 30 d" in lines[-1]


def test_a_small_memory_is_told_in_hours(logger):
    # Measured on the virtual logger: 16 sectors take readings of a lively second for 18 h 08 min.
    logger.free, logger.sectors = 16, []
    assert "memory for about 18 hours" in lines_for(logger, load_profile("2-8C").with_changes(period_s=1))[-1]


def test_a_full_ring_is_free_once_it_is_armed_again(logger):
    logger.free, logger.sectors, logger.first = 0, [b""] * 120, 20
    full = lines_for(logger, load_profile("2-8C"))[-1]
    logger.free, logger.sectors, logger.first = 100, [], 0
    assert lines_for(logger, load_profile("2-8C"))[-1] == full
