import asyncio
from types import SimpleNamespace

import pytest

from celltrail.errors import DeviceFault, UsageFault
from celltrail.link import discovery
from tests.host.fake_logger import FakeLogger, OverPty, OverTcp


@pytest.fixture
def ports(mocker):
    """The serial ports of this computer, as pyserial would list them."""

    def set_ports(*entries):
        found = [SimpleNamespace(device=device, vid=vid) for device, vid in entries]
        mocker.patch.object(discovery, "comports", return_value=found)

    set_ports()
    return set_ports


def scan(*also, every=False):
    return asyncio.run(discovery.scan(also, every))


def test_only_ports_of_boards_are_asked(ports):
    ports(("/dev/ttyS0", None), ("/dev/ttyACM1", 0x2E8A), ("/dev/ttyUSB0", 0x10C4), ("/dev/ttyACM0", 0x1209))
    assert [str(one) for one in discovery.likely_ports()] == ["serial:///dev/ttyACM1", "serial:///dev/ttyUSB0"]
    assert len(discovery.likely_ports(every=True)) == 4


def test_a_logger_on_a_port_and_one_that_was_named(ports):
    with OverPty(FakeLogger()) as one, OverTcp(FakeLogger()) as other:
        ports((one.port, 0x2E8A))
        found = scan(other.address)
    assert [str(entry.address) for entry in found] == [one.address, other.address]
    assert all(entry.to_json()["name"] == "CT-31A722" for entry in found)


def test_what_a_scan_tells():
    logger = FakeLogger()
    with OverTcp(logger) as served:
        (found,) = scan(served.address)
    assert found.to_json() == {
        "address": served.address,
        "name": "CT-31A722",
        "uid": "e66164084331a722",
        "state": "logging",
        "trip": 7,
        "alarm": False,
        "unread": True,
        "battery_mV": 2950,
        "provisioned": True,
    }
    assert logger.log == [(64, 0)]


def test_silent_and_missing_ports_are_told_beside_the_others(ports, mocker):
    mocker.patch.object(discovery, "_ANSWER_S", 0.05)
    mute = FakeLogger()
    mute.deaf.add((64, 0))
    with OverTcp(mute) as silent, OverTcp(FakeLogger()) as good:
        found = scan("serial:///dev/ttyNOT1", silent.address, good.address)
    assert [one.status is not None for one in found] == [False, False, True]
    assert "no port" in found[0].fault
    assert "does not answer" in found[1].fault


def test_the_only_logger_need_not_be_named(ports):
    with OverPty(FakeLogger()) as served:
        ports((served.port, 0x2E8A))
        assert str(asyncio.run(discovery.only_logger())) == served.address


def test_no_logger(ports):
    with pytest.raises(DeviceFault, match="no logger in reach"):
        asyncio.run(discovery.only_logger())


def test_two_loggers_have_to_be_told_apart(ports):
    with OverPty(FakeLogger()) as one, OverPty(FakeLogger()) as other:
        ports((one.port, 0x2E8A), (other.port, 0x2E8A))
        with pytest.raises(UsageFault, match="2 loggers are in reach; choose one with -d"):
            asyncio.run(discovery.only_logger())


def test_a_bad_address(ports):
    with pytest.raises(UsageFault, match="not a device address"):
        scan("x")
