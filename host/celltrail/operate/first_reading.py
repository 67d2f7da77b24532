"""Whether the sensors read: what a trip that has begun says of its first reading."""

import asyncio

from celltrail.errors import BadAnswer, CelltrailError, DeviceFault, Interrupted
from celltrail.link.session import Session
from celltrail.plans.sensor import fitted_from_status
from celltrail_protocol import codes

# Four DS18B20 take 3 s where each must be waited for.
_LONGEST_S = 8.0
_LOOK_EVERY_S = 0.25


async def fault_of_first_reading(session: Session) -> CelltrailError | None:
    """What is wrong with it, to be raised once it is told that the trip runs; None when all channels read."""
    try:
        missing = await _missing(session)
    except CelltrailError as fault:
        return fault
    except asyncio.CancelledError:
        return Interrupted("interrupted; the trip runs, and its first reading was not awaited")
    if not missing:
        return None
    sensors = fitted_from_status(session.status.as_map()).sensors
    which = " and ".join(f"channel {number} ({sensors[number].name})" for number in missing)
    return BadAnswer(
        f"trip {session.status.trip} of {session.status.called} runs, but {which} gave NO READING:"
        " `celltrail stop`, then `celltrail selftest` says what to do"
    )


async def _missing(session: Session) -> tuple[int, ...]:
    """The channels without one; DeviceFault when no reading came."""
    for _ in range(round(_LONGEST_S / _LOOK_EVERY_S)):
        status = await session.refresh()
        if status.slot and status.state != codes.STATE_ARMED:
            return tuple(number for number, raw in enumerate(status.last or ()) if raw is None)
        await asyncio.sleep(_LOOK_EVERY_S)
    raise DeviceFault(f"{session.status.called} took no reading within {_LONGEST_S:g} s; see `celltrail status`")
