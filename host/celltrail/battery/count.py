"""What the firmware does in a day of a plan, counted on the virtual logger."""

import asyncio
import dataclasses
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from celltrail.keys.keystore import KeyStore
from celltrail.link.address import parse_address
from celltrail.link.session import open_session
from celltrail.operate import arming, provisioning
from celltrail.plans.profile import Profile
from celltrail.plans.radio import ALWAYS, NONE
from celltrail.virtual.air_link import Conditions
from celltrail.virtual.logger import VirtualLogger
from celltrail.virtual.prepare import Request, prepare
from celltrail.virtual.radio_room import RadioRoom

DAY_MS = 86_400_000
# Arming prepares the flash; what it costs belongs to no day of the trip.
_SETTLED_MS = 3_600_000
_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Counts:
    """Of `span_ms` of a trip; awake_ms holds waiting for chips and buses, not the processor's own work.

    rests: of two minutes and more, rests_ms long together; a board that has deep sleep may be powered down in them.
    """

    span_ms: int
    wakes: int
    awake_ms: int
    conversions: int
    pages: int
    erases: int
    adverts: int
    rests: int = 0
    rests_ms: int = 0


def count(profile: Profile, sensors: str, scenario: str, *, radio: bool, span_ms: int = DAY_MS) -> Counts:
    """Fly the plan, started at once and without an end, the radio off or always on; UsageFault when it doesn't fit."""
    told = profile.with_radio(ALWAYS if radio else None, NONE)
    plan = dataclasses.replace(told.with_changes(start="now", duration_s=0), delay_s=0, start_at=None)
    end_ms = _SETTLED_MS + span_ms
    stimulus = prepare(Request(scenario=scenario, sensors=sensors, days=2 * end_ms / DAY_MS))
    with ExitStack() as stack:
        keys = KeyStore(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="celltrail-"))))
        room = stack.enter_context(RadioRoom(Conditions())) if radio else None
        logger = VirtualLogger(stimulus, tcp=True, speed="max", pauses_ms=(_SETTLED_MS, end_ms), radio=room)
        stack.enter_context(logger)
        asyncio.run(_arm(logger.address, plan, keys))
        before = _tally(logger)
        asyncio.run(_visit(logger.address))
        after = _tally(logger)
    return Counts(span_ms, *(late - early for early, late in zip(before, after, strict=True)))


def _tally(logger: VirtualLogger) -> list[int]:
    logger.wait_for("paused", _TIMEOUT_S)
    logger.control("tally")
    return [int(word) for word in logger.wait_for("tally", _TIMEOUT_S).split()[1:]]


async def _visit(address: str) -> None:
    """The world goes on after somebody has come and gone."""
    async with open_session(parse_address(address)):
        pass


async def _arm(address: str, profile: Profile, keys: KeyStore) -> None:
    async with open_session(parse_address(address)) as session:
        await provisioning.provision(session, keys, "")
        await arming.arm(session, arming.prepare(session.status, profile), keys, "", False)
