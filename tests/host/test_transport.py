import asyncio
import errno
import fcntl
import os
import time

import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason
from serial import SerialException

from celltrail.errors import DeviceFault, LinkLost, NoAnswer
from celltrail.link.address import parse_address
from celltrail.link.client import connect
from celltrail.link.messages import StatusRead
from celltrail.link.session import open_session
from celltrail.link.transport_serial import explain_open
from tests.host.fake_logger import FakeLogger, OverPty, OverTcp


def status_of(address, answer_s=2.0):
    async def ask():
        async with open_session(parse_address(address), answer_s) as session:
            return session.status

    return asyncio.run(ask())


@pytest.mark.parametrize("way", [OverTcp, OverPty])
def test_a_status_crosses(way):
    with way(FakeLogger()) as served:
        assert status_of(served.address).name == "CT-31A722"


@pytest.mark.parametrize("way", [OverTcp, OverPty])
def test_text_and_broken_lines_between_answers_are_ignored(way):
    logger = FakeLogger()
    logger.noise = b"boot: hello\r\n\x06\x09AAAA\n\x04\x14????\n" + bytes(300) + b"\n"
    with way(logger) as served:
        assert status_of(served.address).name == "CT-31A722"


def test_a_port_can_be_opened_again():
    with OverPty(FakeLogger()) as served:
        assert [status_of(served.address).trip for _ in range(3)] == [7, 7, 7]


def test_a_missing_port():
    with pytest.raises(DeviceFault, match="no port /dev/ttyNOT1"):
        status_of("serial:///dev/ttyNOT1")


def test_a_file_is_no_port(tmp_path):
    (tmp_path / "note").write_text("hello")
    with pytest.raises(DeviceFault, match="does not open as a serial port: Inappropriate ioctl"):
        status_of(f"serial://{tmp_path}/note")


def test_a_busy_port():
    with OverPty(FakeLogger()) as served:
        handle = os.open(served.port, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(DeviceFault, match="in use by another program"):
            status_of(served.address)
        os.close(handle)


def test_a_forbidden_port():
    assert "dialout" in str(explain_open("/dev/ttyS0", SerialException(errno.EACCES, "no")))


def test_what_windows_says(mocker):
    mocker.patch("sys.platform", "win32")
    busy = SerialException("could not open port 'COM5': PermissionError(13, 'Access is denied.', None, 5)")
    missing = SerialException("could not open port 'COM5': FileNotFoundError(2, 'not found', None, 2)")
    assert "in use" in str(explain_open("COM5", busy))
    assert "no port COM5" in str(explain_open("COM5", missing))


def test_nobody_listens():
    with pytest.raises(DeviceFault, match="nothing listens at tcp://127.0.0.1:1;"):
        status_of("tcp://127.0.0.1:1")


def test_an_unknown_host():
    with pytest.raises(DeviceFault, match="unknown host|cannot connect"):
        status_of("tcp://no-such-host.invalid:7788")


def test_a_computer_without_bluetooth(mocker):
    why = BleakBluetoothNotAvailableReason.POWERED_OFF
    mocker.patch("celltrail.link.bluetooth.BleakScanner", side_effect=BleakBluetoothNotAvailableError("off", why))
    with pytest.raises(DeviceFault, match="Bluetooth is off; switch it on"):
        status_of("ble://CT-3F2A91")


def test_a_silent_port_is_no_logger():
    logger = FakeLogger()
    logger.mute.add((64, 0))
    with OverTcp(logger) as served, pytest.raises(NoAnswer, match="is it a Celltrail logger"):
        status_of(served.address, 0.05)
    assert logger.log == [(64, 0)] * 3


@pytest.mark.parametrize("way", [OverTcp, OverPty])
def test_a_link_that_ends_while_waiting(way):
    async def lose():
        client = await connect(parse_address(served.address))
        try:
            served.logger.mute.add((64, 0))
            asyncio.get_running_loop().call_later(0.1, served.unplug)
            began_s = time.monotonic()
            with pytest.raises(LinkLost, match="link lost"):
                await client.tell(StatusRead(), timeout_s=10)
            assert time.monotonic() - began_s < 5
            with pytest.raises(LinkLost, match="link lost"):
                await client.tell(StatusRead(), timeout_s=10)
        finally:
            await client.close()

    with way(FakeLogger()) as served:
        asyncio.run(lose())
