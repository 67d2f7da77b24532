"""Values that an encoder must refuse: some `struct.pack` wraps them or fills up with zeros without a word."""

from collections.abc import Iterator
from typing import Any

from from_spec.tables import FRAMES, RECORDS, STATE_RECORD, STORE_HEADER
from from_spec.wire import DEVICE, RANGES, Vector, extreme, fields, tagged, vector

ALL = dict(FRAMES.values()) | RECORDS
ALL |= {"state_record": STATE_RECORD, "store_header": STORE_HEADER}


def refusal(name: str, what: str, error: str, **rest: Any) -> Vector:
    return vector(name, DEVICE, what=what, error=error, **{key: tagged(item) for key, item in rest.items()})


def beyond(count: int, letter: str) -> list[tuple[str, Any]]:
    """Values that a field cannot hold, with a word for each."""
    if letter in RANGES:
        low, high = RANGES[letter]
        wrong: list[tuple[str, Any]] = [
            ("above", high + 1),
            ("below", low - 1),
            ("none", None),
            ("float", 1.5),
        ]
        if count == 1:
            return wrong
        return [(word, [0] * (count - 1) + [value]) for word, value in wrong] + [("fewer", [0] * (count - 1))]
    if letter == "s":
        return [("short", bytes(count - 1)), ("long", bytes(count + 1)), ("none", None)]
    if letter == "p":
        return [("long", bytes(256)), ("none", None)]
    return [("none", None)]


def packs() -> Iterator[Vector]:
    """Each field of each record and frame, with each value that it cannot hold."""
    for table, text in ALL.items():
        good = [b"" if value == "" else value for value in extreme(text, 0).values()]
        yield vector(f"{table}-accepted", DEVICE, what="pack", table=table, values=tagged(good))
        most = [b"x" * 255 if value == "" else value for value in extreme(text, 1).values()]
        yield vector(f"{table}-accepted-most", DEVICE, what="pack", table=table, values=tagged(most))
        for i, (count, letter, field) in enumerate(fields(text)):
            for word, value in beyond(count, letter):
                values = [*good[:i], value, *good[i + 1 :]]
                yield refusal(f"{table}-{field}-{word}", "pack", f"{field} is {word}", table=table, values=values)
        yield refusal(f"{table}-value-missing", "pack", "the last value is missing", table=table, values=good[:-1])
        yield refusal(f"{table}-value-extra", "pack", "a value too many", table=table, values=[*good, 0])
        yield refusal(f"{table}-nothing", "pack", "no values", table=table, values=[])


def others() -> Iterator[Vector]:
    """What the encoders below must take: the other side of each border."""
    yield vector("frame-accepted", DEVICE, what="frame", type=255, payload=tagged(bytes(248)))
    yield vector("series-accepted", DEVICE, what="series", values=[32767, -32768], base=-32768, block=128)
    yield vector("smp-accepted", DEVICE, what="smp", head=[3, 1, 65535, 255, 255, 65535])
    yield vector("cbor-accepted", DEVICE, what="cbor", value=tagged([2**64 - 1, -(2**64)]))
    yield vector("cbor-accepted-eight-levels", DEVICE, what="cbor", value=nested(8, 7))


def frames() -> Iterator[Vector]:
    def one(name: str, error: str, kind: int, size: int) -> Vector:
        return refusal(name, "frame", error, type=kind, payload=bytes(size))

    yield one("frame-payload-249", "the frame would have 255 bytes", 0x7E, 249)
    yield one("frame-payload-300", "the length would wrap", 0x7E, 300)
    yield one("frame-type-256", "the type would wrap", 256, 1)
    yield one("frame-type-negative", "the type would wrap", -1, 1)


def series() -> Iterator[Vector]:
    def one(name: str, error: str, values: list[Any], base: int = 0) -> Vector:
        return refusal(name, "series", error, values=values, base=base, block=128)

    yield one("series-empty", "no values", [])
    yield one("series-above", "32768 has 17 bits", [0, 32768])
    yield one("series-below", "-32769 has 17 bits", [-32769, 0])
    yield one("series-70000", "70000 has 18 bits", [70000])
    yield one("series-base-above", "the base has 17 bits", [0], 32768)
    yield one("series-base-below", "the base has 17 bits", [0], -32769)


def messages() -> Iterator[Vector]:
    def one(name: str, error: str, **changes: int) -> Vector:
        head = {"op": 2, "version": 1, "group": 64, "sequence": 5, "command": 0, "length": 1} | changes
        return refusal(name, "smp", error, head=list(head.values()))

    for field, limit in (("group", 65535), ("sequence", 255), ("command", 255), ("length", 65535)):
        yield one(f"smp-{field}-above", f"{field} would wrap", **{field: limit + 1})
        yield one(f"smp-{field}-negative", f"{field} would wrap", **{field: -1})
    yield one("smp-op-8", "op would be read as a version", op=8)
    yield one("smp-version-4", "version would run into the bits above", version=4)


def cbors() -> Iterator[Vector]:
    for name, value in (
        ("u65", 2**64),
        ("i66", -(2**64) - 1),
        ("float", 1.5),
        ("float-in-map", {"a": [0.25]}),
    ):
        yield refusal(f"cbor-{name}", "cbor", "no such value in our part of CBOR", value=value)
    for name, levels, inner in (("deep", 40, 0), ("nine-levels", 9, 0), ("nine-levels-empty", 8, [])):
        yield refusal(f"cbor-{name}", "cbor", "nested too deep", value=nested(levels, inner))


def nested(levels: int, inner: Any) -> Any:
    """`inner` in so many lists."""
    return nested(levels - 1, [inner]) if levels else inner


def every() -> Iterator[Vector]:
    for part in (packs(), others(), frames(), series(), messages(), cbors()):
        yield from part
