"""Instants as people and files write them: ISO 8601, milliseconds, always UTC."""

from datetime import UTC, datetime, timedelta

from celltrail.errors import UsageFault

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The last instant that `datetime` can say, in ms since 1970.
LAST_MS = 253_402_300_799_999


def iso(utc_ms: int) -> str:
    """2025-03-01T12:00:00.000Z for milliseconds since 1970; beyond the year 9999 the last instant of it."""
    instant = _EPOCH + timedelta(milliseconds=min(max(int(utc_ms), 0), LAST_MS))
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def short(utc_ms: int) -> str:
    """2025-03-01 12:00 for people; seconds are cut off."""
    return iso(utc_ms)[:16].replace("T", " ")


def parse(text: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 instant with its offset; UsageFault."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageFault(f"{text!r} is not an instant such as 2025-03-01T12:00:00Z") from error
    if instant.tzinfo is None:
        raise UsageFault(f"{text!r} lacks its offset from UTC; write for instance 2025-03-01T12:00:00Z")
    return round((instant - _EPOCH) / timedelta(milliseconds=1))


def span(ms: float) -> str:
    """A length of time as people say it: 4 d 3 h, 2 h 5 min, 12 min, 8 s."""
    seconds = round(abs(ms) / 1000)
    if seconds == 0 and ms:
        return f"{abs(ms):.0f} ms"
    parts = (
        (seconds // 86400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    )
    first = next((i for i, (count, _) in enumerate(parts) if count), len(parts) - 1)
    said = [f"{count} {unit}" for count, unit in parts[first : first + 2] if count]
    return " ".join(said) or "0 s"
