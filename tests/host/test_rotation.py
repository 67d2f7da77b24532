"""A rotation under lost requests and answers, dead links and killed hosts: no key is ever lost."""

import contextlib

import pytest

from celltrail.errors import DeviceFault, NoAnswer, RefusedFault
from celltrail.keys.keystore import KeyStore
from celltrail.link import client
from celltrail.operate import commands
from celltrail.operate.rotation import rotate, settle
from celltrail_protocol import codes, seals, smp
from tests.host.fake_logger import KEY, UID, FakeLogger, Refused
from tests.host.test_session import in_session

ROTATE = (smp.GROUP_CELLTRAIL, smp.CMD_ROTATE)
CHECK = (smp.GROUP_CELLTRAIL, smp.CMD_CHECK)


class Killed(BaseException):
    """The host is gone at once."""


@pytest.fixture
def keys(tmp_path):
    store = KeyStore(tmp_path / "keys")
    store.save_device_key(UID, "CT-31A722", KEY)
    return store


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(client, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(client.Client.tell, "__defaults__", (0.2,))
    monkeypatch.setattr("celltrail.link.session.Session.prove.__defaults__", (0.2,), raising=False)


def turn(logger, keys):
    return in_session(logger, lambda session: rotate(session, keys, "KB"))


def known(keys):
    entry = keys.device(UID)
    assert entry is not None
    return entry


def test_a_rotation(keys):
    logger = FakeLogger()
    assert turn(logger, keys)
    assert logger.key not in (None, KEY)
    assert (known(keys).key, known(keys).next, known(keys).former) == (logger.key, None, (KEY,))
    ((command, request),) = [one for one in logger.commands if one[0] == smp.CMD_ROTATE]
    assert (command, request["op"]) == (smp.CMD_ROTATE, "KB")
    assert logger.key not in request.values()
    # The last word is a proof under the new key.
    assert logger.commands[-1] == (smp.CMD_CHECK, {})


def test_keys_pile_up_and_none_is_lost(keys):
    logger, seen = FakeLogger(), [KEY]
    for _ in range(3):
        turn(logger, keys)
        seen.insert(0, logger.key)
    assert known(keys).keys == tuple(seen)


@pytest.mark.parametrize("tells_kid", [True, False])
def test_the_answer_is_lost(keys, tells_kid):
    logger = FakeLogger()
    logger.mute, logger.tells_kid = {ROTATE}, tells_kid
    assert turn(logger, keys)
    assert known(keys).key == logger.key != KEY
    assert known(keys).next is None


@pytest.mark.parametrize("tells_kid", [True, False])
def test_the_request_is_lost(keys, tells_kid):
    logger = FakeLogger()
    logger.deaf, logger.tells_kid = {ROTATE}, tells_kid
    with pytest.raises(NoAnswer):
        turn(logger, keys)
    assert (known(keys).key, known(keys).next) == (KEY, None)
    assert len(known(keys).former) == 1
    logger.deaf = set()
    assert turn(logger, keys)
    assert known(keys).key == logger.key != KEY


@pytest.mark.parametrize("silent", ["deaf", "mute"])
def test_nothing_answers_any_more(keys, silent):
    logger = FakeLogger()
    setattr(logger, silent, {ROTATE, CHECK})
    with pytest.raises(DeviceFault, match="both keys are kept: give the same command again"):
        turn(logger, keys)
    entry = known(keys)
    assert logger.key in entry.keys
    assert entry.next is not None
    setattr(logger, silent, set())
    # Other commands go on, whichever key it is.
    in_session(logger, lambda session: commands.stop(session, keys, "KB"))
    assert logger.state == codes.STATE_STOPPED
    was = logger.key
    assert turn(logger, keys) is (silent == "deaf")
    assert known(keys).key == logger.key
    assert (logger.key == was) is (silent == "mute")
    assert known(keys).next is None


def test_the_link_breaks(keys):
    for messages in range(1, 7):
        logger = FakeLogger()
        logger.key = known(keys).key
        logger.hang_up_after = messages
        with contextlib.suppress(DeviceFault):
            turn(logger, keys)
        assert logger.key in known(keys).keys
        logger.hang_up_after = 0
        turn(logger, keys)
        assert (known(keys).key, known(keys).next) == (logger.key, None)


class MortalStore(KeyStore):
    """Kills the host before (`after` False) or after its n-th write."""

    def __init__(self, folder, writes, after):
        super().__init__(folder)
        self.left, self.after = writes, after

    def _save(self, path, values, **options):
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Killed
        super()._save(path, values, **options)
        if self.left == 0:
            raise Killed


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("writes", [1, 2])
def test_the_host_is_killed_at_a_write(keys, writes, after):
    logger = FakeLogger()
    with pytest.raises(Killed):
        turn(logger, MortalStore(keys.folder, writes, after))
    _comes_back(logger, keys)


@pytest.mark.parametrize("requests", range(1, 8))
def test_the_host_is_killed_at_a_request(keys, monkeypatch, requests):
    logger = FakeLogger()
    tell, left = client.Client.tell, [requests]

    async def mortal(self, request, timeout_s=0.2):
        left[0] -= 1
        answer = await tell(self, request, timeout_s)
        if left[0] == 0:
            raise Killed
        return answer

    monkeypatch.setattr(client.Client, "tell", mortal)
    try:
        turn(logger, keys)
        assert requests > 6
    except Killed:
        pass
    monkeypatch.setattr(client.Client, "tell", tell)
    _comes_back(logger, keys)


def _comes_back(logger, keys):
    """A new host with the same store."""
    store = KeyStore(keys.folder)
    assert logger.key in known(store).keys
    in_session(logger, lambda session: commands.stop(session, store, "KB"))
    turn(logger, store)
    assert (known(store).key, known(store).next) == (logger.key, None)
    assert KEY in known(store).keys


def test_a_refusal_on_the_wire_is_not_believed(keys):
    """Somebody on the line lets the request through and makes up an error: the logger has the new key all the same."""
    logger = FakeLogger()
    carry_out = logger.carry_out

    def take_and_refuse(command, request):
        answer = carry_out(command, request)
        if command == smp.CMD_ROTATE:
            logger.key, logger.new_key = logger.new_key, None
            raise Refused(smp.GROUP_CELLTRAIL, smp.ERR_STATE)
        return answer

    logger.carry_out = take_and_refuse
    assert turn(logger, keys)
    assert known(keys).key == logger.key != KEY


def test_an_answer_without_proof_is_not_believed(keys):
    logger = FakeLogger()
    logger.liar = True
    with pytest.raises(DeviceFault):
        turn(logger, keys)
    assert {logger.key, KEY} <= set(known(keys).keys)


def test_a_logger_that_was_rotated_elsewhere(keys):
    logger = FakeLogger()
    logger.key = bytes(32)
    with pytest.raises(RefusedFault, match="rotated elsewhere"):
        turn(logger, keys)
    keys.save_next_key(UID, bytes([1] * 32))
    with pytest.raises(RefusedFault, match="neither its key of before nor the new one"):
        turn(logger, keys)
    assert logger.checks == 0
    assert known(keys).next == bytes([1] * 32)


def test_nothing_to_settle(keys):
    logger = FakeLogger()
    assert in_session(logger, lambda session: settle(session, keys)) is False
    assert logger.checks == 0


def test_the_store_takes_a_key_from_elsewhere_and_keeps_its_own(keys):
    new = bytes([5] * 32)
    assert keys.add_device_key(UID, "CT-31A722", new)
    assert not keys.add_device_key(UID, "CT-31A722", new)
    assert known(keys).keys == (new, KEY)
    assert keys.device_key(UID) == new
    assert keys.device_key(UID, seals.key_id(KEY)) == KEY
    assert keys.device_key(UID, b"none") is None
