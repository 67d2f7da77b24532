"""An ESP32 in place of MicroPython's modules, started as often as a test likes."""

import sys
import types
from collections.abc import Callable

from tests.boards.chip import Chip, fake_esp32, fake_machine

PINS = range(40)


def starter(chip: Chip, modules: Callable, monkeypatch) -> Callable:
    """start(which) -> the board as after a restart, on this kind of ESP32."""

    def started(which: str = "ESP32", mac: bytes = b"\x24\x6f\x28\x01\x02\x03"):
        chip.start()
        machine = fake_machine(chip, None, None)
        machine.unique_id = lambda: mac
        own = {**vars(sys.implementation), "_machine": f"Generic module with {which}"}
        monkeypatch.setattr(sys, "implementation", types.SimpleNamespace(**own))
        modules(chip, machine=machine, esp32=fake_esp32(chip, which))
        from boards.esp32 import make_board

        return make_board()

    return started


def wire(**keys: object) -> None:
    """Add to the default wiring of a classic ESP32, as the logger keeps it; after the first start."""
    from boards.esp32 import WIRINGS, TailFlash
    from celltrail_protocol import cbor
    from celltrail_protocol.records import STORE_WIRING
    from logger.area import Area
    from logger.store import Store

    store = Store(Area(TailFlash()))
    store.mount()
    assert store.put(STORE_WIRING, cbor.dumps({**WIRINGS["ESP32"], **keys}))
