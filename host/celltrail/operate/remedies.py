"""What a technician does about a fault on the bench."""

from celltrail_protocol import codes
from celltrail_protocol.names import FAULT_NAMES

_FLASH = "the memory is worn or broken; take another board"
_REMEDIES = {
    codes.FAULT_ABSENT: "check its supply and its wires, and pins and address in the wiring file (`celltrail wire`)",
    codes.FAULT_WRONG_ID: "something else is at its place; check the wiring file against what is fitted",
    codes.FAULT_BUS: "check its wires, and the pull-up resistors of its bus",
    codes.FAULT_OPEN: "a wire of the probe is loose or broken; check its terminals, and `wires` in the wiring file",
    codes.FAULT_SHORT: "wires of the probe touch each other; check its terminals and its cable",
    codes.FAULT_SATURATED: "check that the probe is the one of the wiring file (PT100 or PT1000, reference resistor)",
    codes.FAULT_NOT_READY: "cut its power for a moment and try again; if it stays, take another sensor",
    codes.FAULT_OVERRUN: "try again; if it stays, check its wires",
    codes.FAULT_FLASH_PROGRAM: _FLASH,
    codes.FAULT_FLASH_ERASE: _FLASH,
    codes.FAULT_FULL: "download and erase the last trip, then try again",
    codes.FAULT_VOLTAGE: "a wire of the probe touches a supply; check its terminals and its cable",
}


def with_remedy(code: int) -> str:
    """A fault by its name, and what to do about it."""
    name = FAULT_NAMES.get(code, f"fault {code}")
    return f"{name}: {_REMEDIES[code]}" if code in _REMEDIES else name
