"""Counts what costs charge on the virtual board, for `celltrail battery`."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boards.virtual_flash import VirtualFlash
    from logger.hardware import Thermometer


# Rests from here on are worth a deep sleep to a board that has it.
_LONG_US = 120_000_000


class Tally:
    """Wakes, the time between them, conversions and advertising events since power-on; flash counts for itself."""

    def __init__(self, flash: "VirtualFlash", chips: "list[Thermometer]") -> None:
        self._flash = flash
        self._wakes = self._conversions = 0
        self._awake_us = self._woke_us = 0
        self._adverts = 0.0
        self._rests = self._rests_us = 0
        for chip in chips:
            self._count(chip)

    def _count(self, chip: "Thermometer") -> None:
        read_raw = chip.read_raw

        def counted() -> int:
            self._conversions += 1
            return read_raw()

        chip.read_raw = counted  # type: ignore[method-assign]

    def sleeps(self, now_us: int) -> None:
        """The firmware has nothing to do from now on."""
        self._awake_us += now_us - self._woke_us
        self._woke_us = now_us

    def wakes(self, now_us: int, advert_ms: int) -> None:
        """It goes on; advert_ms: the advertising interval meanwhile, 0 when the radio was silent."""
        self._wakes += 1
        if now_us - self._woke_us >= _LONG_US:
            self._rests += 1
            self._rests_us += now_us - self._woke_us
        if advert_ms:
            self._adverts += (now_us - self._woke_us) / 1000 / advert_ms
        self._woke_us = now_us

    def report(self) -> str:
        """The counts as an event line: wakes, ms awake, conversions, pages, erases, advertising events, and of rests of
        two minutes and more the count and the ms.
        """
        counts = (self._wakes, self._awake_us // 1000, self._conversions, self._flash.pages, self._flash.erases)
        return "tally %d %d %d %d %d" % counts + " %d %d %d" % (self._adverts, self._rests, self._rests_us // 1000)
