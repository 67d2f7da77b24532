"""The answer of a verification: a word, an exit code, and all that it rests on.

The JSON document of `celltrail verify --json` has these keys; times are ISO 8601 in UTC or null, places are file bytes:

    file, sha256            the file and its digest
    verdict, exit_code      closed, recording: 0; altered, parts missing, power lost or tail removed: 1; else 5.
                            With --public-key 1 unless a named key signed the file, and then 0 instead of 5
    cause                   the first of the findings' causes that counts, null when nothing is wrong
    intact                  true for closed and recording only
    logger, trip            uid, name and whether it was simulated; the trip's number
    first_utc, last_utc     of the readings; utc_bound_ms is the widest bound of a reading's time
    complete                answer; sectors: expected, present, missing ranges; channels: how many slots are expected,
                            readings, missing_with_reason, in_gaps, unaccounted; unaccounted, twice: ranges of slots
    untouched               answer (null without key); how many seals and checkpoints are good; live_proof_good;
                            unsealed_readings: those that nothing proves; first_epoch: that of the key at hand
    signature               answer (null without --public-key); state: good, wrong, missing; public_key, known_as
                            (null: this computer doesn't know it); operator, host, utc and verdict_then, as signed
    findings                kind (altered, missing, unproven, note), cause, text, sector, offset, first_byte, end_byte
                            (exclusive); the causes are listed in `celltrail.evidence.causes`
    ended                   why the trip ended, null when the record doesn't say that it did
    restarts                cause; off_utc, the last sign of life; on_utc and its utc_bound_ms; seconds between the two
    clock_flags             doubts about the clock, one sentence each
"""

from dataclasses import dataclass, field
from typing import Any

from celltrail.evidence.causes import ALTERED, MISSING, UNPROVEN
from celltrail.evidence.coverage import Coverage, Span
from celltrail.evidence.findings import Finding
from celltrail.evidence.signature import Signature
from celltrail.utc import iso

CLOSED = "closed"
RECORDING = "recording"
POWER_LOST = "power lost or tail removed"
CHANGED = "altered"
INCOMPLETE = "parts missing"
UNCHECKED = "not checkable"

EXIT_CODES = {CLOSED: 0, RECORDING: 0, POWER_LOST: 1, CHANGED: 1, INCOMPLETE: 1, UNCHECKED: 5}


@dataclass(frozen=True)
class TimedSpan:
    """Slots [first, end) of a channel and the UTC of the first and the last, None where unknown."""

    channel: int
    first: int
    end: int
    first_utc_ms: int | None
    last_utc_ms: int | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "channel": self.channel,
            "first_slot": self.first,
            "last_slot": self.end - 1,
            "first_utc": _iso(self.first_utc_ms),
            "last_utc": _iso(self.last_utc_ms),
        }


@dataclass(frozen=True)
class Restart:
    """The logger was off: the UTC of its last sign of life and of its return with the bound, None where unknown."""

    cause: str
    off_utc_ms: int | None
    on_utc_ms: int | None
    bound_ms: int | None

    @property
    def length_ms(self) -> int | None:
        """How long nothing was recorded."""
        known = self.off_utc_ms is not None and self.on_utc_ms is not None
        return max(0, (self.on_utc_ms or 0) - (self.off_utc_ms or 0)) if known else None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "cause": self.cause,
            "off_utc": _iso(self.off_utc_ms),
            "on_utc": _iso(self.on_utc_ms),
            "utc_bound_ms": self.bound_ms,
            "without_readings_s": None if self.length_ms is None else self.length_ms / 1000,
        }


@dataclass(frozen=True)
class Verdict:
    """What `celltrail verify` says about one file.

    `overwritten` of the first sectors are gone as the plan lets the ring do, and nothing else is amiss; else 0.
    """

    word: str
    path: str
    digest: bytes
    uid: bytes
    name: str
    trip: int
    simulated: bool
    first_utc_ms: int | None
    last_utc_ms: int | None
    bound_ms: int | None
    sectors_expected: int
    sectors_present: int
    sectors_missing: tuple[Span, ...]
    coverage: tuple[Coverage, ...]
    holes: tuple[TimedSpan, ...]
    twice: tuple[TimedSpan, ...]
    key_known: bool
    seals: int
    checkpoints: int
    live: bool
    unsealed: int
    findings: tuple[Finding, ...] = ()
    clock_flags: tuple[str, ...] = field(default=())
    restarts: tuple[Restart, ...] = ()
    end_reason: str | None = None
    first_epoch: int = 0
    signature: Signature = Signature()
    overwritten: int = 0

    @property
    def exit_code(self) -> int:
        """The exit code of `celltrail verify`; whoever names public keys asks for the signature, not for the seals."""
        code = EXIT_CODES[self.word]
        if self.signature.answer is None:
            return code
        return (0 if self.word == UNCHECKED else code) if self.signature.answer else 1

    @property
    def cause(self) -> str | None:
        """The most telling cause of a verdict that is not good; None for a good one."""
        reasons = [*self.faults, *self.unproven]
        return None if self.intact or not reasons else reasons[0].cause.name

    @property
    def intact(self) -> bool:
        """Complete and proven untouched: closed, or recording with a good live proof."""
        return self.word in (CLOSED, RECORDING)

    @property
    def complete(self) -> bool:
        """Whether all sectors and all slots are there."""
        counted = all(one.is_complete for one in self.coverage)
        return counted and not self.sectors_missing and not self.of_kind(MISSING)

    def of_kind(self, kind: str) -> list[Finding]:
        """The findings of one kind."""
        return [one for one in self.findings if one.kind == kind]

    @property
    def faults(self) -> list[Finding]:
        """The findings that make the answer bad, the most telling first."""
        return sorted(self.of_kind(ALTERED), key=Finding.weight) + self.of_kind(MISSING)

    @property
    def unproven(self) -> list[Finding]:
        """The findings that keep the answer from being good, although nothing contradicts."""
        return sorted(self.of_kind(UNPROVEN), key=Finding.weight)

    def to_json(self) -> dict[str, Any]:
        """The document of `celltrail verify --json`."""
        return {
            "file": self.path,
            "sha256": self.digest.hex(),
            "verdict": self.word,
            "exit_code": self.exit_code,
            "cause": self.cause,
            "intact": self.intact,
            "logger": {
                "uid": self.uid.hex() if any(self.uid) else None,
                "name": self.name,
                "simulated": self.simulated,
            },
            "trip": self.trip if self.trip >= 0 else None,
            "first_utc": _iso(self.first_utc_ms),
            "last_utc": _iso(self.last_utc_ms),
            "utc_bound_ms": self.bound_ms,
            "complete": self._complete_json(),
            "untouched": self._untouched_json(),
            "signature": self.signature.to_json(),
            "findings": [one.to_json() for one in self.findings],
            "ended": self.end_reason,
            "restarts": [one.to_json() for one in self.restarts],
            "clock_flags": list(self.clock_flags),
        }

    def _complete_json(self) -> dict[str, Any]:
        return {
            "answer": self.complete,
            "sectors": {
                "expected": self.sectors_expected,
                "present": self.sectors_present,
                "missing": [{"first": first, "last": end - 1} for first, end in self.sectors_missing],
            },
            "channels": [
                {
                    "channel": one.channel,
                    "expected": one.expected,
                    "readings": one.readings,
                    "missing_with_reason": one.missing,
                    "in_gaps": one.gaps,
                    "unaccounted": one.lost,
                }
                for one in self.coverage
            ],
            "unaccounted": [one.to_json() for one in self.holes],
            "twice": [one.to_json() for one in self.twice],
        }

    def _untouched_json(self) -> dict[str, Any]:
        changed = bool(self.of_kind(ALTERED))
        return {
            "answer": False if changed else None if self.word == UNCHECKED or not self.key_known else True,
            "key_known": self.key_known,
            "seals_good": self.seals,
            "checkpoints_good": self.checkpoints,
            "live_proof_good": self.live,
            "unsealed_readings": self.unsealed,
            "first_epoch": self.first_epoch if self.key_known else None,
        }


def _iso(utc_ms: int | None) -> str | None:
    return None if utc_ms is None else iso(utc_ms)
