"""SMP's GATT service on MicroPython's `bluetooth` module: one file for NimBLE (ESP32) and BTstack (Pico W).

How a board uses it: `board.radio = BleLink(bluetooth.BLE())`, on BTstack with a reserve, and its `wait` ends as soon as
`radio.news` is true, which it clears. All waiting must be asyncio or `time.sleep_ms`, since both stacks run in the
interpreter's hooks. The radio is off until the logic switches it on.

What the stacks do not tell: when a notification was sent. NimBLE raises OSError when its buffers are full; BTstack
takes everything and queues it on the heap, which is why `logger/radio_link` bounds what is under way.
"""

import gc

import bluetooth

from celltrail_protocol import smp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# CPython has none, and heap enough.
_mem_free: "Callable[[], int]" = getattr(gc, "mem_free", lambda: 1 << 30)

_IRQ_CENTRAL_CONNECT = 1
_IRQ_CENTRAL_DISCONNECT = 2
_IRQ_GATTS_WRITE = 3
_IRQ_MTU_EXCHANGED = 21

_DEFAULT_MTU = 23
_MTU = 517
_ATT_HEAD = 3
# What a host may have written before the main loop has taken it; the stack cuts off what is more.
_ROOM = 2 * smp.LONGEST_MESSAGE
_SERVICE = (
    bluetooth.UUID(smp.GATT_SERVICE),
    (
        (
            bluetooth.UUID(smp.GATT_CHARACTERISTIC),
            bluetooth.FLAG_WRITE_NO_RESPONSE | bluetooth.FLAG_NOTIFY,
        ),
    ),
)


class BleLink:
    """A radio as `logger.hardware.Radio` describes it. news: something has happened since it was cleared.

    is_on: whether the radio is, so that the chip must not sleep deeply. reserve: bytes of the heap that notifications
    must leave free, for a stack that queues them there; 0 for one that refuses what it can't take.
    """

    def __init__(self, ble: "Any", reserve: int = 0) -> None:
        self._ble = ble
        self._reserve = reserve
        self._handle = 0
        self._connected = -1
        self._number = 0
        self._mtu = _DEFAULT_MTU
        self._written = False
        self._stale = False
        self.news = False
        self.is_on = False
        self._on_event = self._interrupt

    def _interrupt(self, event: int, data: "tuple[Any, ...]") -> None:
        # May run in the stack's own task: it allocates nothing and calls nothing.
        if event == _IRQ_GATTS_WRITE:
            self._written = True
        elif event == _IRQ_CENTRAL_CONNECT:
            self._connected = data[0]
            # What the host before has left unread would run into what this one writes.
            self._stale = self._written
            self._mtu = _DEFAULT_MTU
            self._number += 1
        elif event == _IRQ_CENTRAL_DISCONNECT:
            if data[0] == self._connected:
                self._connected = -1
        elif event == _IRQ_MTU_EXCHANGED and data[0] == self._connected:
            self._mtu = data[1]
        self.news = True

    def power(self, on: bool, name: str) -> bool:
        """Switch the radio on, with its name in the GAP service, or off; whether it did."""
        self._connected = -1
        self._written = self._stale = False
        self.is_on = False
        try:
            # Switched off first: a stack that is in a bad state begins anew.
            self._ble.active(False)
            if on:
                self._ble.active(True)
                self._ble.config(gap_name=name)
                self._ble.config(mtu=_MTU)
                self._ble.irq(self._on_event)
                ((self._handle,),) = self._ble.gatts_register_services((_SERVICE,))
                self._ble.gatts_set_buffer(self._handle, _ROOM, True)
        except OSError:
            return False
        self.is_on = on
        return True

    def advertise(self, interval_ms: int, data: bytes, response: bytes) -> bool:
        """Advertise so, or anew with other data; 0 stops. Whether the radio took it; a connection ends it."""
        try:
            if interval_ms:
                self._ble.gap_advertise(interval_ms * 1000, adv_data=data, resp_data=response, connectable=True)
            else:
                self._ble.gap_advertise(None)
        except OSError:
            return False
        return True

    def connection(self) -> int:
        """The number of the open connection, another one for each; 0: none."""
        return self._number if self._connected >= 0 else 0

    def payload(self) -> int:
        """The bytes that a notification on this connection carries."""
        return self._mtu - _ATT_HEAD

    def read(self) -> "bytes | None":
        """What the host has written since the last call; None when a part of it was lost."""
        if not self._written:
            return b""
        # Cleared first: what comes in between is noticed once too often rather than never.
        self._written = False
        data: bytes = self._ble.gatts_read(self._handle)
        stale, self._stale = self._stale, False
        return None if stale or len(data) >= _ROOM else data

    def notify(self, data: "bytes | bytearray | memoryview") -> bool:
        """Send a notification; False when the radio does not take it now."""
        if self._connected < 0 or self._is_short():
            return False
        try:
            self._ble.gatts_notify(self._connected, self._handle, data)
        except OSError:
            return False
        return True

    def _is_short(self) -> bool:
        """Whether the heap is: a host that lies about what it has received must not fill it."""
        if not self._reserve or _mem_free() >= self._reserve:
            return False
        gc.collect()
        return _mem_free() < self._reserve

    def disconnect(self) -> None:
        """End the connection; `connection` tells when it has ended."""
        try:
            self._ble.gap_disconnect(self._connected)
        except OSError:
            # It has ended by itself, or the stack is stuck, which `connection` tells.
            pass
