"""The real firmware and the real host over the virtual radio: both stacks, each MTU and interval, losses, crowds."""

import asyncio

import pytest

from celltrail.link.session import open_session
from celltrail.operate import arming, commands
from celltrail.operate.download import Download, Wish
from celltrail.plans.profile import load_profile
from celltrail_protocol import codes, smp
from tests.host.download_bench import Told
from tests.radio.room import Node, Room, address
from tests.radio.still_time import run

STACKS = ("nimble", "btstack")
MTUS = (23, 185, 247, 517)
INTERVALS_ms = (7.5, 15.0, 60.0, 180.0)
EVENT = {"kind": codes.MARK_RECEIVED, "outcome": codes.OUTCOME_NONE, "op": "", "place": "BRU", "note": ""}


async def read_out(node, keys, path):
    told = Told()
    return await Download(address(node), Wish(path=path), keys, told).run(), told


def content(trail):
    return [(one.index, bytes(one.data)) for one in trail.sectors]


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("mtu", MTUS)
@pytest.mark.parametrize("interval_ms", INTERVALS_ms)
def test_connect_read_arm_mark_download(stack, mtu, interval_ms, tmp_path):
    node = Node().live(2, 5)
    keys = node.keys_in(tmp_path / "keys")

    async def story():
        async with Room(node, stack=stack, mtu=mtu, interval_ms=interval_ms) as room:
            async with open_session(address(node)) as session:
                assert session.status.state == codes.STATE_LOGGING
                assert session.status.chunk == {23: 974, 185: 702, 247: 950, 517: 964}[mtu]
                await commands.mark(session, keys, EVENT)
            first, _ = await read_out(node, keys, tmp_path / "a.trail")
            async with open_session(address(node)) as session:
                await commands.stop(session, keys, "LAB-7")
                await session.refresh()
                profile = load_profile("2-8C").with_changes(shock=False).with_radio("always", None)
                # What it has told since the read-out is the stop.
                receipt = await arming.arm(session, arming.prepare(session.status, profile), keys, "LAB-7", True)
                await asyncio.sleep(90)
            second, _ = await read_out(node, keys, tmp_path / "b.trail")
            room.check()
            return first, receipt, second, room.air.most_ahead

    first, receipt, second, most_ahead = run(story())
    assert (first.verdict.word, first.acknowledged) == ("recording", True)
    assert (second.verdict.word, second.acknowledged) == ("recording", True)
    assert receipt.trip == 2
    assert most_ahead <= smp.UNACKNOWLEDGED
    assert node.ble.most_queued <= smp.UNACKNOWLEDGED
