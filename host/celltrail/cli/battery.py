"""`celltrail battery`."""

import dataclasses
from dataclasses import asdict
from typing import Annotated

import typer

from celltrail.battery import currents
from celltrail.battery.count import Counts, count
from celltrail.battery.need import window_hours
from celltrail.battery.reckon import charges, days, windows_mAh
from celltrail.cli.common import Json, print_json
from celltrail.errors import UsageFault
from celltrail.plans.profile import Profile, load_profile, profile_names
from celltrail.plans.radio import ALWAYS

EPILOG = """\b
Examples:
  celltrail battery --profile 2-8C
  celltrail battery --profile dry-ice --sensors max31865 --scenario dry-ice
  celltrail battery --profile CRT --board esp32 --deep-sleep
  celltrail battery --profile 2-8C --board esp32 --cell 3500 --ble --json"""


def battery(
    profile: Annotated[
        str, typer.Option("--profile", metavar="PROFILE", help=f"{', '.join(profile_names())}, or a TOML file.")
    ],
    board: Annotated[str, typer.Option(help=f"{' or '.join(currents.BOARDS)}.")] = "pico-w",
    cell: Annotated[str, typer.Option(help=f"Three AA of {' or '.join(currents.CELLS_mAh)}, or mAh.")] = "alkaline",
    sensors: Annotated[str, typer.Option(help="Channels, as for `celltrail virtual`.")] = "tmp117",
    scenario: Annotated[str, typer.Option(help="What the parcel lives through, as for `celltrail virtual`.")] = "box",
    ble: Annotated[bool, typer.Option("--ble", help="With the radio on all the time.")] = False,
    deep_sleep: Annotated[
        bool, typer.Option("--deep-sleep", help="Wired for it (docs/hardware.md); shocks are not watched then.")
    ] = False,
    json: Json = False,
) -> None:
    """How many days a plan lasts, and where the charge goes; takes some ten seconds.

    A day of the plan is flown on the virtual logger and what the firmware does is counted. Daily windows of the radio
    are added; what else asks for it is not. The currents are others' figures and partly estimates: measure a board
    before you rely on it.
    """
    plan, capacity_mAh = load_profile(profile), _capacity(cell)
    if board not in currents.BOARDS:
        raise UsageFault(f"unknown board {board!r}; choose {' or '.join(currents.BOARDS)}")
    names = tuple(name.strip().lower() for name in sensors.split(","))
    always = ble or plan.radio.policy == ALWAYS
    if deep_sleep:
        plan = _deeply(plan, board, always=always)
    counts = count(plan, sensors, scenario, radio=always)
    shock = plan.shock is not None
    spent = charges(counts, currents.BOARDS[board], names, radio=always, shock=shock, deep=deep_sleep)
    if not always:
        spent["radio"] += windows_mAh(currents.BOARDS[board], window_hours(plan.radio.windows), plan.radio.interval_ms)
    lasts = days(spent, capacity_mAh)
    if json:
        told = {"days": lasts, "mAh_a_day": spent, "counts": asdict(counts), "cell_mAh": capacity_mAh}
        print_json(told | {"usable": currents.USABLE})
    else:
        _print(lasts, spent, counts, capacity_mAh)
        if deep_sleep and not counts.rests:
            print("the chip is never powered down: between the readings of this plan there are no two minutes")
        _print_sources(board, names)


def _deeply(plan: Profile, board: str, *, always: bool) -> Profile:
    """The plan as a logger that is powered down between readings takes it."""
    if currents.BOARDS[board].deep_mA is None:
        able = " or ".join(name for name, one in currents.BOARDS.items() if one.deep_mA is not None)
        raise UsageFault(f"--deep-sleep: a {board} can't be powered down and wake by itself; choose --board {able}")
    if always:
        raise UsageFault("--deep-sleep: a radio that is always on keeps the chip awake; leave one of both out")
    return dataclasses.replace(plan, shock=None)


def _capacity(text: str) -> float:
    if text in currents.CELLS_mAh:
        return currents.CELLS_mAh[text]
    if text.isascii() and text.isdigit() and 0 < int(text) <= 1_000_000:
        return float(text)
    raise UsageFault(f"--cell {text}: it may be {', '.join(currents.CELLS_mAh)}, or whole mAh up to 1000000")


def _print(lasts: float, spent: dict[str, float], counts: Counts, capacity_mAh: float) -> None:
    total = sum(spent.values())
    print(f"about {lasts:.3g} days from {capacity_mAh:g} mAh, of which {currents.USABLE:.0%} count as usable\n")
    for name, each in spent.items():
        print(f"  {name:8} {each:9.3f} mAh a day  {each / total:6.1%}")
    print(f"  {'all':8} {total:9.3f} mAh a day\n")
    print(
        f"counted in a day: {counts.wakes} wakes, {counts.conversions} conversions, {counts.pages} pages programmed,"
        f" {counts.erases} sectors erased, {counts.adverts} advertisements, {counts.rests} rests of two minutes or more"
    )


def _print_sources(board: str, names: tuple[str, ...]) -> None:
    print(f"{board}: {currents.BOARDS[board].source}")
    for name in dict.fromkeys(names):
        print(f"{name}: {currents.CHIPS[name].source}")
    print(
        f"estimates, not measured: {currents.WORK_ms:g} ms of work at a wake, {currents.START_ms:g} ms for a start"
        f" after a deep sleep, {currents.ADVERT_ms:g} ms at {currents.ADVERT_mA:g} mA an advertisement,"
        " the flash's currents and times, the usable share"
    )
