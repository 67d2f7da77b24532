"""The virtual radio in a thread of its own, with a door for hosts; virtual loggers come and go."""

import asyncio
import threading
from collections.abc import Callable
from typing import Self

from celltrail.errors import UsageFault
from celltrail.virtual.air import Air
from celltrail.virtual.air_link import Conditions
from celltrail.virtual.air_server import serve

STACKS = ("nimble", "btstack")


class RadioRoom:
    """Use it in a `with` statement; `address` is what hosts pass to --radio."""

    def __init__(self, conditions: Conditions, port: int = 0) -> None:
        self.address = ""
        self._air = Air(conditions)
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._fault: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="celltrail-radio", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._fault is not None:
            self._thread.join()
            raise UsageFault(f"TCP port {self._port} can't be used ({self._fault}); choose another with --radio-port")
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._open())
        except OSError as fault:
            self._fault = fault
            return
        finally:
            self._ready.set()
            if self._fault is not None:
                self._loop.close()
        self._loop.run_forever()
        self._server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _open(self) -> None:
        self._server = await serve(self._air, self._port)
        self.address = f"tcp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    # --- for loggers, from any thread ---

    def enter(self, address: str, tell: Callable[[bytes], None]) -> None:
        """A logger is switched on; `tell` gets the radio's messages, in the radio's thread."""
        self._loop.call_soon_threadsafe(self._air.enter, address, tell)

    def told(self, address: str, message: bytes) -> None:
        """A logger's stack says something."""
        self._loop.call_soon_threadsafe(self._air.told, address, message)

    def leave(self, address: str) -> None:
        """A logger has lost its power."""
        self._loop.call_soon_threadsafe(self._air.leave, address)


def radio_address(uid: bytes) -> str:
    """A static random device address (Core Specification, volume 6, part B, 1.3.2.1) made of a board's id."""
    octets = bytes([uid[-6] | 0xC0]) + uid[-5:]
    return ":".join(f"{octet:02X}" for octet in octets)
