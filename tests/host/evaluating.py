"""Trips with readings of one's own, read by the host's real code, for the tests of what is made of them."""

from pathlib import Path

import numpy as np

from celltrail.evaluate.levels import Stretch
from celltrail.evaluate.rules import Rule, Rules
from celltrail.evaluate.series import Series
from celltrail.evaluate.uncertainty import Uncertainty
from celltrail.evidence.trail import parse_trail, trail_bytes
from celltrail.evidence.verify import Checked, check_trail
from celltrail.keys.keystore import KeyStore
from celltrail.plans.judging import Judging
from tests.host.forge import K0, UID, Forge, a_plan

GOLDEN = Path(__file__).parents[2] / ".." / "shared" / "data" / "golden"
# A step of 0.1 degC, as the trade's loggers have, and a datasheet that promises all.
TENTHS = (99, 100_000_000, -3000, 3000, 0)


def steps(celsius):
    """Values of such a sensor; None stays a slot without a reading."""
    return [None if one is None else round(one * 10) for one in celsius]


def put(forge, celsius, slot=0, channel=0, group=120):
    """Readings and missing slots in their order."""
    values = steps(celsius)
    at = 0
    while at < len(values):
        end = at
        while end < len(values) and (values[end] is None) == (values[at] is None):
            end += 1
        if values[at] is None:
            forge.missing(slot + at, end - at, channel=channel)
        else:
            forge.readings(slot + at, values[at:end], channel=channel, group=group)
        at = end


def begun(period_s=60, channels=(TENTHS,), **plan):
    forge = Forge(settings=a_plan(period_ms=period_s * 1000, **plan), channels=channels)
    forge.arm()
    forge.begin()
    return forge


def closed(forge, folder: Path | None = None) -> Checked:
    """The trip stopped a period after its last reading and read out."""
    forge.now_ms += forge.period_ms
    forge.close()
    return read(forge.closed_parts(), folder)


def read(parts, folder: Path | None = None) -> Checked:
    keys = None
    if folder is not None:
        keys = KeyStore(folder / "keys")
        keys.save_trip(UID, 3, K0)
    return check_trail(parse_trail(trail_bytes(parts), Path("a.trail")), keys)


def a_trip(celsius, period_s=60, **plan) -> Checked:
    """One channel of 0.1 degC, closed."""
    forge = begun(period_s, **plan)
    put(forge, celsius)
    return closed(forge)


def rules_of(*limits, judging=Judging(), budgets=()):
    return Rules("test", "", (), tuple(limits), tuple(budgets), judging, False)


def high(limit_c, delay_s=0, cumulative=False):
    return Rule(0, True, limit_c, cumulative, delay_s)


def low(limit_c, delay_s=0, cumulative=False):
    return Rule(0, False, limit_c, cumulative, delay_s)


def a_series(celsius, within_c=0.0, period_s=60.0, step_c=0.0):
    """A series of its own; None is a place without a reading."""
    places = np.array([i for i, one in enumerate(celsius) if one is not None], np.int64)
    values = np.array([one for one in celsius if one is not None], np.float64)
    every = np.ones(len(places), bool)
    uncertainty = Uncertainty(step_c, within_c, 0.0, 0.0, 0.0, "test")
    return Series(0, places, places, values, every, every, 0, len(celsius), period_s, uncertainty)


def a_stretch(up):
    """Values that point up; None is a place without one."""
    series = a_series(up)
    return Stretch(series.places, series.celsius, series.first, series.end)
