"""A moment as JSON, the same in all documents."""

from typing import Any

from celltrail.evaluate.timeline import Moment


def moment_json(moment: Moment) -> dict[str, Any]:
    """UTC and its bound, boot and tick; null where unknown."""
    return {
        "utc": moment.utc,
        "utc_bound_ms": None if moment.bound_ms is None else round(moment.bound_ms),
        "boot": moment.at.boot if moment.at else None,
        "tick_ms": moment.at.tick_ms if moment.at else None,
    }
