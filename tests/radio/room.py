"""A room with loggers and hosts in simulated time: the real firmware, the real host, and the virtual radio between."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import fakes

from boards.ble_link import BleLink
from boards.models.nor_flash import NorFlash
from boards.virtual_bluetooth import VirtualBLE
from celltrail.keys.keystore import KeyStore
from celltrail.link import bluetooth
from celltrail.link.address import Address
from celltrail.virtual.air import Air
from celltrail.virtual.air_link import Conditions
from celltrail.virtual.air_server import HostAtTheDoor
from celltrail_protocol import advert, codes, smp
from logger.trip import STABLE_MS

MINUTE = 60_000
# The plan's words for a radio that is on all the time.
ALWAYS_ON = [codes.RADIO_ALWAYS, 1000, 300, 0, 0]
START_UTC_ms = 1_772_000_000_000


def wavy(tick):
    """Readings that pack badly, so that sectors fill fast; bounded."""
    return 640 + (tick // MINUTE * 7919) % 4001 - 2000


class RoomBoard(fakes.Board):
    """A board whose time is the loop's, once it is in the room; `ahead_ms` is what it had lived through before."""

    def __init__(self, number: int, sectors: int):
        super().__init__(NorFlash(sectors), [wavy])
        self.uid = b"ROOM\x00" + number.to_bytes(3, "big")
        self.loop: asyncio.AbstractEventLoop | None = None
        self.ahead_ms = 0

    def ticks_ms(self):
        if self.loop is None:
            return self.tick_ms
        return self.ahead_ms + int(self.loop.time() * 1000)

    def world_utc_ms(self):
        return START_UTC_ms + self.ticks_ms()


class Node:
    """One logger: its firmware runs as a task, and takes `step_ms` for each step."""

    def __init__(self, number: int = 1, sectors: int = 16, step_ms: float = 1.0):
        self.board = RoomBoard(number, sectors)
        self.app, self.host = fakes.make(self.board)
        self.name = advert.name(self.board.uid)
        self.address = f"C0:00:00:00:{number >> 8:02X}:{number & 255:02X}"
        self.ble: VirtualBLE | None = None
        self._step_s = step_ms / 1000
        self._news = asyncio.Event()

    def live(self, sectors: int, minutes: int = 0, **changes: Any) -> "Node":
        """Provision, arm, and log until the trip has so many sectors and some minutes longer; the radio stays on."""
        fakes.arm(self.host, fakes.plan(**{"checkpoint_s": 3600, "radio": ALWAYS_ON, **changes}))
        while self.app.trip.ring.sectors() < sectors:
            fakes.run(self.app, self.board.tick_ms + MINUTE)
        fakes.run(self.app, self.board.tick_ms + minutes * MINUTE)
        return self

    def stop(self) -> "Node":
        self.host.prove(smp.CMD_STOP, {"op": "AB"})
        return self

    def keys_in(self, folder) -> KeyStore:
        """A key store that knows this logger and its trip."""
        keys = KeyStore(folder)
        keys.save_device_key(self.board.uid, "CT-000001", fakes.KEY)
        if self.app.trip.ring.trip:
            keys.save_trip(self.board.uid, self.app.trip.ring.trip, fakes.K0)
        return keys

    def enter(self, air: Air, stack: str) -> asyncio.Task[None]:
        """Come into the room, with the radio's own file on this stack."""
        loop = asyncio.get_running_loop()
        self.board.ahead_ms = self.board.tick_ms - int(loop.time() * 1000)
        self.board.loop = loop
        self._news = asyncio.Event()
        self.ble = VirtualBLE(stack, lambda message: loop.call_soon(air.told, self.address, message))
        air.enter(self.address, self._hear)
        self.board.radio = BleLink(self.ble)
        self.app = fakes.App(self.board, lambda: bytes(32))
        self.app.mount()
        # It was started long enough ago to have come to stay.
        self.board.ahead_ms += STABLE_MS
        self.host = fakes.Host(self.app)
        return asyncio.create_task(self._run())

    def _hear(self, message: bytes) -> None:
        self.ble.receive(message)
        self._news.set()

    async def _run(self) -> None:
        while True:
            self._news.clear()
            again_ms = self.app.step()
            await asyncio.sleep(self._step_s)
            left_ms = None if again_ms is None else again_ms - self.board.ticks_ms()
            if left_ms is None or left_ms > 0:
                try:
                    async with asyncio.timeout(None if left_ms is None else left_ms / 1000):
                        await self._news.wait()
                except TimeoutError:
                    pass


class _Paper:
    """What the radio writes to a host, line by line."""

    def __init__(self, hear: Callable[[dict[str, Any]], None]):
        self._hear = hear
        self._closed = False

    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._closed = True

    def write(self, line: bytes) -> None:
        asyncio.get_running_loop().call_soon(self._say, json.loads(line))

    def _say(self, message: dict[str, Any]) -> None:
        if not self._closed:
            self._hear(message)


class RoomDoor:
    """A door for hosts of the same loop, with all that goes through it as over TCP."""

    def __init__(self, air: Air, hear: Callable[[dict[str, Any]], None]):
        self._paper = _Paper(hear)
        self.host = HostAtTheDoor(air, self._paper)
        self._wishes: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._pump = asyncio.create_task(self._obey())

    def tell(self, **wish: Any) -> None:
        self._wishes.put_nowait(json.loads(json.dumps(wish)))

    async def _obey(self) -> None:
        while True:
            await self.host.obey(await self._wishes.get())

    def close(self) -> None:
        self._pump.cancel()
        self.host.leave()


class Room:
    """Loggers on one stack under the same conditions; within it, the host's bleak uses this radio."""

    def __init__(self, *nodes: Node, stack: str = "nimble", **conditions: Any):
        self.nodes = nodes
        self.stack = stack
        self.conditions = Conditions(**conditions)
        self.air: Air | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Room":
        self.air = Air(self.conditions)
        self._tasks = [node.enter(self.air, self.stack) for node in self.nodes]
        bluetooth.use_door(self.open_door)
        return self

    async def __aexit__(self, *error: object) -> None:
        bluetooth.choose_radio(None)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for node in self.nodes:
            self.air.leave(node.address)

    async def open_door(self, hear: Callable[[dict[str, Any]], None]) -> RoomDoor:
        return RoomDoor(self.air, hear)

    def check(self) -> None:
        """No firmware has failed."""
        for task in self._tasks:
            assert not task.done(), task

    def lose(self, node: Node) -> bool:
        """The radio loses the logger's connection, if there is one."""
        connection = self.air.loggers[node.address].connection
        if connection is not None:
            self.air.drop(connection)
        return connection is not None


def address(node: Node) -> Address:
    return Address("ble", node.name)
