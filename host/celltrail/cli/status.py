"""`celltrail status`."""

import contextlib
from typing import Any

from celltrail.cli.common import Device, Json, Keys, Radio, print_json, with_session
from celltrail.errors import UsageFault
from celltrail.keys.keystore import KeyStore
from celltrail.keys.receipt import Receipt
from celltrail.link.messages import Status
from celltrail.link.session import ClockPair, Session
from celltrail.operate.commands import AT_REST
from celltrail.plans.plan_text import describe_start
from celltrail.plans.sensor import Sensor, fitted_from_status
from celltrail.utc import iso, span
from celltrail_protocol import codes, names

EPILOG = """\b
Examples:
  celltrail status
  celltrail status -d serial:///dev/ttyACM0 --json"""


def status(device: Device = None, radio: Radio = None, keys: Keys = None, json: Json = False) -> None:
    """Show how a logger is: state, trip, alarms, memory, battery, last readings."""
    now, pair = with_session(device, _read)
    if json:
        print_json(as_json(now, pair))
        return
    lines = rows(now, pair, _receipt(KeyStore(keys), now))
    width = max(len(label) for label, _ in lines)
    for label, text in lines:
        print(f"{label:{width}}  {text}")


async def _read(session: Session) -> tuple[Status, ClockPair]:
    pair = await session.pair()
    return await session.refresh(), pair


def _receipt(keys: KeyStore, now: Status) -> Receipt | None:
    """That of the trip, if this host armed it; a key store in disorder is no reason to tell nothing."""
    with contextlib.suppress(UsageFault):
        entry = keys.trip(now.uid, now.trip)
        return entry.receipt if entry else None
    return None


def as_json(now: Status, pair: ClockPair) -> dict[str, Any]:
    """The status as it came, and beside it what people and scripts want computed."""
    values = now.as_map()
    fitted = fitted_from_status(values)
    return values | {
        "state_name": names.STATE_NAMES.get(now.state, str(now.state)),
        "celsius": [
            None if raw is None else round(sensor.celsius(raw), 4)
            for sensor, raw in zip(fitted.channels, now.last or (), strict=False)
        ],
        "hectopascal": [
            None if raw is None else round(raw * sensor.step, 2)
            for sensor, raw in zip(fitted.barometers, (now.last or ())[len(fitted.channels) :], strict=False)
        ],
        "utc": iso(pair.utc_ms),
        "utc_uncertainty_ms": pair.uncertainty_ms,
        "simulated": pair.simulated,
    }


def rows(now: Status, pair: ClockPair, receipt: Receipt | None = None) -> list[tuple[str, str]]:
    """Label and text, for people."""
    return [
        (
            "logger",
            f"{now.name or 'no name yet'}, uid {now.uid.hex()}, firmware {now.fw}{', simulated' * pair.simulated}",
        ),
        ("state", _state(now, receipt)),
        ("trip", _trip(now)),
        ("alarms", _alarms(now)),
        *_readings(now),
        ("unread", "yes: download it" if now.unread else "no"),
        ("memory", f"{now.free} sectors of 4 kB free"),
        ("battery", f"{now.battery / 1000:.2f} V"),
        *_radio(now),
        *_wiring(now),
        ("clock", f"{iso(pair.utc_ms)} +- {pair.uncertainty_ms} ms, boot {now.boot}, up {span(now.tick)}"),
        ("key", "provisioned" if now.keyed else "none: run `celltrail provision`"),
    ]


def _state(now: Status, receipt: Receipt | None) -> str:
    word = names.STATE_NAMES.get(now.state, str(now.state))
    if now.state == codes.STATE_ARMED:
        return word + (f", {describe_start(receipt.plan, fitted_from_status(now.as_map()))}" if receipt else "")
    reason = names.REASON_NAMES.get(now.reason) if now.reason != codes.REASON_UNKNOWN else None
    return f"{word} (by {reason})" if reason else word


def _trip(now: Status) -> str:
    if not now.sectors:
        return "none"
    lost = f", the first {now.first} overwritten" if now.first else ""
    # The logger counts on with the first reading of a boot; until then it knows no number.
    count = f"{now.slot} reading{'s' * (now.slot != 1)}"
    readings = f"{count} at {span(now.period)}" if now.slot else f"a reading every {span(now.period)}"
    known = f"{readings}, " if now.period else ""
    return f"{now.trip}: {known}{now.sectors} sector{'s' * (now.sectors != 1)}{lost}"


def _alarms(now: Status) -> str:
    raised = [str(number) for number in range(8) if now.alarms >> number & 1]
    return f"ALARM {', '.join(raised)} of the plan" if raised else "none"


def _wiring(now: Status) -> list[tuple[str, str]]:
    if now.wired is not False:
        return []
    return [("wiring", "NOT TAKEN: its chip has no such pin; the board's default is in use (`celltrail wire`)")]


def _radio(now: Status) -> list[tuple[str, str]]:
    if now.radio is None:
        return []
    state, why = now.radio
    known = names.FLIGHT_NAMES if state == codes.RADIO_SUSPENDED else names.ASK_NAMES
    reasons = ", ".join(word for bit, word in known.items() if why & bit)
    word = names.RADIO_STATE_NAMES.get(state, str(state))
    word = f"{word}: FLIGHT MODE" if state == codes.RADIO_SUSPENDED else word
    return [("radio", f"{word} ({reasons})" if reasons else word)]


def _readings(now: Status) -> list[tuple[str, str]]:
    fitted = fitted_from_status(now.as_map())
    return [
        (f"channel {number}", _reading(now, sensor, raw))
        for number, (sensor, raw) in enumerate(zip(fitted.sensors, now.last or (), strict=False))
    ]


def _reading(now: Status, sensor: Sensor, raw: int | None) -> str:
    if raw is not None:
        return f"{raw * sensor.step:.2f} {sensor.unit} ({sensor.name})"
    if now.state == codes.STATE_LOGGING and now.slot:
        return f"NO READING ({sensor.name}): check the sensor and its wires; the record names the fault"
    if now.state in AT_REST:
        return f"no trip has read it ({sensor.name}); `celltrail selftest` shows what it reads"
    return f"none yet ({sensor.name})"
