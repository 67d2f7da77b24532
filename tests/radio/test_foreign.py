"""Clients and readers that nobody here wrote: smpclient over its own BLE transport, bthome-ble, and a flood."""

import asyncio
import functools

import pytest
from bleak import BleakClient, BleakScanner
from bthome_ble import BTHomeBluetoothDeviceData
from habluetooth import BluetoothServiceInfoBleak
from smp.os_management import EchoWriteRequest
from smpclient import SMPClient
from smpclient.generics import success
from smpclient.requests.file_management import FileDownload
from smpclient.requests.os_management import EchoWrite, MCUMgrParametersRead
from smpclient.requests.statistics_management import ListOfGroups
from smpclient.transport import ble as their_ble

from celltrail.link import bluetooth
from celltrail.link.virtual_radio import VirtualClient, VirtualScanner
from celltrail_protocol import smp
from tests.radio.room import Node, Room
from tests.radio.still_time import run

STACKS = ("nimble", "btstack")


@pytest.fixture
def theirs(mocker):
    """smpclient's BLE transport, whose bleak uses the room's radio."""

    def use(room):
        class Scanner(BleakScanner):
            @classmethod
            async def find_device_by_name(cls, name, timeout=10.0, **arguments):
                more = {"backend": VirtualScanner, "radio": room.open_door}
                return await BleakScanner.find_device_by_name(name, timeout, **arguments, **more)

        mocker.patch.object(their_ble, "BleakScanner", Scanner)
        client = functools.partial(BleakClient, backend=VirtualClient, radio=room.open_door)
        mocker.patch.object(their_ble, "BleakClient", client)
        return their_ble.SMPBLETransport()

    return use


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("mtu", [23, 247])
def test_smpclient_over_its_own_ble_transport(stack, mtu, theirs):
    node = Node().live(2).stop()

    async def story():
        async with Room(node, stack=stack, mtu=mtu) as room:
            client = SMPClient(theirs(room), node.name, timeout_s=60.0)
            await client.connect()
            await ask_all(client, node)
            await client.disconnect()
            room.check()
            return room.air.most_ahead

    assert run(story()) <= smp.UNACKNOWLEDGED


async def ask_all(client, node):
    """Every kind of request that smpclient has for a logger, and what must come back."""
    echo = await client.request(EchoWrite(d="x" * 300))
    assert success(echo)
    assert echo.r == "x" * 300
    groups = await client.request(ListOfGroups())
    assert success(groups)
    assert "radio" in groups.stat_list
    parameters = await client.request(MCUMgrParametersRead())
    assert success(parameters)
    assert parameters.buf_size == smp.LONGEST_MESSAGE
    assert await client.download_file("/trip/1") == ring_of(node)


def ring_of(node):
    ring = node.app.trip.ring
    data = bytearray(4096 * ring.sectors())
    for index in range(ring.sectors()):
        ring.read_into(index, 0, memoryview(data)[index * 4096 : (index + 1) * 4096])
    return bytes(data)


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(("mtu", "interval_ms"), [(23, 180.0), (247, 180.0), (247, 7.5)])
@pytest.mark.parametrize("wanted", ["downloads", "echoes", "both, with false acknowledgements"])
def test_flood_of_requests_never_fills_the_heap(stack, mtu, interval_ms, wanted):
    node = Node().live(3)

    def requests():
        for number in range(300):
            if wanted == "echoes" or (wanted.startswith("both") and number % 3 == 0):
                yield EchoWriteRequest(d="x" * 900, sequence=number & 255).BYTES
            elif wanted == "downloads":
                yield FileDownload(name="/trip/1", off=1000 * (number % 8), sequence=number & 255).BYTES
            else:
                yield _acknowledging(number)

    async def story():
        async with Room(node, stack=stack, mtu=mtu, interval_ms=interval_ms) as room:
            heard = await bluetooth.find(node.name, 8.0)
            client = bluetooth.make_client(heard, 8.0, lambda _: None)
            await client.connect()
            taken = bytearray()
            await client.start_notify(smp.GATT_CHARACTERISTIC, lambda _, data: taken.extend(data))
            for request in requests():
                for at in range(0, len(request), mtu - 3):
                    await client.write_gatt_char(smp.GATT_CHARACTERISTIC, request[at : at + mtu - 3], response=False)
                await asyncio.sleep(0.03)
            await asyncio.sleep(20)
            room.check()
            return room.air.most_ahead, len(taken)

    most_ahead, taken = run(story())
    assert most_ahead <= smp.UNACKNOWLEDGED
    assert node.ble.most_queued <= smp.UNACKNOWLEDGED
    assert taken > 4000


def _acknowledging(number):
    from celltrail.link.messages import FileDownload as Ours

    return Ours(off=1000 * (number % 8), name="/trip/1", ack=1 << 30, sequence=number & 255).BYTES


def test_bthome_ble_reads_the_advertisement():
    node = Node().live(1, 3)

    async def story():
        async with Room(node):
            await asyncio.sleep(75)
            found = []
            more = {"backend": VirtualScanner, "radio": bluetooth._Radio.scanner["radio"]}
            async with BleakScanner(lambda device, said: found.append((device, said)), **more):
                await asyncio.sleep(3)
            return found[-1]

    device, said = run(story())
    info = BluetoothServiceInfoBleak(
        name=device.name,
        address=device.address,
        rssi=said.rssi,
        manufacturer_data=said.manufacturer_data,
        service_data=said.service_data,
        service_uuids=said.service_uuids,
        source="local",
        device=device,
        advertisement=said,
        connectable=True,
        time=0,
        tx_power=None,
    )
    reader = BTHomeBluetoothDeviceData()
    assert reader.supported(info)
    values = {key.key: value.native_value for key, value in reader.update(info).entity_values.items()}
    assert values["battery"] == 75
    assert isinstance(values["packet_id"], int)
    expected = node.app.trip.probes.last[0] * 0.0078125
    assert values["temperature"] == pytest.approx(expected, abs=0.006)
