"""What the logic expects of a board: the interfaces that `boards/` implement and tests fake."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from typing import Protocol

    class Flash(Protocol):
        """A NOR flash area of whole 4096-byte sectors; addresses start at 0."""

        sectors: int

        def read_into(self, addr: int, buf: bytearray | memoryview) -> None:
            """Fill `buf` with the bytes from `addr` on."""

        def program(self, addr: int, data: bytes | bytearray | memoryview) -> None:
            """Program whole 256-byte pages at a page address; 0xFF leaves a byte as it is."""

        def erase(self, sector: int) -> None:
            """Set all bytes of one sector to 0xFF."""

    class Link(Protocol):
        """A byte stream to one host at a time."""

        def read(self, limit: int) -> bytes:
            """At most `limit` bytes that have arrived; empty when there are none."""

        def write(self, data: bytes | bytearray | memoryview) -> int:
            """Take some of `data`; the count taken, perhaps 0."""

        def connected(self) -> bool:
            """Whether a host has the link open, as far as the board can tell."""

    class Radio(Protocol):
        """A Bluetooth LE peripheral with SMP's GATT service; one connection at a time."""

        def power(self, on: bool, name: str) -> bool:
            """Switch the radio on, with its name in the GAP service, or off; whether it did."""

        def advertise(self, interval_ms: int, data: bytes, response: bytes) -> bool:
            """Advertise so, or anew with other data; 0 stops. Whether the radio took it; a connection ends it."""

        def connection(self) -> int:
            """The number of the open connection, another one for each; 0: none."""

        def payload(self) -> int:
            """The bytes that a notification on this connection carries."""

        def read(self) -> "bytes | None":
            """What the host has written since the last call; None when a part of it was lost."""

        def notify(self, data: bytes | bytearray | memoryview) -> bool:
            """Send a notification; False when the radio does not take it now."""

        def disconnect(self) -> None:
            """End the connection; `connection` tells when it has ended."""

    class Thermometer(Protocol):
        """One temperature channel in steps of `step_nK` nanokelvin; 0 is 0 degC.

        A barometer is the same in pascal: steps of nPa, an uncertainty in mPa; 0 is 0 Pa.

        lead_ms: how long its conversion takes, so that it is begun as much before a reading is due; 0 when it does not
        matter. begun: whether a conversion is under way that the next `read_raw` fetches.
        """

        model: int
        step_nK: int
        low_raw: int
        high_raw: int
        uncertainty_mK: int
        lead_ms: int
        begun: bool

        def start(self) -> None:
            """Prepare the chip; raises SensorFault."""

        def begin(self) -> None:
            """Start a conversion; raises SensorFault."""

        def read_raw(self) -> int:
            """The conversion that was begun `lead_ms` ago, or one of now, in steps; raises SensorFault."""

    class Accelerometer(Protocol):
        """Three axes in steps of `step_ng` nano-g, sampled into the chip's FIFO of `depth` xyz sets.

        A read leaves the newest `kept_sets` sets there.
        """

        model: int
        step_ng: int
        rate_mHz: int
        depth: int
        kept_sets: int
        range_raw: int
        overrun: bool

        def start(self, threshold_mg: int) -> None:
            """Sample into the FIFO and raise the interrupt on activity; raises SensorFault."""

        def stop(self) -> None:
            """Stand by; raises SensorFault."""

        def active(self) -> bool:
            """Whether activity was seen since the last call; raises SensorFault."""

        def read_fifo(self, out: "array[int]", room_sets: int) -> int:
            """Move at most `room_sets` xyz sets into `out`, oldest first; their count. Raises SensorFault."""

    class ClockChip(Protocol):
        """Keeps UTC while the board has no power."""

        def read(self) -> tuple[int, int]:
            """(UTC in whole seconds, uncertainty in ms without the part of a second); raises SensorFault."""

        def set(self, utc_s: int, doubt_ms: int) -> None:
            """A second begins now, and it is within `doubt_ms`; raises SensorFault."""

    class Retained(Protocol):
        """Some bytes that keep their power while the chip is powered down; it wakes as after a restart.

        room: how many. least_ms: a rest that is shorter is not worth it.
        """

        room: int
        least_ms: int

        def take(self) -> bytes:
            """What was kept, once, when the chip was powered down before this start; else nothing."""

        def is_quiet(self) -> bool:
            """Whether nobody is about, and no pin would wake the chip at once."""

        def is_false_wake(self) -> bool:
            """Whether a pin has woken the chip, and the button is not pressed."""

        def go_on(self, tick_ms: int) -> None:
            """After a wake: it is `tick_ms` now."""

        def power_down(self, kept: bytes, ms: int) -> None:
            """Keep these bytes, and power down for so long or until the button; does not return."""

    class Board(Protocol):
        """All that a board offers to the logic; thermometers and barometer are four at most."""

        name: str
        uid: bytes
        flash: Flash
        link: Link
        radio: Radio | None
        thermometers: list[Thermometer]
        barometer: Thermometer | None
        rtc: ClockChip | None
        accelerometer: Accelerometer | None
        retained: Retained | None
        reset_cause: int
        # False: the wiring record names a pin that the chip has not, and the board's default is in use.
        wiring_used: bool

        def ticks_ms(self) -> int:
            """Milliseconds since power-on; never wraps."""

        def wait(self, until_ms: int | None) -> None:
            """Sleep until then, at most IDLE_LOOK_MS with None.

            Link bytes, news of the radio, an accelerometer interrupt and the button end it, too.
            """

        def accelerometer_int(self) -> bool:
            """The level of the accelerometer's interrupt pin."""

        def button(self) -> bool:
            """Whether the button is pressed now."""

        def led(self, pattern: int) -> None:
            """Show one of `codes.LED_*`."""

        def battery_mV(self) -> int:
            """The battery's voltage."""

        def random(self, n: int) -> bytes:
            """`n` bytes from the board's random source."""

        def feed(self) -> None:
            """Tell the watchdog that all is well."""

        def reset(self) -> None:
            """Restart the board; does not return."""

        def world_utc_ms(self) -> int | None:
            """A simulated world's time in ms since 1970, or None on a real board."""


# So long a board waits at most that was told of nothing to wait for.
IDLE_LOOK_MS = 60000


class SensorFault(Exception):
    """A sensor could not give a reading; `code` is one of `codes.FAULT_*`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code
