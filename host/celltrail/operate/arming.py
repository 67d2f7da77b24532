"""Arming: from a profile and a logger to a trip with its key and receipt."""

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from celltrail import __version__
from celltrail.errors import BadAnswer, DeviceFault, ErrorAnswer, NoAnswer
from celltrail.keys.keystore import KeyStore
from celltrail.keys.receipt import Receipt
from celltrail.keys.signing import host_signer
from celltrail.link.messages import Status
from celltrail.link.session import RUNNING, Opened, Session, require_state
from celltrail.operate.commands import AT_REST, refuse_unread, require_key
from celltrail.operate.fetch import Fetcher
from celltrail.operate.readout import read_open_end
from celltrail.plans.plan_text import describe
from celltrail.plans.planning import plan_bytes, settings_hash, to_plan
from celltrail.plans.profile import Profile
from celltrail.plans.sensor import Fitted, fitted_from_status
from celltrail.utc import span
from celltrail_protocol import records, seals, smp

_ARM_TIMEOUT_S = 30.0
# Measured on the virtual logger with its checkpoints and the plan in every sector: 0.65 bytes at a minute's period,
# and more the shorter it is, up to 0.96 at a second's, where each reading differs from the last by noise alone.
_BYTES_A_READING = 0.65
_MORE_BYTES_AT_1_S = 0.31
_SLOW_S = 60.0
_MS_PER_HOUR = 3_600_000


@dataclass(frozen=True)
class Prepared:
    """A plan that fits one logger, and the lines that tell a person what it says."""

    profile: str
    plan: Mapping[str, Any]
    fitted: Fitted
    lines: tuple[str, ...]


def prepare(status: Status, profile: Profile) -> Prepared:
    """UsageFault when the profile does not fit the sensors."""
    fitted = fitted_from_status(status.as_map())
    plan = to_plan(profile, fitted)
    lines = [_with_raw(line, plan) for line in describe(plan, fitted)]
    return Prepared(profile.name, plan, fitted, (*lines, _capacity(status, plan, fitted)))


def _with_raw(line: str, plan: Mapping[str, Any]) -> str:
    """An alarm's line with its limit as the logger compares it."""
    word, _, rest = line.partition(" ")
    number = rest.partition(":")[0]
    if word != "alarm" or not number.isdigit():
        return line
    return f"{line} (raw {plan['alarms'][int(number)][3]})"


def _capacity(status: Status, plan: Mapping[str, Any], fitted: Fitted) -> str:
    """How long the memory lasts, against the planned duration; the last trip makes room for this one."""
    sectors = status.free + status.sectors - status.first
    room_bytes = sectors * (records.FRAMES_END - records.FRAMES_AT)
    reading_bytes = _reading_bytes(plan["period_ms"] / 1000) * len(fitted.sensors)
    lasts_ms = room_bytes / reading_bytes * plan["period_ms"]
    text = f"memory for about {_about(lasts_ms / _MS_PER_HOUR)}; shocks take more"
    if plan["duration_s"] * 1000 > lasts_ms:
        text += f", LESS than the planned {span(plan['duration_s'] * 1000)}"
    return text


def _reading_bytes(period_s: float) -> float:
    """Bytes that a reading of one channel takes, by the logarithm between what was measured."""
    return _BYTES_A_READING + _MORE_BYTES_AT_1_S * max(0.0, 1 - math.log(period_s) / math.log(_SLOW_S))


def _about(hours: float) -> str:
    """18 hours, 33 days, 1.1 years."""
    if hours < 72:
        return f"{hours:.2g} hours"
    days = hours / 24
    return f"{days:.0f} days" if days < 365 else f"{days / 365.25:.1f} years"


async def arm(session: Session, prepared: Prepared, keys: KeyStore, operator: str, discard: bool) -> Receipt:
    """Send the plan and a new K(0), which is kept before it is sent: a lost answer must not lose it."""
    require_state(session.status, AT_REST, "be armed")
    key = require_key(session, keys)
    refuse_unread(session.status, discard)
    before = session.status.trip
    signer = host_signer(keys)
    k0 = secrets.token_bytes(seals.KEY_SIZE)
    handle = keys.save_pending(session.uid, k0)
    opened = await session.challenge()
    body = _body(opened, prepared, operator, discard)

    def with_key(now: Opened) -> dict[str, Any]:
        if session.client.on_air:
            return {"mk0": seals.mask_key(k0, key, now.dn, now.hn, b"k0")} | body
        return {"k0": k0} | body

    try:
        answer = await session.prove_at(opened, smp.CMD_ARM, with_key, key, _ARM_TIMEOUT_S)
    except ErrorAnswer:
        # A refusal carries no proof: where a trip began all the same, its key must not be lost.
        if (await session.refresh()).trip == before:
            keys.drop_pending(handle)
        raise
    except NoAnswer as silence:
        answer = await _after_silence(session, prepared, k0, before, silence)
    _check(session, prepared, k0, answer)
    receipt = _receipt(session, prepared, opened, answer, operator).signed_by(signer)
    keys.finish_pending(handle, receipt.trip, receipt)
    return receipt


def _body(opened: Opened, prepared: Prepared, operator: str, discard: bool) -> dict[str, Any]:
    pair = opened.pair
    return {
        "plan": plan_bytes(prepared.plan),
        "op": operator,
        "tick": pair.tick_ms,
        "utc": pair.utc_ms,
        "unc": pair.uncertainty_ms,
        "src": pair.source,
        "discard": discard,
    }


async def _after_silence(
    session: Session, prepared: Prepared, k0: bytes, before: int, silence: NoAnswer
) -> dict[str, Any]:
    """What the lost answer said, if the logger proves that it holds this key; its firmware's hash is lost."""
    status = await session.refresh()
    if status.trip == before or status.state not in RUNNING:
        raise silence
    end = await read_open_end(session, Fetcher(session.client, status.chunk), status.trip)
    if end is None or not end.is_proven(k0):
        raise silence
    return {
        "trip": status.trip,
        "tick": end.live.tick,
        "settings": settings_hash(prepared.plan),
        "commit": seals.commitment(k0),
        "fw": bytes(32),
    }


def _check(session: Session, prepared: Prepared, k0: bytes, answer: Mapping[str, Any]) -> None:
    """The logger must say that it took this plan and this key."""
    name = session.status.name
    expected = {"settings": settings_hash(prepared.plan), "commit": seals.commitment(k0)}
    if not isinstance(answer.get("trip"), int) or not isinstance(answer.get("tick"), int):
        raise DeviceFault(f"{name} gave an answer that makes no sense")
    for word, value in expected.items():
        if answer.get(word) != value:
            raise BadAnswer(f"{name} armed another {word} than was sent; stop it and arm it again")


def _receipt(session: Session, prepared: Prepared, opened: Opened, answer: Mapping[str, Any], operator: str) -> Receipt:
    pair = opened.pair
    return Receipt(
        uid=session.uid,
        name=session.status.name,
        trip=answer["trip"],
        profile=prepared.profile,
        plan=prepared.plan,
        plan_text=prepared.lines,
        settings_hash=answer["settings"],
        firmware=session.status.fw,
        firmware_hash=answer["fw"],
        commitment=answer["commit"],
        armed_utc_ms=pair.utc_ms + answer["tick"] - pair.tick_ms,
        tick_ms=answer["tick"],
        uncertainty_ms=pair.uncertainty_ms,
        operator=operator,
        host=f"celltrail {__version__}",
        sensors=prepared.fitted.sensors,
        accel_model=prepared.fitted.accel_model,
        simulated=pair.simulated,
    )
