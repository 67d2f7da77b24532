"""More than one: two hosts that want the same logger, twenty loggers at once, two with one name."""

import asyncio

import pytest

from celltrail.cli.download_all import empty_all, table_of
from celltrail.errors import DeviceFault
from celltrail.link import bluetooth
from celltrail.link.nearby import Survey, from_air, listed
from celltrail.link.session import open_session
from celltrail.operate.download import Download, Wish
from celltrail_protocol import smp
from tests.host.download_bench import Told
from tests.radio.room import Node, Room, address
from tests.radio.still_time import run

STACKS = ("nimble", "btstack")


@pytest.mark.parametrize("stack", STACKS)
def test_two_hosts_want_the_same_logger(stack, tmp_path):
    node = Node().live(3, 5).stop()

    async def read(number):
        keys = node.keys_in(tmp_path / f"keys{number}")
        wish = Wish(path=tmp_path / f"{number}.trail")
        for _ in range(3):
            try:
                return await Download(address(node), wish, keys, Told()).run()
            except DeviceFault:
                # It is not heard while the other one is connected, and the words say so.
                await asyncio.sleep(1)
        raise AssertionError("it never came to its turn")

    async def story():
        async with Room(node, stack=stack) as room:
            outcomes = await asyncio.gather(read(1), read(2))
            room.check()
            return outcomes

    assert [one.verdict.word for one in run(story())] == ["closed", "closed"]


def test_second_host_is_told_why_it_hears_nothing():
    node = Node().live(1)

    async def story():
        async with Room(node), open_session(address(node)), open_session(address(node)):
            pass

    with pytest.raises(DeviceFault, match=f"{node.name} is not heard; .*another host is connected"):
        run(story())


@pytest.mark.parametrize("stack", STACKS)
def test_twenty_loggers_at_once(stack, tmp_path):
    nodes = [Node(number).live(1, 30 + number).stop() for number in range(1, 21)]

    async def read(node):
        keys = node.keys_in(tmp_path / node.name)
        wish = Wish(path=tmp_path / f"{node.name}.trail")
        return await Download(address(node), wish, keys, Told()).run()

    async def story():
        async with Room(*nodes, stack=stack) as room:
            survey = Survey(air=True)
            await survey.run(3.0)
            seen = listed(survey)
            outcomes = await asyncio.gather(*map(read, nodes))
            room.check()
            after = Survey(air=True)
            await after.run(3.0)
            return seen, outcomes, listed(after), room.air.most_ahead

    seen, outcomes, after, most_ahead = run(story())
    assert sorted(one.called for one in seen) == [node.name for node in nodes]
    assert all(one.state == "stopped" and one.unread for one in seen)
    assert [one.verdict.word for one in outcomes] == ["closed"] * 20
    assert not any(one.unread for one in after)
    assert most_ahead <= smp.UNACKNOWLEDGED


def test_all_loggers_in_the_room_are_emptied_one_after_the_other(tmp_path):
    nodes = [Node(number).live(1, 30 + number).stop() for number in range(1, 4)]
    nodes.append(Node(4))
    keys = nodes[0].keys_in(tmp_path / "keys")
    for node in nodes[1:3]:
        node.keys_in(tmp_path / "keys")
    said, at_once = [], []

    async def story():
        async with Room(*nodes) as room:

            async def read(near):
                at_once.append(sum(logger.connection is not None for logger in room.air.loggers.values()))
                if near.called == nodes[1].name:
                    room.air.leave(nodes[1].address)
                return await Download(near.address, Wish(path=tmp_path / f"{near.called}.trail"), keys, Told()).run()

            return await empty_all(read, said.append)

    done = {one.near.called: one for one in run(story())}
    # The one without a trip is left alone, and one that goes away keeps nobody else from being read.
    assert sorted(done) == sorted(node.name for node in nodes[:3])
    assert at_once == [0, 0, 0]
    assert [done[node.name].exit_code for node in nodes[:3]] == [0, 3, 0]
    assert said[0] == f"1 of 3: {next(iter(done))}"
    table = table_of(list(done.values()))
    assert table.row_count == 3
    verdicts = sorted(table.columns[2].cells)
    assert verdicts == ["[red]NOT READ[/red]", "closed", "closed"]


def test_two_loggers_with_one_name_are_an_error_and_an_address_helps():
    one, other = Node(1).live(1), Node(2).live(1)
    other.board.uid = b"TWIN\x00" + one.board.uid[-3:]

    async def story():
        async with Room(one, other):
            with pytest.raises(DeviceFault, match=f"two loggers are called {one.name}; .*ble://C0:00:00:00:00:0"):
                await bluetooth.find(one.name, 8.0)
            return await bluetooth.find(other.address.lower(), 8.0)

    assert run(story()).address == other.address


def test_what_the_air_says_is_what_a_handler_sees(tmp_path):
    alarms = [[0, 0, 0, 641, 0]]
    node = Node().live(1, 5, alarms=alarms)

    async def story():
        async with Room(node):
            # Until it has a reading of this boot.
            await asyncio.sleep(75)
            return await bluetooth.find(node.name, 8.0)

    near = from_air(run(story()))
    assert near.to_json() | {"seen_utc": ""} == {
        "address": f"ble://{node.address}",
        "name": node.name,
        "state": "logging",
        "alarm": True,
        "unread": True,
        "battery_percent": 75,
        "battery_low": False,
        "temperature_C": near.details["temperature_C"],
        "rssi_dBm": near.rssi_dBm,
        "provisioned": True,
        "seen_utc": "",
    }
    assert -13 < near.details["temperature_C"] < 22
