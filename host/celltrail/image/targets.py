"""The boards that an image can be built for: their chip, their MicroPython, and where its file system lies."""

from dataclasses import dataclass

from celltrail.errors import UsageFault

# What the images are tested with. Any version from OLDEST on, and before BEFORE, reads the .mpy files.
MICROPYTHON = "1.29.0"
OLDEST = (1, 24)
BEFORE = (1, 30)
_RELEASED = "20260824"
_ADDRESS = "https://micropython.org/resources/firmware/"
_MIB = 1 << 20


@dataclass(frozen=True)
class Target:
    """One board.

    march        mpy-cross's name of the processor
    module       the firmware's board file
    micropython  the name of MicroPython's build
    machine      what such a build says of its board, at least in part
    chip         esptool's name of it; empty for boards with UF2
    chip_id      the number of the chip in an ESP32 image's header
    boot_at      where in flash the user's file begins
    flash_bytes  at least
    files_at     where in flash the file system begins, for boards with UF2
    """

    name: str
    title: str
    march: str
    module: str
    micropython: str
    machine: str
    chip: str = ""
    chip_id: int = 0
    boot_at: int = 0
    flash_bytes: int = 4 * _MIB
    files_at: int = 0

    @property
    def is_uf2(self) -> bool:
        """Whether the board takes a UF2 file on a drive."""
        return not self.chip

    @property
    def file_name(self) -> str:
        """MicroPython's file that is known to work."""
        return f"{self.micropython}-{_RELEASED}-v{MICROPYTHON}.{'uf2' if self.is_uf2 else 'bin'}"

    @property
    def address(self) -> str:
        """Where to fetch it."""
        return _ADDRESS + self.file_name


TARGETS = {
    target.name: target
    for target in (
        Target(
            name="pico-w",
            title="Raspberry Pi Pico W",
            march="armv6m",
            module="boards.pico_w",
            micropython="RPI_PICO_W",
            machine="Pico W with RP2040",
            flash_bytes=2 * _MIB,
            files_at=2 * _MIB - 848 * 1024,
        ),
        Target(
            name="pico",
            title="Raspberry Pi Pico, without radio",
            march="armv6m",
            module="boards.pico_w",
            micropython="RPI_PICO",
            machine="Pico with RP2040",
            flash_bytes=2 * _MIB,
            files_at=2 * _MIB - 1408 * 1024,
        ),
        Target(
            name="esp32",
            title="ESP32 (classic)",
            march="xtensawin",
            module="boards.esp32",
            micropython="ESP32_GENERIC",
            machine=" with ESP32",
            chip="esp32",
            chip_id=0,
            boot_at=0x1000,
        ),
        Target(
            name="esp32-s3",
            title="ESP32-S3",
            march="xtensawin",
            module="boards.esp32",
            micropython="ESP32_GENERIC_S3",
            machine=" with ESP32S3",
            chip="esp32s3",
            chip_id=9,
        ),
        Target(
            name="esp32-c3",
            title="ESP32-C3",
            march="rv32imc",
            module="boards.esp32",
            micropython="ESP32_GENERIC_C3",
            machine=" with ESP32C3",
            chip="esp32c3",
            chip_id=5,
        ),
    )
}


def find_target(name: str) -> Target:
    """The board of this name; UsageFault."""
    if name not in TARGETS:
        raise UsageFault(f"{name}: no such board; choose one of {', '.join(TARGETS)}")
    return TARGETS[name]
