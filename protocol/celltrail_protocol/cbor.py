"""The part of CBOR (RFC 8949) that SMP messages, plans and receipts need, small enough for the device.

Integers up to 64 bits, bytes, text, lists, maps, booleans and null; definite and indefinite lengths; lists and maps
at most 8 deep; 256 items in a message.
"""

from celltrail_protocol.layout import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from celltrail_protocol.layout import Buffer

_DEEPEST = 8
# A message of 1200 bytes could hold 1190 lists, which a small heap has no room for.
MOST_ITEMS = 256
_BREAK = 0xFF
_SIMPLE = {0xF4: False, 0xF5: True, 0xF6: None}


def _put_head(out: bytearray, major: int, value: int) -> None:
    if value < 24:
        out.append(major << 5 | value)
        return
    width = 1 if value < 0x100 else 2 if value < 0x10000 else 4 if value < 0x100000000 else 8
    if value >> 64:
        raise ProtocolError("cbor: an integer beyond 64 bits")
    out.append(major << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[width])
    out.extend(value.to_bytes(width, "big"))


def _deeper(depth: int) -> None:
    if depth >= _DEEPEST:
        raise ProtocolError("cbor: more than %d lists and maps in each other" % _DEEPEST)


def _put(out: bytearray, item: "Any", depth: int) -> None:
    if item is None or item is True or item is False:
        out.append(0xF6 if item is None else 0xF5 if item else 0xF4)
    elif isinstance(item, int):
        _put_head(out, 0 if item >= 0 else 1, item if item >= 0 else -1 - item)
    elif isinstance(item, (bytes, bytearray, memoryview)):
        _put_head(out, 2, len(item))
        out.extend(item)
    elif isinstance(item, str):
        text = item.encode()
        _put_head(out, 3, len(text))
        out.extend(text)
    elif isinstance(item, (list, tuple)):
        _deeper(depth)
        _put_head(out, 4, len(item))
        for one in item:
            _put(out, one, depth + 1)
    elif isinstance(item, dict):
        _deeper(depth)
        _put_head(out, 5, len(item))
        for key, one in item.items():
            _put(out, key, depth + 1)
            _put(out, one, depth + 1)
    else:
        raise ProtocolError("cbor: a value of a type that has no code here")


def dumps(item: "Any") -> bytes:
    """The shortest encoding, maps in the order of their dict (MicroPython has none); raises ProtocolError."""
    out = bytearray()
    _put(out, item, 0)
    return bytes(out)


class _Parser:
    def __init__(self, data: "Buffer", items: int) -> None:
        self._data = memoryview(data)
        self._left = items
        self.at = 0

    def _take(self, count: int) -> memoryview:
        if count > len(self._data) - self.at:
            raise ProtocolError("cbor: the bytes end too early")
        self.at += count
        return self._data[self.at - count : self.at]

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise ProtocolError("cbor: too many items")

    def _length(self, info: int) -> int:
        """The argument of a head; -1 for an indefinite length."""
        if info < 24:
            return info
        if info == 31:
            return -1
        if info > 27:
            raise ProtocolError("cbor: a reserved length")
        return int.from_bytes(bytes(self._take(1 << (info - 24))), "big")

    def _at_break(self) -> bool:
        if self.at < len(self._data) and self._data[self.at] == _BREAK:
            self.at += 1
            return True
        return False

    def _string(self, major: int, length: int) -> bytes:
        if length >= 0:
            return bytes(self._take(length))
        pieces = bytearray()
        while not self._at_break():
            self._count()
            head = self._take(1)[0]
            if head >> 5 != major or head & 31 == 31:
                raise ProtocolError("cbor: a wrong piece of a string")
            pieces.extend(self._take(self._length(head & 31)))
        return bytes(pieces)

    def _list(self, length: int, depth: int) -> "list[Any]":
        items: "list[Any]" = []
        while length < 0 or len(items) < length:
            if length < 0 and self._at_break():
                break
            items.append(self.item(depth + 1))
        return items

    def _map(self, length: int, depth: int) -> "dict[str, Any]":
        items: "dict[str, Any]" = {}
        count = 0
        while length < 0 or count < length:
            if length < 0 and self._at_break():
                break
            key = self.item(depth + 1)
            if not isinstance(key, str) or key in items:
                raise ProtocolError("cbor: a map needs different text keys")
            items[key] = self.item(depth + 1)
            count += 1
        return items

    def item(self, depth: int) -> "Any":
        """The next item, inside `depth` lists and maps; raises ProtocolError."""
        self._count()
        head = self._take(1)[0]
        if head in _SIMPLE:
            return _SIMPLE[head]
        major = head >> 5
        length = self._length(head & 31)
        if major in (2, 3):
            data = self._string(major, length)
            return data if major == 2 else _text(data)
        if major in (4, 5):
            _deeper(depth)
            return self._list(length, depth) if major == 4 else self._map(length, depth)
        if major > 5 or length < 0:
            raise ProtocolError("cbor: a type that has no use here")
        return length if major == 0 else -1 - length


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeError:
        raise ProtocolError("cbor: text that is not UTF-8")


def loads(data: "Buffer", most_items: int = MOST_ITEMS) -> "Any":
    """The one item that `data` holds; raises ProtocolError, also when bytes follow it.

    It may hold `most_items`: lists, maps, their keys, and the pieces of strings of indefinite length all count.
    """
    parser = _Parser(data, most_items)
    item = parser.item(0)
    if parser.at != len(data):
        raise ProtocolError("cbor: bytes after the item")
    return item
