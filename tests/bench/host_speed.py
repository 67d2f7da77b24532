"""How fast the host decodes and checks a large read-out, beside construct, pyulog and hashlib."""

import struct
from hashlib import sha256
from pathlib import Path

import construct
from pyulog import ULog

from celltrail.evidence.chain import Tag, tags_of
from celltrail.evidence.decode import read_record
from celltrail.evidence.proof import Proof, prove
from celltrail.evidence.scan import Sector, scan_sectors
from celltrail.evidence.tags import Ladder, seal_tag
from celltrail.evidence.trail import Trail, open_trail
from tests.bench.big_trip import K0, READINGS, big_trail
from tests.bench.figures import Figure, at_least, at_most, median, say
from tests.bench.paths import WORK
from tests.bench.stopwatch import median_ratio, rounds
from tests.bench.ulog_file import VALUES_A_MESSAGE, write_ulog

_ROUNDS = 5
_CONSTRUCT_READINGS = 40_000
_ULOG_MESSAGES = 60_000
_PLAIN = construct.Struct("slot" / construct.Int32ul, "raw" / construct.Int16sl)


def measure() -> list[Figure]:
    """Decoding, then the seals."""
    path = big_trail()
    return [*_decode(path), *_verify(path)]


# Decoding


def _decode_ours(path: Path) -> None:
    record = read_record(open_trail(path))
    if record.readings != READINGS or record.flaws:
        raise AssertionError(f"{record.readings} of {READINGS} readings decoded")


def _plain_readings(path: Path) -> bytes:
    """The first readings of the file as records of slot and value."""
    channel = read_record(open_trail(path)).channels[0]
    slots, raw = channel.slots[:_CONSTRUCT_READINGS].tolist(), channel.raw[:_CONSTRUCT_READINGS].tolist()
    return b"".join(struct.pack("<Ih", slot, value) for slot, value in zip(slots, raw, strict=True))


def _decode(path: Path) -> list[Figure]:
    ulog = WORK / "sample.ulg"
    write_ulog(ulog, _ULOG_MESSAGES)
    plain = _plain_readings(path)
    parser = construct.Array(_CONSTRUCT_READINGS, _PLAIN)
    compiled = parser.compile()
    say(f"  decoding, {_ROUNDS} rounds")
    taken = rounds(
        {
            "ours": lambda: _decode_ours(path),
            "construct": lambda: parser.parse(plain),
            "compiled": lambda: compiled.parse(plain),
            "pyulog": lambda: ULog(str(ulog)),
        },
        _ROUNDS,
    )
    ours = READINGS / median(taken["ours"])
    peers = {
        "construct": _CONSTRUCT_READINGS / median(taken["construct"]),
        "construct, compiled": _CONSTRUCT_READINGS / median(taken["compiled"]),
        "pyulog": _ULOG_MESSAGES * VALUES_A_MESSAGE / median(taken["pyulog"]),
    }
    told = ", ".join(f"{name} {rate / 1e6:.2f} M" for name, rate in peers.items())
    how = (
        f"{READINGS:,} readings: digest, sections and frames checked, series unpacked by numpy; median of {_ROUNDS} "
        f"rounds on one core. Beside it {told} (the same readings as plain records; its own file, 8 floats a message)"
    )
    return [
        Figure("decode_values_per_s", ours, "1/s", how, "pyulog", peers["pyulog"], at_least(20e6)),
        Figure(
            "decode_vs_construct", ours / peers["construct, compiled"], "x", "the same run", "construct, compiled", 1.0
        ),
    ]


# Seals

Keys = dict[int, bytes]


def _seals(sectors: list[Sector]) -> list[Tag]:
    return [tag for sector in sectors for tag in tags_of(sector) if tag.seal_kind is not None]


def _keys(seals: list[Tag]) -> Keys:
    """The keys of the seals, from K(0) on through those of the checkpoints between them."""
    ladder = Ladder(K0)
    return {seal.epoch: ladder.key(seal.epoch) for seal in seals}


def _are_good(seals: list[Tag], trip: int, keys: Keys) -> bool:
    return all(seal_tag(keys[seal.epoch], trip, seal.epoch, seal.covered, seal.fields) == seal.tag for seal in seals)


def _prove(trail: Trail, sectors: list[Sector]) -> Proof:
    return prove(trail, sectors, [tags_of(sector) for sector in sectors], trail.trip, K0)


def _verify(path: Path) -> list[Figure]:
    trail = open_trail(path)
    sectors = scan_sectors(trail.sectors)
    seals = _seals(sectors)
    keys, proof = _keys(seals), _prove(trail, sectors)
    if not proof.closed or proof.findings or not _are_good(seals, trail.trip, keys):
        raise AssertionError("the seals of our own file are not good")
    say(f"  checking seals, {3 * _ROUNDS} rounds")
    taken = rounds(
        {
            "seals": lambda: _are_good(seals, trail.trip, keys),
            "hashlib": lambda: [sha256(seal.covered).digest() for seal in seals],
            "keys": lambda: _keys(seals),
            "all tags": lambda: _prove(trail, sectors),
        },
        3 * _ROUNDS,
    )
    return _verify_figures(taken, seals, proof)


def _verify_figures(taken: dict[str, list[float]], seals: list[Tag], proof: Proof) -> list[Figure]:
    seals_x, keys_x, all_x = (median_ratio(taken[name], taken["hashlib"]) for name in ("seals", "keys", "all tags"))
    how = (
        f"the seal tags of {len(seals)} sectors under keys at hand, against SHA-256 of the bytes that they cover; "
        f"median of {len(taken['seals'])} paired rounds"
    )
    told = (
        f"the same file with all that the proof takes: {proof.checkpoints:,} checkpoints, each over its sector so far, "
        f"and the ratchet of {proof.tags:,} keys (alone {keys_x:.1f} x)"
    )
    rate = READINGS / median(taken["all tags"])
    return [
        Figure("verify_vs_hashlib", seals_x, "x", how, "hashlib", 1.0, at_most(2)),
        Figure("verify_all_tags_vs_hashlib", all_x, "x", told, "hashlib", 1.0),
        Figure("verify_values_per_s", rate, "1/s", "readings of this file over the time of the whole proof"),
    ]
