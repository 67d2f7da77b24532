"""What a logger says of its firmware and its board (SPEC.md section 9.4)."""

from dataclasses import dataclass

from smp.os_management import OSApplicationInfoReadRequest, OSApplicationInfoReadResponse

from celltrail.errors import DeviceFault, NoAnswer
from celltrail.link.session import Session

# The logger hashes 100 kB when it is first asked.
_HASH_TIMEOUT_S = 10.0
_WORDS = 4


class AppInfoRead(OSApplicationInfoReadRequest):
    """smp's request with the answer class that the client looks for."""

    _Response = OSApplicationInfoReadResponse


@dataclass(frozen=True)
class About:
    """firmware_hash: hex digits. board: as MicroPython names it, with its chip."""

    firmware_hash: str
    board: str

    @property
    def is_esp32(self) -> bool:
        """Whether its chip is of that family."""
        return "ESP32" in self.board.rpartition(" with ")[2]


async def about(session: Session) -> About:
    """Ask; DeviceFault when it does not tell."""
    fault = DeviceFault(f"{session.status.called} does not tell its firmware; flash it again")
    try:
        told = await session.client.tell(AppInfoRead(format="a"), _HASH_TIMEOUT_S)
    except NoAnswer as silence:
        raise fault from silence
    words = told.output.split(" ", _WORDS - 1)
    if len(words) < _WORDS:
        raise fault
    return About(words[2], words[3])
