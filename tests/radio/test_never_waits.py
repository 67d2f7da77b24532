"""Sampling and shocks never wait for the radio: while a host pulls, each slot has its reading, each shock its event."""

import fakes
import pytest

from celltrail.link.session import open_session
from celltrail.operate.fetch import Fetcher
from celltrail_protocol import frames, smp
from tests.radio.room import ALWAYS_ON, Node, Room, address
from tests.radio.still_time import run

SECOND = 1000
SHOCK = [10000, 2000, 20, 16, 100, 2]
REST = (1, -1, 10)


@pytest.mark.parametrize("stack", ["nimble", "btstack"])
@pytest.mark.parametrize("interval_ms", [7.5, 180.0])
def test_every_slot_and_every_shock_while_a_host_reads_on_and_on(stack, interval_ms):
    node = Node(sectors=24, step_ms=5.0)
    node.board.accelerometer = fakes.Chip()
    fakes.arm(node.host, fakes.plan(period_ms=SECOND, radio=ALWAYS_ON, shock=SHOCK, checkpoint_s=3600))
    while node.app.trip.ring.sectors() < 4:
        fakes.run(node.app, node.board.tick_ms + 60 * SECOND)

    async def story():
        async with Room(node, stack=stack, interval_ms=interval_ms) as room:
            async with open_session(address(node)) as session:
                fetcher = Fetcher(session.client, session.status.chunk)
                before = node.app.trip.schedule.slot
                for number in range(20):
                    assert len(await fetcher.read(f"/trip/{session.status.trip}", 0, 3 * 4096)) == 3 * 4096
                    if number % 5 == 2:
                        node.board.accelerometer.samples = [REST] * 80 + [(150, 0, 10)] * 20 + [REST] * 64
                        node._news.set()
            room.check()
            return before, node.app.trip.schedule.slot

    before, after = run(story())
    assert after - before > 5
    assert [gap for gap in fakes.of_kind(node.app, frames.GAP) if gap[0] >= before] == []
    assert len(fakes.of_kind(node.app, frames.SHOCK)) == 4
    node.host.prove(smp.CMD_STOP, {"op": "AB"})
    # The restart before the host came has left a slot or two out; since then each has its reading.
    slots = set(fakes.readings(node.app))
    assert set(range(before + 1, after)) <= slots
