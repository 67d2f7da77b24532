"""`celltrail arm`."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from celltrail.battery.need import needed_mV, needed_share, planned_days
from celltrail.cli.common import (
    Device,
    Discard,
    Json,
    Keys,
    Operator,
    Radio,
    Yes,
    checked_operator,
    confirm,
    print_json,
    say,
    with_session,
)
from celltrail.errors import CelltrailError, Interrupted, RefusedFault, UsageFault
from celltrail.evaluate.calibration_age import calibration_warnings
from celltrail.evaluate.uncertainty import Calibration, load_calibrations
from celltrail.keys.keystore import KeyStore
from celltrail.keys.receipt import Receipt, check_place, save_receipt
from celltrail.link.messages import Status
from celltrail.link.session import Session, require_state
from celltrail.operate import arming
from celltrail.operate.bench import calibrations_of
from celltrail.operate.commands import AT_REST, refuse_unread, require_key
from celltrail.operate.first_reading import fault_of_first_reading
from celltrail.plans.profile import (
    DELAY_BOUNDS_S,
    DURATION_BOUNDS_S,
    PERIOD_BOUNDS_S,
    Profile,
    load_profile,
    profile_names,
)
from celltrail.plans.radio import Window, parse_window, refuse_past
from celltrail.utc import iso, span
from celltrail.virtual.replay import parse_span_ms
from celltrail_protocol import codes

EPILOG = """\b
Examples:
  celltrail arm 2-8C
  celltrail arm dry-ice --period 5min --duration 5d --receipt receipt.json
  celltrail arm 2-8C --calibration cal.toml
  celltrail arm 2-8C --radio-window 06:00/1h --radio-window 2026-03-01T14:00Z/2h
  celltrail arm CRT --radio-on always --flight automatic
  celltrail arm my-profile.toml --start command --yes"""


def _seconds(option: str, text: str | None, bounds_s: tuple[int, int]) -> int | None:
    """Whole seconds; UsageFault with the option and its bounds for anything else."""
    if text is None:
        return None
    if text.strip().isdecimal():
        raise UsageFault(f"{option} {text}: of what? Write {text}s, {text}min, {text}h or {text}d")
    seconds, rest_ms = divmod(parse_span_ms(text), 1000)
    low_s, high_s = bounds_s
    if rest_ms or not low_s <= seconds <= high_s:
        raise UsageFault(f"{option} {text}: it may be {span(low_s * 1000)} to {span(high_s * 1000)}, in whole seconds")
    return seconds


def _window(text: str) -> Window:
    at, found, length = text.rpartition("/")
    if not found:
        raise UsageFault(f"--radio-window {text}: write a beginning and a length, such as 06:00/1h")
    return parse_window(at, parse_span_ms(length))


def arm(
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help=f"{', '.join(profile_names())}, or a TOML file.")],
    device: Device = None,
    radio: Radio = None,
    period: Annotated[str | None, typer.Option(metavar="SPAN", help="Between readings: 10s, 5min.")] = None,
    duration: Annotated[str | None, typer.Option(metavar="SPAN", help="Stop by itself after: 36h, 5d.")] = None,
    start: Annotated[str | None, typer.Option(help="now, command, delay, button or temperature.")] = None,
    delay: Annotated[str | None, typer.Option(metavar="SPAN", help="For --start delay: 2h.")] = None,
    wrap: Annotated[
        bool | None,
        typer.Option("--wrap/--no-wrap", help="Overwrite the oldest readings when full, or stop."),
    ] = None,
    shock: Annotated[bool | None, typer.Option("--shock/--no-shock", help="Watch shocks, or don't.")] = None,
    radio_on: Annotated[
        str | None,
        typer.Option("--radio-on", metavar="WHEN", help="asked: by button, knock or cable; or always."),
    ] = None,
    radio_window: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AT/SPAN",
            help="Also on at this time: 06:00/1h (UTC, every day) or 2026-03-01T06:00Z/2h (once); repeatable.",
        ),
    ] = None,
    flight: Annotated[
        str | None,
        typer.Option(help="automatic: pressure and motion suspend the radio in flight; or none."),
    ] = None,
    receipt: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the receipt there, too.")] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Check the age of these calibrations, not of those on the logger."),
    ] = None,
    any_battery: Annotated[
        bool, typer.Option("--any-battery", help="Arm with a battery that may not last until the planned end.")
    ] = False,
    discard_unread: Discard = False,
    yes: Yes = False,
    operator: Operator = "",
    keys: Keys = None,
    json: Json = False,
) -> None:
    """Begin a trip: show what will be armed, ask, make the trip's key, and keep key and receipt.

    Of a plan that starts at once the first reading is awaited. Exit code 1 when the trip runs, but a sensor gives none.
    """
    code = checked_operator(operator)
    changed = load_profile(profile).with_changes(
        period_s=_seconds("--period", period, PERIOD_BOUNDS_S),
        duration_s=_seconds("--duration", duration, DURATION_BOUNDS_S),
        start=start or ("delay" if delay else None),
        delay_s=_seconds("--delay", delay, DELAY_BOUNDS_S),
        wrap=wrap,
        shock=shock,
    )
    changed = changed.with_radio(radio_on, flight, tuple(_window(text) for text in radio_window or ()))
    if receipt is not None:
        check_place(receipt)
    known = load_calibrations(calibration) if calibration is not None else None
    store = KeyStore(keys)

    async def work(session: Session) -> tuple[Receipt, CelltrailError | None]:
        prepared = _prepare(session, changed, store, discard_unread, any_battery)
        calibrations = await calibrations_of(session) if known is None else known
        now_ms = (await session.pair()).utc_ms
        refuse_past(changed.radio.windows, now_ms)
        _warn_of(calibrations, prepared, now_ms)
        confirm(f"Arm {session.status.called}?", yes)
        try:
            armed = await arming.arm(session, prepared, store, code, discard_unread)
        except asyncio.CancelledError:
            raise Interrupted(
                f"interrupted; whether a trip began tells `celltrail status`: its key is kept in {store.folder}"
            ) from None
        at_once = armed.plan["start"] == codes.START_NOW
        return armed, await fault_of_first_reading(session) if at_once else None

    made, blind = with_session(device, work)
    failed = _copy(made, store, receipt)
    if json:
        print_json(made.to_json())
    else:
        _report(made, store, None if failed else receipt)
    for fault in (failed, blind):
        if fault:
            raise fault


def _copy(made: Receipt, keys: KeyStore, path: Path | None) -> UsageFault | None:
    """The fault of a copy that can't be written: by now the trip is armed, and that must be told first."""
    try:
        if path is not None:
            save_receipt(path, made, replace=True)
    except UsageFault as fault:
        return UsageFault(f"trip {made.trip} is armed, its key and receipt are kept in {keys.folder}; no copy: {fault}")
    return None


def _prepare(session: Session, profile: Profile, keys: KeyStore, discard: bool, any_battery: bool) -> arming.Prepared:
    """Refuse before anything is asked, and show what will be armed."""
    status = session.status
    require_state(status, AT_REST, "be armed")
    require_key(session, keys)
    refuse_unread(status, discard)
    prepared = arming.prepare(status, profile)
    say(f"{status.called} will be armed:")
    for line in prepared.lines:
        say(f"  {line}")
    if not any_battery:
        _refuse_battery(status, prepared)
    if 0 < status.battery < codes.BATTERY_LOW_mV:
        say(f"  battery LOW, {status.battery / 1000:.2f} V: charge it, or the trip may end early")
    return prepared


def _refuse_battery(status: Status, prepared: arming.Prepared) -> None:
    """RefusedFault when the battery is below what the plan needs until its end."""
    share = needed_share(prepared.plan)
    wanted_mV = needed_mV(share)
    if not share or not status.battery or status.battery >= wanted_mV:
        return
    what = f"{planned_days(prepared.plan):.3g} days take {share:.0%} of three AA cells"
    if share > 1:
        what += "; shorten the plan, or change its radio or period"
    else:
        what += f", which are there at {wanted_mV / 1000:.2f} V; change the cells"
    raise RefusedFault(
        f"{status.called} has {status.battery / 1000:.2f} V, and {what}; --any-battery arms it all the same"
    )


def _warn_of(calibrations: Mapping[int, Calibration], prepared: arming.Prepared, now_ms: int) -> None:
    most_ms = (prepared.plan["duration_s"] + prepared.plan["delay_s"]) * 1000
    for line in calibration_warnings(calibrations, prepared.fitted, now_ms, most_ms):
        say(f"  {line}")


def _report(made: Receipt, keys: KeyStore, copy: Path | None) -> None:
    print(f"{made.name} is armed: trip {made.trip}, {iso(made.armed_utc_ms)}{' (simulated)' * made.simulated}")
    print(f"settings {made.settings_hash.hex()[:16]}, key commitment {made.commitment.hex()[:16]}")
    print(f"key and receipt are kept in {keys.folder}" + (f", a copy in {copy}" if copy else ""))
