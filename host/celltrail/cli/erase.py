"""`celltrail erase`."""

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
    with_session,
)
from celltrail.keys.keystore import KeyStore
from celltrail.link.messages import Status
from celltrail.link.session import Session, require_state
from celltrail.operate import commands
from celltrail_protocol import codes

EPILOG = """\b
Examples:
  celltrail erase
  celltrail erase --discard-unread --yes"""


def erase(
    device: Device = None,
    radio: Radio = None,
    discard_unread: Discard = False,
    yes: Yes = False,
    operator: Operator = "",
    keys: Keys = None,
    json: Json = False,
) -> None:
    """Forget the last trip. Refuses data that nobody has read, and a logger that is armed or logging."""
    code = checked_operator(operator)

    async def work(session: Session) -> Status:
        before = session.status
        if not _has_trip(before):
            return before
        require_state(before, commands.AT_REST, "be erased")
        commands.refuse_unread(before, discard_unread)
        confirm(f"Erase trip {before.trip} of {before.called}?", yes)
        await commands.erase(session, KeyStore(keys), code, discard_unread)
        return before

    before = with_session(device, work)
    if json:
        print_json({"uid": before.uid, "name": before.name, "trip": before.trip, "state": "idle"})
    elif not _has_trip(before):
        print(f"{before.called} holds no trip; there is nothing to erase")
    else:
        print(f"trip {before.trip} of {before.called} is erased")


def _has_trip(now: Status) -> bool:
    return now.state != codes.STATE_IDLE or now.sectors > 0
