"""Mean kinetic temperature: USP <1160>, with dH = 83.144 kJ/mol and R = 8.3144 J/mol/K, so that dH/R is 10,000 K.

It weighs warmth by what it does to a molecule that decays with this activation energy. It knows nothing of freezing,
nor of living cells: so it is shown as information and never decides.
"""

import numpy as np

from celltrail.evidence.record import Floats, Ints

DH_KJ_MOL = 83.144
R_J_MOL_K = 8.3144
_DH_R_K = 10_000.0
_ZERO_C_K = 273.15


def _decay(celsius: Floats) -> Floats:
    """How fast the molecule decays, against 0 degC."""
    return np.asarray(np.exp(_DH_R_K * (1 / _ZERO_C_K - 1 / (celsius + _ZERO_C_K))))


def _temperature(decay: Floats) -> Floats:
    """The temperature at which it would decay so fast."""
    return np.asarray(1 / (1 / _ZERO_C_K - np.log(decay) / _DH_R_K) - _ZERO_C_K)


def mkt(celsius: Floats, weights: Floats | None = None) -> float:
    """Of readings that each stand for the same time, or for times in proportion to `weights`; degC."""
    return float(_temperature(np.array([np.average(_decay(celsius), weights=weights)]))[0])


def mkt_trapezoid(time: Floats, celsius: Floats) -> float:
    """Of readings at unequal times, with straight lines of decay between them (Tong and Lock 2015); degC."""
    decay = _decay(celsius)
    mean = float(((decay[1:] + decay[:-1]) / 2 * np.diff(time)).sum() / (time[-1] - time[0]))
    return float(_temperature(np.array([mean]))[0])


def highest_mkt(slots: Ints, celsius: Floats, window_slots: int) -> float | None:
    """The highest of all windows of so many slots that hold a reading at each of them; None when there is none."""
    if len(slots) < window_slots:
        return None
    # Sums of positive numbers of like size: the difference of two is as exact as their number allows.
    total = np.concatenate([[0.0], np.cumsum(_decay(celsius))])
    whole = slots[window_slots - 1 :] - slots[: len(slots) - window_slots + 1] == window_slots - 1
    sums = (total[window_slots:] - total[:-window_slots])[whole]
    return float(_temperature(np.array([sums.max() / window_slots]))[0]) if len(sums) else None
