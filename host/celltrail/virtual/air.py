"""The virtual radio: who advertises, who hears it, and the connections between them.

Runs in one asyncio loop. A logger is known by its address; what it and the radio tell each other are the messages of
`firmware/boards/virtual_bluetooth.py`.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import cbor2

from celltrail.virtual.air_link import AirLink, Conditions

DEFAULT_MTU = 23
_NOTIFY = 0x10
_RSSI_dBm = (-70, -45)


class Listener(Protocol):
    """A host's side: what it hears of the radio."""

    def heard(self, address: str, rssi: int, data: bytes, response: bytes) -> None:
        """An advertisement."""

    def notified(self, handle: int, data: bytes) -> None:
        """A notification has arrived."""

    def ended(self) -> None:
        """The connection is over."""


@dataclass
class Logger:
    """A logger with its radio; `tell` hands it a message."""

    address: str
    tell: Callable[[bytes], None]
    rssi: int
    is_on: bool = False
    mtu: int = DEFAULT_MTU
    interval_ms: int = 0
    data: bytes = b""
    response: bytes = b""
    services: list[Any] = field(default_factory=list)
    connection: "Connection | None" = None
    timer: asyncio.TimerHandle | None = None


@dataclass
class Connection:
    """Between one logger and one host."""

    number: int
    logger: Logger
    host: Listener
    link: AirLink
    mtu: int
    sent: int = 0
    arrived: int = 0


class Air:
    """All radios in one room under the same conditions; `most_ahead` is how much any logger ever had on its way."""

    def __init__(self, conditions: Conditions, seed: int = 1) -> None:
        self.conditions = conditions
        self.loggers: dict[str, Logger] = {}
        self.listeners: set[Listener] = set()
        self.most_ahead = 0
        self._chance = random.Random(seed)
        self._numbers = 0

    # --- loggers ---

    def enter(self, address: str, tell: Callable[[bytes], None]) -> Logger:
        """A logger comes into the room, its radio off."""
        self.leave(address)
        logger = Logger(address, tell, self._chance.randint(*_RSSI_dBm))
        self.loggers[address] = logger
        return logger

    def leave(self, address: str) -> None:
        """It has lost its power."""
        logger = self.loggers.pop(address, None)
        if logger is not None:
            self._power(logger, False, DEFAULT_MTU)

    def told(self, address: str, message: bytes) -> None:
        """A logger's stack says something."""
        logger = self.loggers.get(address)
        if logger is None:
            return
        word, *values = cbor2.loads(message)
        if word == "power":
            self._power(logger, values[0], values[2])
        elif word == "services":
            logger.services = values[0]
        elif word == "advertise":
            before, logger.interval_ms = logger.interval_ms, values[0]
            logger.data, logger.response = values[1:]
            if before != logger.interval_ms:
                self._advertise(logger)
        elif word == "notify":
            self._notify(logger, *values)
        elif word == "disconnect" and logger.connection and logger.connection.number == values[0]:
            self.drop(logger.connection)

    def _power(self, logger: Logger, on: bool, mtu: int) -> None:
        logger.mtu = mtu
        if on and logger.is_on:
            return
        logger.is_on, logger.interval_ms, logger.services = on, 0, []
        self._advertise(logger)
        if logger.connection is not None:
            self.drop(logger.connection)

    def _advertise(self, logger: Logger) -> None:
        if logger.timer is not None:
            logger.timer.cancel()
        logger.timer = None
        if logger.interval_ms:
            # The Core Specification adds up to 10 ms, so that two loggers do not speak at once for ever.
            delay_s = (logger.interval_ms + self._chance.random() * 10) / 1000
            logger.timer = asyncio.get_running_loop().call_later(delay_s, self._say, logger)

    def _say(self, logger: Logger) -> None:
        for listener in tuple(self.listeners):
            listener.heard(logger.address, logger.rssi, logger.data, logger.response)
        self._advertise(logger)

    def _notify(self, logger: Logger, number: int, handle: int, data: bytes) -> None:
        connection = logger.connection
        if connection is not None and connection.number == number:
            connection.sent += len(data)
            self.most_ahead = max(self.most_ahead, connection.sent - connection.arrived)
            connection.link.notify(handle, data)

    # --- hosts ---

    def connect(self, address: str, host: Listener) -> Connection | None:
        """Connect to a logger that advertises; None when it does not."""
        logger = self.loggers.get(address)
        if logger is None or not logger.interval_ms:
            return None
        logger.interval_ms = 0
        self._advertise(logger)
        self._numbers += 1
        link = AirLink(
            self.conditions,
            lambda handle, data: self._tell(connection, "write", handle, data),
            lambda handle, data: self._arrived(connection, handle, data),
            self._chance,
        )
        connection = Connection(self._numbers, logger, host, link, DEFAULT_MTU)
        logger.connection = connection
        self._tell(connection, "connected", bytes(6))
        return connection

    def exchange_mtu(self, connection: Connection) -> None:
        """The host asks for its MTU; the smaller of the two holds."""
        connection.mtu = max(DEFAULT_MTU, min(self.conditions.mtu, connection.logger.mtu))
        self._tell(connection, "mtu", connection.mtu)

    def drop(self, connection: Connection) -> None:
        """The connection is over: somebody ended it, or the radio was lost."""
        if connection.logger.connection is not connection:
            return
        connection.logger.connection = None
        connection.link.close()
        self._tell(connection, "disconnected")
        connection.host.ended()

    def _tell(self, connection: Connection, word: str, *values: Any) -> None:
        connection.logger.tell(cbor2.dumps([word, connection.number, *values]))

    def _arrived(self, connection: Connection, handle: int, data: bytes) -> None:
        connection.arrived += len(data)
        self._tell(connection, "sent", len(data))
        connection.host.notified(handle, data)
