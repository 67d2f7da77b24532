"""Tell a logger its wiring, and see after its restart that it has taken it."""

import asyncio
import time
from typing import Any

from celltrail.errors import DeviceFault, RefusedFault, UsageFault
from celltrail.keys.keystore import KeyStore
from celltrail.link.address import Address
from celltrail.link.messages import Status, WireWrite
from celltrail.link.session import Session, open_session, require_state
from celltrail.operate.about import about
from celltrail.operate.commands import AT_REST, require_key
from celltrail.plans.wiring import models, wiring_bytes
from celltrail_protocol import names, smp

RESTART_S = 20.0
_PAUSE_S = 0.5


async def send(session: Session, keys: KeyStore, wiring: dict[str, Any], operator: str) -> None:
    """Without a device key it needs no proof; the logger restarts after its answer. UsageFault: not for its board."""
    require_state(session.status, AT_REST, "be wired anew")
    if "deep" in wiring and not (board := await about(session)).is_esp32:
        raise UsageFault(
            f"deep_sleep_s: {session.status.called} is a {board.board}, which can't be powered down and wake by itself;"
            " leave the line out"
        )
    data = wiring_bytes(wiring)
    if session.status.keyed:
        await session.prove(smp.CMD_WIRE, {"op": operator, "wiring": data}, require_key(session, keys))
    else:
        pair = await session.pair()
        await session.client.tell(WireWrite(wiring=data, op=operator, utc=pair.utc_ms))


async def restarted(address: Address, before: Status, limit_s: float = RESTART_S) -> Status:
    """The status of the same logger in a later boot; DeviceFault when it does not come back."""
    end_s = time.monotonic() + limit_s
    fault: DeviceFault | None = None
    while time.monotonic() < end_s:
        try:
            async with open_session(address) as session:
                if session.uid != before.uid:
                    raise RefusedFault(f"another logger is at {address} now; plug one in at a time")
                if session.status.boot != before.boot:
                    return session.status
        except DeviceFault as why:
            fault = why
        await asyncio.sleep(_PAUSE_S)
    detail = f" ({fault})" if fault else ""
    raise DeviceFault(f"{before.called} did not come back within {limit_s:.0f} s{detail}; take its power away and try")


def check(status: Status, wiring: dict[str, Any]) -> None:
    """DeviceFault when the logger does not report the chips that the wiring names."""
    thermometers, accelerometer = models(wiring)
    if status.wired is not False and (tuple(status.models), status.accel) == (thermometers, accelerometer):
        return
    has = ", ".join(names.MODEL_NAMES.get(model, str(model)) for model in (*status.models, status.accel))
    if status.world is not None:
        raise DeviceFault(f"{status.called} is a virtual logger and has {has}; choose them with `celltrail virtual`")
    raise DeviceFault(
        f"{status.called} did not take the wiring: a pin is not there on its board, or does not do what it is named"
        f" for; it uses its board's default ({has})"
    )
