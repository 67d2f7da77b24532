"""`celltrail status`."""

from typing import Any

from celltrail.cli.common import Device, Json, print_json, with_session
from celltrail.link.messages import Status
from celltrail.link.session import ClockPair, Session
from celltrail.plans.sensor import fitted_from_status
from celltrail.utc import iso, span
from celltrail_protocol import names

EPILOG = """\b
Examples:
  celltrail status
  celltrail status -d serial:///dev/ttyACM0 --json"""


def status(device: Device = None, json: Json = False) -> None:
    """Show how a logger is: state, trip, alarms, memory, battery, last readings."""
    now, pair = with_session(device, _read)
    if json:
        print_json(as_json(now, pair))
        return
    width = max(len(label) for label, _ in rows(now, pair))
    for label, text in rows(now, pair):
        print(f"{label:{width}}  {text}")


async def _read(session: Session) -> tuple[Status, ClockPair]:
    pair = await session.pair()
    return await session.refresh(), pair


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
        "utc": iso(pair.utc_ms),
        "utc_uncertainty_ms": pair.uncertainty_ms,
        "simulated": pair.simulated,
    }


def rows(now: Status, pair: ClockPair) -> list[tuple[str, str]]:
    """Label and text, for people."""
    return [
        (
            "logger",
            f"{now.name or 'no name yet'}, uid {now.uid.hex()}, firmware {now.fw}{', simulated' * pair.simulated}",
        ),
        ("state", _state(now)),
        ("trip", _trip(now)),
        ("alarms", _alarms(now)),
        *_readings(now),
        ("unread", "yes: download it" if now.unread else "no"),
        ("memory", f"{now.free} sectors of 4 kB free"),
        ("battery", f"{now.battery / 1000:.2f} V"),
        ("clock", f"{iso(pair.utc_ms)} +- {pair.uncertainty_ms} ms, boot {now.boot}, up {span(now.tick)}"),
        ("key", "provisioned" if now.keyed else "none: run `celltrail provision`"),
    ]


def _state(now: Status) -> str:
    word = names.STATE_NAMES.get(now.state, str(now.state))
    reason = names.REASON_NAMES.get(now.reason)
    return f"{word} (by {reason})" if reason else word


def _trip(now: Status) -> str:
    if not now.sectors:
        return "none"
    lost = f", the first {now.first} overwritten" if now.first else ""
    return f"{now.trip}: {now.slot} readings at {span(now.period)}, {now.sectors} sectors{lost}"


def _alarms(now: Status) -> str:
    raised = [str(number) for number in range(8) if now.alarms >> number & 1]
    return f"ALARM {', '.join(raised)} of the plan" if raised else "none"


def _readings(now: Status) -> list[tuple[str, str]]:
    fitted = fitted_from_status(now.as_map())
    return [
        (
            f"channel {number}",
            "no reading" if raw is None else f"{sensor.celsius(raw):.2f} degC ({sensor.name})",
        )
        for number, (sensor, raw) in enumerate(zip(fitted.channels, now.last or (), strict=False))
    ]
