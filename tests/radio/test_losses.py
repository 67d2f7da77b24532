"""The link is lost at random, at each step and a hundred times in one read-out; the file is right all the same."""

import asyncio
import random

import pytest

from celltrail.evidence.trail import read_trail
from celltrail.operate import download as module
from celltrail.operate.download import Download, Wish
from tests.host.download_bench import Told
from tests.radio.room import Node, Room, address
from tests.radio.still_time import run

STACKS = ("nimble", "btstack")


@pytest.fixture(autouse=True)
def patient(mocker):
    """Many losses in a row are no reason to give up here, and nobody waits for a disk."""
    mocker.patch.object(module, "PAUSES_S", (0.1,) * 30)
    mocker.patch("os.fsync")


def content(path):
    trail = read_trail(path)
    return [(one.index, bytes(one.data)) for one in trail.sectors]


async def read(node, keys, path):
    return await Download(address(node), Wish(path=path), keys, Told()).run()


def peaceful(node, folder, **conditions):
    """What a read-out holds that nobody disturbs."""

    async def story():
        async with Room(node, **conditions):
            return await read(node, node.keys_in(folder / "keys"), folder / "peace.trail")

    assert run(story()).verdict.word == "closed"
    return content(folder / "peace.trail")


@pytest.mark.parametrize("stack", STACKS)
def test_a_hundred_losses_in_one_read_out(stack, tmp_path):
    node = Node(sectors=40).live(24).stop()
    expected = peaceful(node, tmp_path)
    chance = random.Random(5)

    async def story():
        async with Room(node, stack=stack) as room:
            reading = asyncio.create_task(read(node, node.keys_in(tmp_path / "keys"), tmp_path / "a.trail"))
            losses = 0
            while losses < 100 and not reading.done():
                # Not before something has come: a link that never carries anything reads nothing.
                connection = room.air.loggers[node.address].connection
                if connection is not None and connection.arrived > 700 + chance.randrange(1500):
                    losses += room.lose(node)
                await asyncio.sleep(0.005)
            outcome = await reading
            room.check()
            return outcome, losses

    outcome, losses = run(story())
    assert losses == 100
    assert outcome.verdict.word == "closed"
    assert outcome.acknowledged
    assert content(tmp_path / "a.trail") == expected
    assert node.ble.queued == 0


@pytest.mark.parametrize("stack", STACKS)
def test_loss_at_every_step_of_a_read_out(stack, tmp_path):
    """Each run loses the link once, after one notification more than the run before."""
    node = Node().live(1, 40).stop()
    expected = peaceful(node, tmp_path)

    async def story(after):
        async with Room(node, stack=stack) as room:
            said = 0

            def lose(*_):
                nonlocal said
                said += 1
                if said == after:
                    asyncio.get_running_loop().call_soon(room.lose, node)

            arrived = room.air._arrived
            room.air._arrived = lambda *values: (lose(), arrived(*values))
            outcome = await read(node, node.keys_in(tmp_path / "keys"), tmp_path / f"{after}.trail")
            room.check()
            return outcome, said

    step, steps = 1, 2
    while step <= steps:
        outcome, said = run(story(step))
        assert (outcome.verdict.word, outcome.acknowledged) == ("closed", True)
        assert content(tmp_path / f"{step}.trail") == expected
        steps = max(steps, min(said, 40))
        step += 1
    assert step > 25


@pytest.mark.parametrize("loss", [0.1, 0.5])
def test_lost_packets_only_cost_time(loss, tmp_path):
    node = Node().live(3).stop()
    expected = peaceful(node, tmp_path)

    async def story():
        async with Room(node, loss=loss):
            return await read(node, node.keys_in(tmp_path / "keys"), tmp_path / "a.trail")

    assert run(story()).verdict.word == "closed"
    assert content(tmp_path / "a.trail") == expected
