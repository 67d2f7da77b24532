"""Model of the MCP9808 thermometer (Microchip DS20005095B). Not modelled: alerts and coarser resolutions."""

import math

from boards.models.i2c_bus import ChipModel

_CONVERSION_US = 250_000
_WORDS = {0x06: 0x0054, 0x07: 0x0400}


class MCP9808Model(ChipModel):
    """`signal.celsius(t_us)` is what the chip feels; None: it is unplugged, and has no power."""

    def __init__(self, clock: "object", signal: "object", address: int = 0x18) -> None:
        super().__init__(address)
        self._clock = clock
        self._signal = signal
        self._powered = True
        self._config = 0
        self._result = 0
        self._began_us = clock.now_us()

    def present(self) -> bool:
        """Whether the chip acknowledges; seeing it come back starts it anew."""
        if self.fail == "nack" or self._signal.celsius(self._clock.now_us()) is None:
            self._powered = False
        elif not self._powered:
            self._powered = True
            self._config = self._result = 0
            self._began_us = self._clock.now_us()
        return self._powered

    def _settle(self) -> None:
        cycles = (self._clock.now_us() - self._began_us) // _CONVERSION_US
        if not self._config & 0x0100 and cycles:
            celsius = self._signal.celsius(self._began_us + (cycles - 1) * _CONVERSION_US)
            self._began_us += cycles * _CONVERSION_US
            if celsius is not None:
                self._result = math.floor(min(max(celsius, -256), 255) * 16 + 0.5) & 0x1FFF

    def read(self, register: int, buf: "bytearray | memoryview") -> None:
        """Serve one read transfer: words, the high byte first."""
        self._settle()
        value = {0x01: self._config, 0x05: self._result}.get(register, _WORDS.get(register, 0))
        for i in range(len(buf)):
            buf[i] = value & 0xFF if i & 1 else value >> 8

    def write(self, register: int, data: "bytes | bytearray | memoryview") -> None:
        """Serve one write transfer; half a word has no effect."""
        if register == 0x01 and len(data) == 2:
            self._settle()
            self._config = (data[0] << 8 | data[1]) & 0x07FF
            self._began_us = self._clock.now_us()
