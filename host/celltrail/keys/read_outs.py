"""Which read-outs of a trip were verified on this host: whoever holds its key could forge later ones."""

from dataclasses import asdict
from hashlib import file_digest
from pathlib import Path

from celltrail.files import describe_os_error
from celltrail.keys.entries import ReadOut
from celltrail.keys.keystore import KeyStore, now_iso


def note_read_out(keys: KeyStore, uid: bytes, trip: int, path: Path, verdict: str) -> None:
    """Remember a verified read-out in its trip's entry, once; nothing when the trip is not known here."""
    entry = keys.trip(uid, trip)
    if entry is None:
        return
    try:
        with path.open("rb") as stream:
            digest = file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise describe_os_error(path, error) from error
    if digest not in [one.sha256 for one in entry.read_outs]:
        known = [*entry.read_outs, ReadOut(digest, verdict, now_iso())]
        keys.amend_trip(uid, trip, {"read_outs": [asdict(one) for one in known]})
