"""What goes wrong in a cool room, and the words that a handler gets: what it is, and what to do."""

import asyncio
import re
from pathlib import Path

import fakes
import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
)

from celltrail.cli import status as status_command
from celltrail.errors import DeviceFault, RefusedFault
from celltrail.link import bluetooth
from celltrail.link.session import open_session
from celltrail.operate import arming, commands
from celltrail.plans.profile import load_profile
from celltrail_protocol import codes
from tests.radio.room import Node, Room, address
from tests.radio.still_time import run

HANDBOOK = Path(__file__).parents[2] / "docs" / "readout.md"
REASON = BleakBluetoothNotAvailableReason
DBUS = "org.freedesktop.DBus.Error."

OF_THE_COMPUTER = {
    "off, as Windows and macOS say it": (
        BleakBluetoothNotAvailableError("", REASON.POWERED_OFF),
        "is off; switch it on",
    ),
    "off, as BlueZ says it": (BleakDBusError("org.bluez.Error.NotReady", []), "is off; switch it on: bluetoothctl"),
    "none": (BleakBluetoothNotAvailableError("", REASON.NO_BLUETOOTH), "has no Bluetooth; use a cable"),
    "forbidden by the user": (BleakBluetoothNotAvailableError("", REASON.DENIED_BY_USER), "no permission .* allow it"),
    "forbidden by BlueZ": (BleakDBusError(DBUS + "AccessDenied", []), "no permission .* group bluetooth"),
    "forbidden by the system": (PermissionError(), "no permission"),
    "not running": (BleakDBusError(DBUS + "ServiceUnknown", []), "does not run here; start it"),
    "no D-Bus": (FileNotFoundError(), "does not run here; start it .* or use a cable"),
    "gone before it was connected": (
        BleakDeviceNotFoundError("C0:00", "no"),
        "out of reach, or another host has connected",
    ),
    "does not take a connection": (TimeoutError(), "go nearer, or another host is connected; try again"),
}


@pytest.mark.parametrize("what", OF_THE_COMPUTER)
def test_what_the_computer_lacks_is_said_with_what_to_do(what):
    fault, words = OF_THE_COMPUTER[what]
    assert re.search(words, str(bluetooth.explain(fault, "CT-000001"))), bluetooth.explain(fault, "CT-000001")


def refused(story):
    with pytest.raises((DeviceFault, RefusedFault)) as fault:
        run(story())
    return str(fault.value)


def test_out_of_range_or_its_radio_is_off():
    node = Node().live(1, radio=[codes.RADIO_ASKED, 1000, 300, 0, 0])
    # Nobody sits at its cable either.
    node.board.link.is_connected = False

    async def story():
        async with Room(node), open_session(address(node)):
            pass

    said = refused(story)
    assert "is not heard; go nearer, wake its radio (button, knock or cable)" in said
    assert "in flight" in said


def test_marks_come_too_fast(tmp_path):
    node = Node().live(1)

    async def story():
        async with Room(node), open_session(address(node)) as session:
            event = commands.mark_event("received", "none", "BRU", "", "")
            for _ in range(7):
                await commands.mark(session, commands.KeyStore(tmp_path), event)

    assert "many marks in a row; it takes the next one in ten seconds" in refused(story)


def test_a_battery_that_is_too_low(tmp_path):
    node = Node()
    fakes.provision(node.host)
    node.board.battery_mV = lambda: 3200

    async def story():
        async with Room(node), open_session(address(node)) as session:
            prepared = arming.prepare(session.status, load_profile("2-8C").with_changes(shock=False))
            await arming.arm(session, prepared, node.keys_in(tmp_path), "LAB-7", False)

    assert "too little battery for a trip; charge it" in refused(story)


def test_flight_mode_is_told_over_the_cable():
    status = {"radio": (codes.RADIO_SUSPENDED, codes.FLIGHT_LOW | codes.FLIGHT_MOTION)}
    ((label, text),) = status_command._radio(Fake(**status))
    assert (label, text) == ("radio", "suspended: FLIGHT MODE (low pressure, it shakes)")
    assert status_command._radio(Fake(radio=None)) == []
    assert status_command._radio(Fake(radio=(codes.RADIO_OFF, 0))) == [("radio", "off")]


class Fake:
    def __init__(self, radio):
        self.radio = radio


def test_a_host_that_only_sits_there_is_put_out():
    one = Node(1).live(1)

    async def story():
        async with Room(one), open_session(address(one)) as session:
            await asyncio.sleep(200)
            return session.client

    run(story())
    assert one.app.wireless.link.connections >= 1
    assert not one.app.wireless.link.connected()


def test_the_handbook_uses_the_words_of_the_program():
    text = HANDBOOK.read_text(encoding="utf-8")
    source = "".join(
        path.read_text(encoding="utf-8") for path in (HANDBOOK.parents[1] / "host" / "celltrail").rglob("*.py")
    )
    told = [words for row in re.findall(r"^\| (.*?) \|", text, re.MULTILINE) for words in re.findall(r"\*(.+?)\*", row)]
    assert len(told) > 8
    assert [words for words in told if words not in source] == []
