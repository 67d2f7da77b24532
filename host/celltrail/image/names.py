"""Short names in an endless row, and those that must stay as they are."""

import keyword
import string
from collections.abc import Iterator
from itertools import count

# Known to MicroPython's modules too, as methods, attributes or arguments.
_FOREIGN = """
    MATCH_ROM OneWireError SEARCH_ROM SKIP_ROM UUID active address alarm all append atten base baudrate bits
    board buffer clear close code config connect copy count crc8 data datetime decode deepsleep deinit depth
    digest disconnect drive duration duration_ms encode erase event extend feed find flags flush format freq
    gap_advertise gap_disconnect gatts_notify gatts_read gatts_register_services gatts_set_buffer gatts_write
    get handler hash head high index info init insert ioctl ipoll irq item items join key keys len length
    lightsleep link load low memory miso mode mosi mount name next off on onewire open out pack phase pin
    polarity poll pop position program pull put random read readbit readblocks readbyte readfrom readfrom_into
    readfrom_mem readfrom_mem_into readinto recv register release remove reset reset_cause rom run scan schedule
    sck scl sda seek select select_rom send sequence set sleep_ms slot sort split start state status step stop
    stride strip sys tell temperature ticks_ms time timeout trigger uid unique_id unpack update value values
    wait wake width wrap write write_readinto writebit writeblocks writebyte writeto writeto_mem
"""
FOREIGN = frozenset(_FOREIGN.split())
_FIRST = string.ascii_letters
_NEXT = string.ascii_letters + string.digits


def letters() -> Iterator[str]:
    """a, b, ..., Z, aa, ab, ..."""
    for length in count():
        rests = [""]
        for _ in range(length):
            rests = [text + letter for text in rests for letter in _NEXT]
        names = (first + rest for first in _FIRST for rest in rests)
        yield from (name for name in names if not keyword.iskeyword(name))
