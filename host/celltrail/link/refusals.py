"""What a logger's error answers mean to a person, and what to do."""

from typing import Any

from celltrail.errors import DeviceFault, ErrorAnswer
from celltrail_protocol import smp

_OURS = {
    smp.ERR_UNKNOWN: "failed for a reason that it does not tell; try again",
    smp.ERR_BAD_REQUEST: "did not understand the request; its firmware may be older than this program",
    smp.ERR_STATE: "can't do that in its present state; see `celltrail status`",
    smp.ERR_NOT_PROVEN: "does not accept this device key; name its own key store with --keys",
    smp.ERR_TOO_SOON: "asks for a pause, because somebody sends it wrong proofs; try again in some seconds",
    smp.ERR_UNREAD: "holds unread data; `celltrail download` it first, or pass --discard-unread",
    smp.ERR_PLAN: "can't carry out this plan with its sensors and memory",
    smp.ERR_NO_KEY: "has no device key yet; run `celltrail provision` first",
    smp.ERR_NO_TRIP: "has no such trip",
    smp.ERR_OVERWRITTEN: "has overwritten this part of the trip",
    smp.ERR_KEY_SET: "has a device key already; it is not provisioned twice",
    smp.ERR_BATTERY: "has too little battery for a trip; charge it, or change the battery",
    smp.ERR_NO_MEMORY: "has no memory left for this just now; try again",
    smp.ERR_STALE: "forgot its challenge again and again; does another host talk to it, too? Try again",
}
FS_NOT_FOUND = 3
FS_READ_FAILED = 7
_FILES = {
    FS_NOT_FOUND: "has no such trip",
    FS_READ_FAILED: "can't read this part of the trip any more",
    12: "has less of this trip than was asked for",
    16: "has nothing to read there",
}
_GENERAL = {
    smp.MGMT_NO_MEMORY: "has no memory left for this just now; try again",
    smp.MGMT_NO_ENTRY: "has no such entry",
    smp.MGMT_NOT_SUPPORTED: "does not know this command; is it a Celltrail logger?",
    smp.MGMT_BUSY: "is busy; try again",
    smp.MGMT_DENIED: "refuses this to everyone",
}
_OF_DEVICE = (smp.ERR_UNKNOWN, smp.ERR_BAD_REQUEST)


def explain(name: str, group: int, body: Any) -> DeviceFault | ErrorAnswer | None:
    """The fault that an answer to a request of `group` reports, or None when it reports none."""
    if not isinstance(body, dict):
        return DeviceFault(f"{name} gave an answer that makes no sense")
    err = body.get("err")
    if isinstance(err, dict):
        return _fault(name, err.get("group"), err.get("rc"))
    rc = body.get("rc")
    return _fault(name, None, rc) if rc else None


def _fault(name: str, group: Any, code: Any) -> DeviceFault | ErrorAnswer:
    if not isinstance(code, int) or not (group is None or isinstance(group, int)):
        return DeviceFault(f"{name} reported an error that makes no sense")
    if group == smp.GROUP_CELLTRAIL and code in _OF_DEVICE:
        return DeviceFault(f"{name} {_OURS[code]}")
    words = _OURS if group == smp.GROUP_CELLTRAIL else _FILES if group == smp.GROUP_FS else _GENERAL
    text = words.get(code, f"reported error {code} of group {group}")
    return ErrorAnswer(f"{name} {text}", -1 if group is None else group, code)
