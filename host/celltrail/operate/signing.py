"""A read-out is counter-signed by the host that read it, with what its own verification said."""

import time
from pathlib import Path

from celltrail.errors import UsageFault
from celltrail.evidence.signature import signing
from celltrail.evidence.trail import Sign, TrailParts, parse_trail, trail_bytes
from celltrail.evidence.verify import check_trail
from celltrail.files import write_atomic
from celltrail.keys.keystore import KeyStore
from celltrail.keys.signing import host_signer


def write_signed(path: Path, parts: TrailParts, keys: KeyStore, operator: str, *, replace: bool = False) -> str | None:
    """Write a read-out with this host's signature, or say why it has none; UsageFault when it can't be written."""
    data, problem = signed_bytes(path, parts, keys, operator)
    write_atomic(path, data, replace=replace)
    return problem


def signed_bytes(path: Path, parts: TrailParts, keys: KeyStore, operator: str) -> tuple[bytes, str | None]:
    """The whole file with this host's signature; `path` is for messages.

    A key store that can't keep a key pair must not cost the data: then the file comes without a signature, and the
    sentence beside it says why.
    """
    try:
        return trail_bytes(parts, _sign(path, parts, keys, operator)), None
    except UsageFault as fault:
        return trail_bytes(parts), f"the read-out is not signed: {fault}"


def _sign(path: Path, parts: TrailParts, keys: KeyStore, operator: str) -> Sign:
    signer = host_signer(keys)
    verdict = check_trail(parse_trail(trail_bytes(parts), path), keys).verdict
    return signing(signer, operator, time.time_ns() // 1_000_000, verdict.word)
