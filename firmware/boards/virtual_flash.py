"""The virtual board's flash: the model of a NOR chip in a file, and beside it FILE.world.

FILE.world holds one line: uid (16 hex digits), UTC of the world's start and UTC of the last program (16
digits each, ms since 1970). A board that has lost power goes on in the same world.
"""

from binascii import unhexlify

from boards.models.nor_flash import NorFlash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_UID_DIGITS = 16
_UTC_AT = 34
_PAGE_SIZE = 256


class VirtualFlash:
    """`logger.hardware.Flash` on a file; every program notes the world's time."""

    def __init__(self, path: str, sectors: int, utc_ms: "Callable[[], int]") -> None:
        self.model = NorFlash(sectors, path)
        self.sectors = sectors
        self.read_into = self.model.read_into
        self.pages = self.erases = 0
        self._utc_ms = utc_ms
        self._world = open(path + ".world", "r+b", buffering=0)
        self.uid = unhexlify(self._world.read(_UID_DIGITS))

    def program(self, addr: int, data: "bytes | bytearray | memoryview") -> None:
        """Program whole pages; the world's time goes first, so that it never falls behind the log."""
        self._world.seek(_UTC_AT)
        self._world.write(b"%016d" % self._utc_ms())
        self.pages += len(data) // _PAGE_SIZE
        self.model.program(addr, data)

    def erase(self, addr: int) -> None:
        """Erase the sector that begins there."""
        self.erases += 1
        self.model.erase(addr)
