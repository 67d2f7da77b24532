"""From counted operations and currents to charge and days."""

from celltrail.battery import currents
from celltrail.battery.count import DAY_MS, Counts
from celltrail.battery.currents import Board

_MS_PER_HOUR = 3_600_000


def charges(
    counts: Counts, board: Board, sensors: tuple[str, ...], *, radio: bool, shock: bool, deep: bool = False
) -> dict[str, float]:
    """mAh a day by what takes it; sensors: names of `currents.CHIPS`. deep: long rests are slept powered down."""
    down_ms = max(0.0, counts.rests_ms * (1 - currents.LATE_SHARE) - counts.rests * currents.EARLY_ms) if deep else 0.0
    flash_ms = counts.pages * currents.PAGE_ms + counts.erases * currents.ERASE_ms
    awake_ms = counts.awake_ms + counts.wakes * currents.WORK_ms + flash_ms
    awake_ms += 0.0 if radio else _nap_ms(counts.span_ms - down_ms)
    if deep:
        awake_ms += counts.rests * (currents.START_ms + currents.SECOND_ms)
    awake_ms = min(awake_ms, counts.span_ms - down_ms)
    spent = {
        "sleep": (counts.span_ms - awake_ms - down_ms) * board.sleep_mA + down_ms * (board.deep_mA or 0.0),
        "wake": awake_ms * board.awake_mA,
        "sensors": _sensors(counts, sensors, shock=shock),
        "flash": flash_ms * currents.FLASH_mA,
        "radio": 0.0,
    }
    if radio:
        dozing = (counts.span_ms - awake_ms) * (board.doze_mA - board.sleep_mA)
        spent["radio"] = dozing + counts.adverts * currents.ADVERT_ms * currents.ADVERT_mA
    return {name: each / _MS_PER_HOUR * DAY_MS / counts.span_ms for name, each in spent.items()}


def windows_mAh(board: Board, hours: float, interval_ms: int) -> float:
    """mAh a day of a radio that is on so many hours of it: dozing instead of sleeping, and advertising."""
    adverts = hours * _MS_PER_HOUR / interval_ms
    advertising = adverts * currents.ADVERT_ms * currents.ADVERT_mA / _MS_PER_HOUR
    return hours * (board.doze_mA - board.sleep_mA) + advertising


def _nap_ms(span_ms: float) -> float:
    """A board's sleep is cut into pieces below the watchdog's time; a doze costs the same awake."""
    return span_ms / currents.NAP_EVERY_ms * currents.NAP_ms


def _sensors(counts: Counts, sensors: tuple[str, ...], *, shock: bool) -> float:
    """mA ms; each channel has its share of the conversions."""
    each = counts.conversions / len(sensors)
    chips = [currents.CHIPS[name] for name in sensors]
    converting = sum(chip.active_mA * chip.active_ms * each for chip in chips)
    resting_mA = sum(chip.rest_mA for chip in chips) + currents.DIVIDER_mA + currents.ADXL372_mA * shock
    return converting + resting_mA * counts.span_ms


def days(spent_mAh: dict[str, float], cell_mAh: float) -> float:
    """How long the usable part of a battery lasts; spent_mAh: a day, as `charges` gives it."""
    return cell_mAh * currents.USABLE / sum(spent_mAh.values())
