"""The firmware's BLE file on Bumble's stack, and smpclient's own Bumble transport on the other side."""

import asyncio
from types import SimpleNamespace

import pytest
from bumble.device import Device
from smpclient import SMPClient
from smpclient.generics import success
from smpclient.requests.os_management import EchoWrite
from smpclient.transport import bumble as their_bumble

from tests.radio.bumble_air import BumbleAir
from tests.radio.room import Node
from tests.radio.test_foreign import ask_all


@pytest.fixture
def theirs(mocker):
    """smpclient's Bumble transport, on the host's controller in this air."""

    async def opened(hci):
        async def close():
            pass

        return SimpleNamespace(source=None, sink=None, close=close)

    def use(air):
        mocker.patch.object(their_bumble, "open_transport", opened)
        mocker.patch.object(Device, "with_hci", return_value=air.host)
        return their_bumble.SMPBumbleTransport()

    return use


@pytest.mark.parametrize("stack", ["nimble", "btstack"])
def test_smpclient_over_its_own_bumble_transport(stack, theirs):
    node = Node().live(2).stop()

    async def story():
        air = BumbleAir()
        task = node.enter(air, stack)
        client = SMPClient(theirs(air), node.address, timeout_s=20.0)
        await client.connect()
        await ask_all(client, node)
        await client.disconnect()
        failed = task.done()
        task.cancel()
        await air.close()
        return failed

    assert not asyncio.run(asyncio.wait_for(story(), 60))


def test_it_advertises_again_after_a_connection(theirs):
    node = Node().live(1, 3)

    async def story():
        air = BumbleAir()
        task = node.enter(air, "nimble")
        for _ in range(3):
            client = SMPClient(theirs(air), node.name, timeout_s=20.0)
            await client.connect()
            assert success(await client.request(EchoWrite(d="again")))
            await client.disconnect()
            await asyncio.sleep(0.2)
        task.cancel()
        await air.close()

    asyncio.run(asyncio.wait_for(story(), 60))
    assert node.app.wireless.link.connections >= 3
