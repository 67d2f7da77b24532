"""What a technician does with a logger on the bench: its calibrations, and its self-test."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from celltrail.errors import DeviceFault, ErrorAnswer
from celltrail.evaluate.calibration_record import from_record, to_record
from celltrail.evaluate.uncertainty import Calibration
from celltrail.keys.keystore import KeyStore
from celltrail.link.messages import CalibrationsRead, Status
from celltrail.link.session import ClockPair, Session, require_state
from celltrail.operate.commands import AT_REST, require_key
from celltrail.operate.remedies import with_remedy
from celltrail.plans.sensor import Fitted, fitted_from_status
from celltrail.utc import span
from celltrail_protocol import codes, smp

# A DS18B20 takes 750 ms, four of them one after the other, and two erases up to 0.4 s each.
_TEST_TIMEOUT_S = 15.0
# A clock chip counts whole seconds, and drifts by 2 ppm: a minute in a year.
_CLOCK_OFF_MS = 60_000


async def calibrations_of(session: Session) -> dict[int, Calibration]:
    """What the logger keeps, by channel; nothing from a firmware that keeps none."""
    try:
        told = await session.client.tell(CalibrationsRead())
    except ErrorAnswer:
        return {}
    return from_record(told.cal, fitted_from_status(session.status.as_map()).channels)


async def calibrate(
    session: Session, keys: KeyStore, calibrations: Mapping[int, Calibration], where: str, operator: str
) -> None:
    """Keep these on the logger in the place of those that are there, none for none; and see that they are there.

    UsageFault, RefusedFault; DeviceFault when the logger keeps something else.
    """
    data = fitting(session.status, calibrations, where)
    require_state(session.status, AT_REST, "be calibrated")
    key = require_key(session, keys)
    pair = await session.pair()
    await session.prove(smp.CMD_CALIBRATE, {"cal": data, "op": operator, "utc": pair.utc_ms}, key)
    if (await session.client.tell(CalibrationsRead())).cal != data:
        raise DeviceFault(f"{session.status.called} keeps other calibrations than were sent; send them again")


def fitting(status: Status, calibrations: Mapping[int, Calibration], where: str) -> bytes:
    """What this logger would keep of them; UsageFault when they are not for its channels."""
    return to_record(calibrations, fitted_from_status(status.as_map()), where)


@dataclass(frozen=True)
class Part:
    """One part of a self-test: what it found, in words."""

    name: str
    is_good: bool
    text: str


@dataclass(frozen=True)
class Tested:
    """What a logger says of itself; `told` is its answer."""

    parts: tuple[Part, ...]
    told: Mapping[str, Any]

    @property
    def is_good(self) -> bool:
        """Whether all parts are."""
        return all(one.is_good for one in self.parts)


async def self_test(session: Session, keys: KeyStore, operator: str) -> Tested:
    """Let the logger test itself; the result goes into its next record. RefusedFault, and DeviceFault."""
    require_state(session.status, AT_REST, "test itself")
    key = require_key(session, keys)
    pair = await session.pair()
    told = await session.prove(smp.CMD_TEST, {"op": operator, "utc": pair.utc_ms}, key, _TEST_TIMEOUT_S)
    try:
        parts = tuple(_parts(told, fitted_from_status(session.status.as_map()), pair))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DeviceFault(f"{session.status.called} gave a test result that makes no sense") from error
    return Tested(parts, told)


def _parts(told: Mapping[str, Any], fitted: Fitted, pair: ClockPair) -> Iterator[Part]:
    for number, (sensor, (code, raw)) in enumerate(zip(fitted.sensors, told["probes"], strict=True)):
        text = with_remedy(code) if code else f"{raw * sensor.step:.2f} {sensor.unit} ({sensor.name})"
        yield Part(f"channel {number}", not code, text)
    if "accel" in told:
        code, *xyz = told["accel"]
        yield Part("shock", not code, with_remedy(code) if code else _at_rest(xyz, fitted))
    yield Part(
        "flash", not told["flash"], with_remedy(told["flash"]) if told["flash"] else "a sector erased and programmed"
    )
    if "clock" in told:
        yield _clock(told["clock"], pair)
    yield _battery(int(told["battery"]))
    if "radio" in told:
        is_on = bool(told["radio"])
        yield Part("radio", is_on, "on" if is_on else "does not switch on; is the MicroPython one with Bluetooth?")


def _at_rest(xyz: list[int], fitted: Fitted) -> str:
    x, y, z = xyz
    return f"at rest at {x}, {y}, {z} steps on x, y, z ({fitted.accel_name})"


def _clock(told: list[int], pair: ClockPair) -> Part:
    code, *values = told
    if code == codes.FAULT_NOT_READY:
        return Part("clock chip", True, "not set yet; arming sets it")
    if code:
        return Part("clock chip", False, with_remedy(code))
    utc_s, tick_ms = values
    off_ms = utc_s * 1000 - (pair.utc_ms + tick_ms - pair.tick_ms)
    text = f"{span(off_ms)} {'ahead of' if off_ms > 0 else 'behind'} this computer"
    if abs(off_ms) >= _CLOCK_OFF_MS:
        return Part("clock chip", False, f"{text}; check which is right, then arm: it sets the chip")
    return Part("clock chip", True, text)


def _battery(battery_mV: int) -> Part:
    if not battery_mV:
        return Part("battery", True, "not measured on this board")
    is_good = battery_mV >= codes.BATTERY_LOW_mV
    return Part("battery", is_good, f"{battery_mV / 1000:.2f} V" + ("" if is_good else ": charge it"))
