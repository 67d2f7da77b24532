"""Arming and provisioning where anybody may listen, and the words that a handler gets."""

import asyncio

import fakes
import pytest

from celltrail.errors import ErrorAnswer, RefusedFault
from celltrail.link.session import open_session
from celltrail.operate import arming, commands
from celltrail.operate.provisioning import provision
from celltrail.plans.profile import load_profile
from celltrail_protocol import codes, smp
from celltrail_protocol.seals import commitment
from tests.radio.room import Node, Room, address
from tests.radio.still_time import run

STACKS = ("nimble", "btstack")


class Thief:
    """Hears all that is on the air."""

    def __init__(self, room):
        self.heard = b""
        air = room.air
        tell, told = air._tell, air.told

        def listen(connection, word, *values):
            self.heard += b"".join(value for value in values if isinstance(value, bytes))
            tell(connection, word, *values)

        def overhear(address, message):
            self.heard += message
            told(address, message)

        air._tell, air.told = listen, overhear


@pytest.mark.parametrize("stack", STACKS)
def test_arm_mark_stop_over_the_air_and_nobody_learns_the_key(stack, tmp_path):
    node = Node()
    fakes.provision(node.host)
    keys = node.keys_in(tmp_path / "keys")

    async def story():
        async with Room(node, stack=stack) as room:
            thief = Thief(room)
            async with open_session(address(node)) as session:
                prepared = arming.prepare(session.status, load_profile("2-8C").with_changes(shock=False))
                receipt = await arming.arm(session, prepared, keys, "LAB-7", False)
                await asyncio.sleep(30)
                await session.refresh()
                assert session.status.state == codes.STATE_LOGGING
                await commands.stop(session, keys, "LAB-7")
                assert (await session.refresh()).state == codes.STATE_STOPPED
            room.check()
            return receipt, thief.heard

    receipt, heard = run(story())
    entry = keys.trip(node.board.uid, receipt.trip)
    assert entry.k0 not in heard
    assert fakes.KEY not in heard
    assert receipt.commitment == commitment(entry.k0)


def test_no_key_is_given_over_the_air(tmp_path):
    node = Node()

    async def story():
        async with Room(node) as room:
            thief = Thief(room)
            async with open_session(address(node)) as session:
                with pytest.raises(RefusedFault, match="over a cable only"):
                    await provision(session, node.keys_in(tmp_path / "keys"), "")
                # A host that does not care is refused by the logger itself.
                session.client.on_air = False
                with pytest.raises(ErrorAnswer, match="does not accept this device key"):
                    await provision(session, fresh(tmp_path), "")
            return thief

    run(story())
    assert not node.app.server._commands.report.is_provisioned()


def fresh(folder):
    from celltrail.keys.keystore import KeyStore

    return KeyStore(folder / "fresh")


def test_empty_battery_begins_no_trip(tmp_path):
    node = Node()
    fakes.provision(node.host)
    node.board.battery_mV = lambda: 3200
    keys = node.keys_in(tmp_path / "keys")

    async def story():
        async with Room(node), open_session(address(node)) as session:
            prepared = arming.prepare(session.status, load_profile("2-8C").with_changes(shock=False))
            await arming.arm(session, prepared, keys, "LAB-7", False)

    with pytest.raises(ErrorAnswer, match="too little battery for a trip; charge it"):
        run(story())
    assert keys.trip(node.board.uid, 1) is None


def test_wrong_key_is_told():
    node = Node().live(1)

    async def story():
        async with Room(node), open_session(address(node)) as session:
            await session.prove(smp.CMD_STOP, {"op": "AB"}, bytes(32))

    with pytest.raises(ErrorAnswer, match="does not accept this device key; name its own key store with --keys"):
        run(story())
