"""Read the golden vectors one line at a time; shared by the tests of this folder, on both runtimes."""

import json
import sys
from binascii import unhexlify

from celltrail_protocol import layout
from celltrail_protocol.layout import ProtocolError

FOLDER = __file__.replace("\\", "/").rsplit("/", 3)[0] + "/protocol/vectors/"
RUNTIME = sys.implementation.name
SECTOR_SIZE = 4096


def read(kind, reader=RUNTIME):
    """Each vector of a file that names this reader."""
    with open(FOLDER + kind + ".jsonl", encoding="utf-8") as lines:
        for line in lines:
            vector = json.loads(line)
            if reader in vector["readers"]:
                yield vector


def each(kind, check, least, valid=True, reader=RUNTIME, **wanted):
    """Run `check` on the valid (or invalid) vectors whose items are as wanted; `least` must be there.

    Goes on after a failure, so that all wrong vectors are printed; the last failure is raised at the end.
    """
    seen = 0
    failure = None
    for vector in read(kind, reader):
        if ("error" not in vector) != valid or any(vector.get(key) != wanted[key] for key in wanted):
            continue
        seen += 1
        try:
            check(vector)
        except Exception as error:  # noqa: BLE001  raised below
            print("vector " + kind + "/" + vector["name"] + ": " + repr(error))
            failure = error
    if failure is not None:
        raise failure
    assert seen >= least, f"{kind}: only {seen} vectors"


def data_of(vector):
    """The bytes that a vector spells."""
    return unhexlify(vector["hex"])


def refuses(function, *arguments):
    """Whether the call raises ProtocolError; everything else that it raises goes on."""
    try:
        function(*arguments)
    except ProtocolError:
        return True
    return False


def untagged(value):
    """A JSON value with {"$hex": digits} as bytes."""
    if isinstance(value, dict):
        if list(value) == ["$hex"]:
            return unhexlify(value["$hex"])
        return {key: untagged(value[key]) for key in value}
    return [untagged(item) for item in value] if isinstance(value, list) else value


def same(one, other):
    """Equality that tells true from 1, bytes from text and a list from a tuple."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return len(one) == len(other) and all(key in other and same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(same(one[i], other[i]) for i in range(len(one)))
    return one == other


def field_value(code, value):
    """A field's JSON value as the codec holds it: text and hex digits as bytes, lists as tuples."""
    if code == "p":
        return value.encode()
    if code[-1] in "s*":
        return unhexlify(value)
    return tuple(value) if isinstance(value, list) else value


def fields_of(table, values):
    """A vector's values in the order of a table; every name of either must be in the other (but crc32)."""
    fields = [field for field in table[2] if field[0] != "crc32"]
    assert sorted([field[0] for field in fields]) == sorted(values), layout.names(table)
    return tuple([field_value(code, values[name]) for name, code, _ in fields])


def assembled(pieces, size=SECTOR_SIZE):
    """Bytes from [offset, hex digits] on a blank ground."""
    whole = bytearray(b"\xff" * size)
    for offset, digits in pieces:
        whole[offset : offset + len(digits) // 2] = unhexlify(digits)
    return whole
