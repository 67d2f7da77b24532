"""How much of the air a read-out over Bluetooth LE uses, in simulated time: real firmware, real host, virtual radio."""

import asyncio
import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from celltrail.link.session import open_session
from celltrail.operate.fetch import Fetcher
from celltrail.operate.part_file import PartFile
from celltrail.operate.readout import Readout
from celltrail_protocol import smp
from celltrail_protocol.records import SECTOR_SIZE
from tests.bench.figures import Figure, at_least, at_most, say
from tests.radio.room import Node, Room, address
from tests.radio.still_time import run

_INTERVALS_ms = (7.5, 15.0, 60.0, 180.0)
_STACKS = ("nimble", "btstack")
_SECTORS = 30
_BYTES = _SECTORS * SECTOR_SIZE
_SECTORS_OF_16K = 3
_ATT_BYTES = 3
_STEP_s = 0.001
_SLOW_kBps = 12.0


@dataclass(frozen=True)
class Transfer:
    """A read-out after connecting: notification payload in bytes, and simulated seconds."""

    payload: int
    seconds: float

    @property
    def B_per_s(self) -> float:
        """Its rate."""
        return self.payload / self.seconds


async def _flood(stack: str, conditions: dict[str, float]) -> Transfer:
    """A logger that only notifies, as fast as its stack takes it: what this link carries."""
    node = Node()
    async with Room(node, stack=stack, **conditions) as room, open_session(address(node)) as session:
        connection, ble = room.air.loggers[node.address].connection, node.ble
        payload = bytes(connection.mtu - _ATT_BYTES)
        handle = connection.logger.services[0][1][0][2]
        before, began_s = connection.arrived, node.board.loop.time()
        while connection.arrived - before < _BYTES:
            with contextlib.suppress(OSError):
                while ble.queued < 2 * smp.UNACKNOWLEDGED:
                    ble.gatts_notify(connection.number, handle, payload)
            await asyncio.sleep(_STEP_s)
        transfer = Transfer(connection.arrived - before, node.board.loop.time() - began_s)
        await session.client.close()
    return transfer


def possible_B_per_s(stack: str, conditions: dict[str, float]) -> float:
    """What the design allows: the link, but no more than may be unacknowledged in each connection interval."""
    return min(run(_flood(stack, conditions)).B_per_s, smp.UNACKNOWLEDGED / (conditions["interval_ms"] / 1000))


async def _range(node: Node, stack: str, one_by_one: bool, conditions: dict[str, float]) -> Transfer:
    """All sealed sectors, with several requests in flight or with one."""
    async with Room(node, stack=stack, **conditions) as room, open_session(address(node)) as session:
        connection = room.air.loggers[node.address].connection
        fetch, name = Fetcher(session.client, session.status.chunk), f"/trip/{session.status.trip}"
        step = session.status.chunk if one_by_one else _BYTES
        before, began_s = connection.arrived, node.board.loop.time()
        pieces = [await fetch.read(name, at, min(at + step, _BYTES)) for at in range(0, _BYTES, step)]
        transfer = Transfer(connection.arrived - before, node.board.loop.time() - began_s)
        room.check()
        if len(b"".join(pieces)) != _BYTES:
            raise AssertionError("not all was read")
    return transfer


async def _whole(node: Node, stack: str, part: Path) -> float:
    """Seconds after connecting, with both pairings of the clocks, over a slow chip."""
    conditions = {"device_kBps": _SLOW_kBps}
    async with Room(node, stack=stack, **conditions) as room, open_session(address(node)) as session:
        began_s = node.board.loop.time()
        await session.pair()
        with PartFile(part, session.uid, session.status.trip) as file:
            await Readout(session, session.status.trip, file, lambda have, total: None).run([])
            await session.pair()
            taken_s = node.board.loop.time() - began_s
            if len(file.sectors) != _SECTORS_OF_16K:
                raise AssertionError("not all was read")
            file.discard()
        room.check()
    return taken_s


def _shares(node: Node) -> dict[str, tuple[float, float]]:
    """For each stack and interval the share of what is possible: of a read-out, and of one request at a time."""
    found: dict[str, tuple[float, float]] = {}
    for stack in _STACKS:
        for interval_ms in _INTERVALS_ms:
            conditions = {"interval_ms": interval_ms}
            possible = possible_B_per_s(stack, conditions)
            ours, alone = (run(_range(node, stack, one, conditions)).B_per_s / possible for one in (False, True))
            found[f"{stack} {interval_ms:g} ms"] = ours, alone
    return found


def _share_figure(shares: dict[str, tuple[float, float]]) -> Figure:
    worst, alone = min(shares.values())
    told = ", ".join(f"{key} {ours:.2f} ({other:.2f})" for key, (ours, other) in shares.items())
    how = (
        f"{_BYTES:,} B of sealed sectors in simulated time, MTU 247, notification payload over min(link, 8 kB an "
        "interval); the link is what it carries when the logger only notifies; with one request at a time in "
        f"brackets: {told}"
    )
    peer = "one request at a time, at the same interval"
    return Figure("link_share_min", worst, "", how, peer, alone, target=at_least(0.9))


def measure() -> list[Figure]:
    """The worst share of all stacks and intervals, and the time for 16,000 readings."""
    say("  reading over the virtual radio")
    share = _share_figure(_shares(Node(sectors=2 * _SECTORS).live(_SECTORS).stop()))
    with tempfile.TemporaryDirectory() as folder:
        taken_s = max(
            run(_whole(Node().live(_SECTORS_OF_16K).stop(), stack, Path(folder) / stack)) for stack in _STACKS
        )
    how = (
        f"{_SECTORS_OF_16K * SECTOR_SIZE:,} B, what 16,000 readings take, over {_SLOW_kBps:g} kB/s and 15 ms in "
        "simulated time, after connecting, with both pairings of the clocks; the slower of both stacks"
    )
    return [share, Figure("readout_16k_ble_s", taken_s, "s", how, target=at_most(1.5))]
