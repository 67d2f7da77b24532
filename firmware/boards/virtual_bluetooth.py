"""Stands in for MicroPython's `bluetooth` module on a PC: its peripheral part, over the launcher's virtual radio.

It behaves as one of the two stacks does: NimBLE raises ENOMEM when its buffers are full, BTstack queues on the heap
without limit, until the heap is full and the interpreter crashes.

What goes over the wire are CBOR lists, each a word and its values:

    from us   ["power", on, name, mtu]  ["advertise", interval_ms, data, response]  ["disconnect", connection]
              ["services", [[uuid, [[uuid, flags, handle], ...]], ...]]  ["notify", connection, handle, data]
    to us     ["connected", connection, address]  ["disconnected", connection]  ["mtu", connection, mtu]
              ["write", connection, handle, data]  ["sent", connection, bytes]: of notifications, taken by the host
"""

import errno
from binascii import unhexlify

from celltrail_protocol import cbor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Buffer = bytes | bytearray | memoryview
    Characteristic = tuple["UUID", int]

FLAG_READ = 0x02
FLAG_WRITE_NO_RESPONSE = 0x04
FLAG_WRITE = 0x08
FLAG_NOTIFY = 0x10
FLAG_INDICATE = 0x20

NIMBLE = "nimble"
BTSTACK = "btstack"

_IRQ_CENTRAL_CONNECT = 1
_IRQ_CENTRAL_DISCONNECT = 2
_IRQ_GATTS_WRITE = 3
_IRQ_MTU_EXCHANGED = 21

_DEFAULT_MTU = 23
_DEFAULT_BUFFER = 20
_LONGEST_ADVERTISEMENT = 31
_FIRST_HANDLE = 16
# NimBLE on the ESP32: so many buffers of this size for all that is on its way out.
_BUFFERS = 12
_BUFFER_SIZE = 256
# A Pico W's heap took 120 kB of notifications, and crashed on 200 kB.
_HEAP = 160_000


class UUID:
    """A 16-bit number or a 128-bit text; `raw` are its bytes in the order of the air."""

    def __init__(self, value: "int | str") -> None:
        if isinstance(value, int):
            self.raw = bytes((value & 0xFF, value >> 8))
        else:
            straight = unhexlify(value.replace("-", ""))
            self.raw = bytes([straight[15 - i] for i in range(16)])


class _Value:
    """What a characteristic holds: at most `room` bytes, of which a write replaces all or comes after."""

    def __init__(self) -> None:
        self.data = b""
        self.room = _DEFAULT_BUFFER
        self.append = False

    def write(self, data: bytes) -> None:
        self.data = ((self.data if self.append else b"") + data)[: self.room]

    def read(self) -> bytes:
        data = self.data
        if self.append:
            self.data = b""
        return data


class VirtualBLE:
    """`bluetooth.BLE`, with `stack` one of NIMBLE and BTSTACK; `send` hands a message to the radio.

    queued: bytes of notifications that are with the stack now; most_queued: at most so far.
    """

    def __init__(self, stack: str, send: "Callable[[bytes], None]") -> None:
        self._stack = stack
        self._send = send
        self._active = False
        self.interval_ms = 0
        self._handler: "Callable[[int, tuple[Any, ...]], Any] | None" = None
        self._name = "MPY " + stack.upper()
        self._mtu = 256
        self._values: "dict[int, _Value]" = {}
        # Connection: [its MTU, notifications that wait as sizes].
        self._connections: "dict[int, list[Any]]" = {}
        self.queued = self.most_queued = 0

    def _tell(self, *message: "Any") -> None:
        self._send(cbor.dumps(list(message)))

    def _fire(self, event: int, *data: "Any") -> None:
        if self._handler is not None:
            self._handler(event, data)

    def _require(self) -> None:
        if not self._active:
            raise OSError(errno.ENODEV)

    # --- from the radio ---

    def receive(self, message: bytes) -> None:
        """Take a message of the radio; interrupts run here."""
        word, connection, *rest = cbor.loads(message)
        if word == "connected" and self._active:
            self._connections[connection] = [_DEFAULT_MTU, []]
            self._fire(_IRQ_CENTRAL_CONNECT, connection, 0, rest[0])
        elif connection not in self._connections:
            # The connection has ended while this was on its way.
            return
        elif word == "disconnected":
            self._end(connection)
        elif word == "mtu":
            self._connections[connection][0] = rest[0]
            self._fire(_IRQ_MTU_EXCHANGED, connection, rest[0])
        elif word == "write" and rest[0] in self._values:
            self._values[rest[0]].write(rest[1])
            self._fire(_IRQ_GATTS_WRITE, connection, rest[0])
        elif word == "sent":
            self._take_sent(connection, rest[0])

    def _end(self, connection: int) -> None:
        _, sizes = self._connections.pop(connection)
        self.queued -= sum(sizes)
        self._fire(_IRQ_CENTRAL_DISCONNECT, connection, 0, bytes(6))

    def _take_sent(self, connection: int, count: int) -> None:
        sizes = self._connections[connection][1]
        while count > 0 and sizes:
            size = sizes.pop(0)
            self.queued -= size
            count -= size

    # --- as MicroPython's ---

    def active(self, on: "bool | None" = None) -> bool:
        """Switch on or off; services are forgotten with it, and connections end."""
        if on is not None and on != self._active:
            self._active = on
            self.interval_ms = 0
            self._values = {}
            if on:
                self._tell("power", True, self._name, self._mtu)
            else:
                self._tell("power", False, "", 0)
                for connection in list(self._connections):
                    self._end(connection)
        return self._active

    def config(self, *names: str, **values: "Any") -> "Any":
        """Read one value, or set some: gap_name and mtu are known."""
        for name in names:
            if name not in ("gap_name", "mtu"):
                raise ValueError("unknown config param")
            return self._name.encode() if name == "gap_name" else self._mtu
        for name in values:
            if name not in ("gap_name", "mtu"):
                raise ValueError("unknown config param")
        self._name = values.get("gap_name", self._name)
        self._mtu = values.get("mtu", self._mtu)
        if self._active:
            self._tell("power", True, self._name, self._mtu)

    def irq(self, handler: "Callable[[int, tuple[Any, ...]], Any] | None") -> None:
        """Call this one for each event."""
        self._handler = handler

    def gap_advertise(
        self,
        interval_us: "int | None",
        adv_data: "Buffer | None" = None,
        *,
        resp_data: "Buffer | None" = None,
        connectable: bool = True,
    ) -> None:
        """Advertise so, or with None not at all."""
        self._require()
        data, response = bytes(adv_data or b""), bytes(resp_data or b"")
        if len(data) > _LONGEST_ADVERTISEMENT or len(response) > _LONGEST_ADVERTISEMENT:
            raise OSError(errno.EINVAL)
        self.interval_ms = 0 if interval_us is None else max(20, interval_us // 1000)
        self._tell("advertise", self.interval_ms, data, response)

    def gap_disconnect(self, connection: int) -> bool:
        """Begin to end a connection; whether there is one."""
        self._require()
        if connection not in self._connections:
            return False
        self._tell("disconnect", connection)
        return True

    def gatts_register_services(
        self, services: "tuple[tuple[UUID, tuple[Characteristic, ...]], ...]"
    ) -> "tuple[tuple[int, ...], ...]":
        """Offer services; the value handles of their characteristics."""
        self._require()
        handle, told, handles = _FIRST_HANDLE, [], []
        for service, characteristics in services:
            handle += 1
            listed, own = [], []
            for uuid, flags in characteristics:
                # Its declaration, its value, and for notifications their switch.
                value = handle + 1
                handle += 3 if flags & (FLAG_NOTIFY | FLAG_INDICATE) else 2
                self._values[value] = _Value()
                listed.append([uuid.raw, flags, value])
                own.append(value)
            told.append([service.raw, listed])
            handles.append(tuple(own))
        self._tell("services", told)
        return tuple(handles)

    def gatts_set_buffer(self, handle: int, length: int, append: bool = False) -> None:
        """How much a value may hold, and whether writes come one after the other."""
        value = self._values[handle]
        value.room, value.append = length, append

    def gatts_read(self, handle: int) -> bytes:
        """What was written."""
        return self._values[handle].read()

    def gatts_write(self, handle: int, data: "Buffer") -> None:
        """Set what a host would read."""
        self._values[handle].data = bytes(data)

    def gatts_notify(self, connection: int, handle: int, data: "Buffer") -> None:
        """Send a notification, cut to what the connection carries."""
        self._require()
        if connection not in self._connections:
            raise OSError(errno.ENOTCONN)
        mtu, sizes = self._connections[connection]
        sent = bytes(data[: mtu - 3])
        if self._stack == NIMBLE and sum([_buffers(size) for size in sizes]) + _buffers(len(sent)) > _BUFFERS:
            raise OSError(errno.ENOMEM)
        sizes.append(len(sent))
        self.queued += len(sent)
        self.most_queued = max(self.most_queued, self.queued)
        if self.queued > _HEAP:
            raise SystemExit("the heap is full of notifications: BTstack crashes here")
        self._tell("notify", connection, handle, sent)


def _buffers(size: int) -> int:
    return (size + _BUFFER_SIZE - 1) // _BUFFER_SIZE


_device: "list[VirtualBLE]" = []


def fit(ble: VirtualBLE) -> None:
    """From now on this one is the board's."""
    _device[:] = [ble]


def BLE() -> VirtualBLE:
    """The board's only one; ImportError on a board without a radio, whose firmware would lack this module."""
    if not _device:
        raise ImportError("no radio is fitted")
    return _device[0]
