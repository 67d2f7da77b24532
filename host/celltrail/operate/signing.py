"""A read-out is counter-signed by the host that read it, with what its own verification said."""

import time
from pathlib import Path

from celltrail.errors import UsageFault
from celltrail.evidence.signature import signing
from celltrail.evidence.trail import Sign, TrailParts, parse_trail, trail_bytes, write_trail
from celltrail.evidence.verify import check_trail
from celltrail.keys.keystore import KeyStore
from celltrail.keys.signing import host_signer


def write_signed(path: Path, parts: TrailParts, keys: KeyStore, operator: str, *, replace: bool = False) -> str | None:
    """Write a read-out with this host's signature; UsageFault as `write_trail`.

    A key store that can't keep a key pair must not cost the data: then the file is written without a signature, and
    the sentence that comes back says why.
    """
    try:
        sign, problem = _sign(path, parts, keys, operator), None
    except UsageFault as fault:
        sign, problem = None, f"the read-out is not signed: {fault}"
    write_trail(path, parts, replace=replace, sign=sign)
    return problem


def _sign(path: Path, parts: TrailParts, keys: KeyStore, operator: str) -> Sign:
    signer = host_signer(keys)
    verdict = check_trail(parse_trail(trail_bytes(parts), path), keys).verdict
    return signing(signer, operator, time.time_ns() // 1_000_000, verdict.word)
