"""The counter-signature of a read-out: who read it, when, and that it has not changed since (SPEC.md section 11)."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import cbor2

from celltrail import __version__
from celltrail.errors import UsageFault
from celltrail.evidence import causes
from celltrail.evidence.findings import Finding
from celltrail.evidence.trail import Sign, Trail
from celltrail.files import read_bytes
from celltrail.keys.ed25519 import PUBLIC_SIZE, Signer, is_good, parse_public
from celltrail.plain_text import printable
from celltrail.utc import LAST_MS, iso
from celltrail_protocol import cbor
from celltrail_protocol.layout import ProtocolError

LABEL = b"celltrail read-out 1\0"
VERSION = 1
MISSING = "missing"
WRONG = "wrong"
GOOD = "good"
_SIGNATURE_SIZE = 64
_MOST_TEXT = 200
_MOST_KEY_FILE = 1_000_000
KnownAs = Callable[[bytes], str | None]


@dataclass(frozen=True)
class Signature:
    """`state` is MISSING, WRONG or GOOD; the rest is what the signer said, and counts only when GOOD.

    `known_as`: who this host knows the key as. `asked`: whether keys were named on the command line, and `named`
    whether the signer's is one of them.
    """

    state: str = MISSING
    public: bytes = b""
    operator: str = ""
    host: str = ""
    utc_ms: int | None = None
    verdict: str = ""
    known_as: str | None = None
    asked: bool = False
    named: bool = False

    @property
    def answer(self) -> bool | None:
        """Whether one of the named keys signed what is here; None when no key was named."""
        return (self.state == GOOD and self.named) if self.asked else None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "answer": self.answer,
            "state": self.state,
            "public_key": self.public.hex() or None,
            "known_as": self.known_as,
            "operator": self.operator,
            "host": self.host,
            "utc": None if self.utc_ms is None else iso(self.utc_ms),
            "verdict_then": self.verdict or None,
        }


def signing(signer: Signer, operator: str, utc_ms: int, verdict: str) -> Sign:
    """How a read-out gets its section SIGN: for `trail_bytes` and `write_trail`."""

    def sign(digest: bytes) -> bytes:
        said = {
            "v": VERSION,
            "key": signer.public,
            "op": operator,
            "host": f"celltrail {__version__}",
            "utc": utc_ms,
            "verdict": verdict,
        }
        body = cbor2.dumps(said)
        return cbor2.dumps({"a": body, "s": signer.sign(LABEL + digest + body)})

    return sign


def check_signature(trail: Trail, known_as: KnownAs, wanted: Collection[bytes] | None = None) -> Signature:
    """What the section SIGN says, and whether it is right; `wanted` are the public keys that somebody named."""
    signed, asked = trail.signed, wanted is not None
    if signed is None:
        return Signature(asked=asked)
    try:
        outer = _map(signed.payload)
        said = _map(outer["a"])
        public, operator, host, utc_ms, verdict = _fields(said)
        message = LABEL + sha256(signed.covered).digest() + outer["a"]
        good = len(outer["s"]) == _SIGNATURE_SIZE and is_good(public, outer["s"], message)
    except (KeyError, TypeError, ValueError):
        return Signature(WRONG, asked=asked)
    known, named = known_as(public), wanted is not None and public in wanted
    return Signature(GOOD if good else WRONG, public, operator, host, utc_ms, verdict, known, asked, named)


def signature_findings(signature: Signature, trail: Trail) -> list[Finding]:
    """A wrong signature is an alteration; none, or one by an unknown key, is none."""
    if signature.state != WRONG or trail.signed is None:
        return []
    text = "the read-out's signature doesn't fit the bytes before it"
    return [Finding(causes.SIGNATURE, text, first_byte=trail.signed.start, end_byte=trail.signed.end)]


def _map(data: bytes) -> dict[str, Any]:
    """A CBOR map; ValueError for anything else."""
    try:
        value = cbor.loads(data)
    except ProtocolError as error:
        raise ValueError("not CBOR") from error
    if not isinstance(value, dict):
        raise ValueError("not a map")
    return value


def _fields(said: dict[str, Any]) -> tuple[bytes, str, str, int, str]:
    """Checked; KeyError or ValueError."""
    public, utc_ms = said["key"], said["utc"]
    if said["v"] != VERSION or not isinstance(public, bytes) or len(public) != PUBLIC_SIZE:
        raise ValueError("another version, or no key")
    if type(utc_ms) is not int or not 0 <= utc_ms <= LAST_MS:
        raise ValueError("no time")
    return public, _text(said["op"]), _text(said["host"]), utc_ms, _text(said["verdict"])


def _text(value: Any) -> str:
    """Text for people, whatever it holds; ValueError when it is none."""
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise ValueError("no text")
    return printable(value)


def public_keys(named: Collection[str], signers: Mapping[str, str]) -> frozenset[bytes]:
    """The keys of `--public-key`: a signer's name, 64 hex digits, or a file with a key at the start of each line.

    `signers`: name to hex digits. UsageFault.
    """
    keys: set[bytes] = set()
    for word in named:
        path = Path(word)
        if word in signers:
            keys.add(parse_public(signers[word]))
        else:
            keys |= _keys_of_file(path) if _is_file(path) else {_key_of_word(word)}
    return frozenset(keys)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # A name that no file can have.
        return False


def _key_of_word(word: str) -> bytes:
    digits = word.strip()
    if all(one in "0123456789abcdefABCDEF" for one in digits):
        return parse_public(digits)
    raise UsageFault(
        f"{word[:_MOST_TEXT]}: neither a file, nor a public key of {2 * PUBLIC_SIZE} hex digits, nor a signer's name"
        " (celltrail keys signer list)"
    )


def _text_of(path: Path) -> str:
    try:
        return read_bytes(path, _MOST_KEY_FILE).decode()
    except UnicodeDecodeError as error:
        raise UsageFault(f"{path}: not a text file with public keys") from error


def _keys_of_file(path: Path) -> set[bytes]:
    keys = set()
    text = _text_of(path)
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        try:
            keys |= {parse_public(words[0])} if words else set()
        except UsageFault as error:
            raise UsageFault(f"{path}, line {number}: {error}") from error
    if not keys:
        raise UsageFault(f"{path}: holds no public key; put one of {2 * PUBLIC_SIZE} hex digits on a line")
    return keys
