"""Shock response spectrum: the highest absolute acceleration of oscillators that stand on the parcel's floor.

Maximax, primary and residual, by the ramp-invariant filter (Smallwood 1981; ISO 18431-4): exact for accelerations that
run straight from sample to sample. What lies between two samples of the answer is taken from a parabola.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from celltrail.evidence.record import Floats

# 5 % of critical damping.
Q = 10.0
# A tenth of the sampling rate is as far as samples can say anything about an oscillator.
_HIGHEST_SHARE = 0.1
_LOWEST_Hz = 5.0
_STEPS_AN_OCTAVE = 6
# Samples of rest behind a wave, from which on the oscillators swing alone.
_BEHIND = 2
# Of the answers, so many values are held at a time.
_MOST_VALUES = 2_000_000


def frequencies(rate_Hz: float, samples: int) -> Floats:
    """Sixths of octaves from what a window of this length can show to a tenth of the rate; may be empty."""
    low, high = max(_LOWEST_Hz, rate_Hz / max(samples, 1)), rate_Hz * _HIGHEST_SHARE
    first, last = np.ceil(np.log2(low) * _STEPS_AN_OCTAVE), np.floor(np.log2(high) * _STEPS_AN_OCTAVE)
    return np.asarray(2.0 ** (np.arange(first, last + 1) / _STEPS_AN_OCTAVE))


def spectra(waves: Floats, rate_Hz: float, at_Hz: Floats, q: float = Q) -> Floats:
    """For waves of shape (count, samples), which begin at rest, the spectra of shape (count, frequencies)."""
    samples = waves.shape[1] + _BEHIND
    answer = _answer(tuple(at_Hz.tolist()), rate_Hz, samples, q)
    at_once = max(1, _MOST_VALUES // (samples * max(len(at_Hz), 1)))
    made = [_highest(waves[i : i + at_once], samples, answer) for i in range(0, len(waves), at_once)]
    return np.concatenate([np.zeros((0, len(at_Hz))), *made])


@dataclass(frozen=True)
class _Answer:
    """What oscillators make of one sample: the transform of their answer; and how each swings alone, a sample on."""

    transform: npt.NDArray[np.complex128]
    turn: Floats
    decay: Floats
    damping: float


@lru_cache(maxsize=8)
def _answer(at_Hz: tuple[float, ...], rate_Hz: float, samples: int, q: float) -> _Answer:
    damping, omega = 1 / (2 * q), 2 * np.pi * np.array(at_Hz)
    turn = omega * np.sqrt(1 - damping**2) / rate_Hz
    decay = np.exp(-damping * omega / rate_Hz)
    cosine, sine = decay * np.cos(turn), decay * np.sin(turn) / turn
    # The filter y0 = b0 x0 + b1 x1 + b2 x2 + 2 cosine y1 - decay^2 y2, for a single x of 1.
    first = 1 - sine
    second = 2 * (sine - cosine) + 2 * cosine * first
    third = decay**2 - sine + 2 * cosine * second - decay**2 * first
    across = (third / decay - second * np.cos(turn)) / np.sin(turn)
    n = np.arange(samples - 1)
    swing = second[:, None] * np.cos(turn[:, None] * n) + across[:, None] * np.sin(turn[:, None] * n)
    answer = np.concatenate([first[:, None], decay[:, None] ** n * swing], axis=1)
    return _Answer(np.fft.rfft(answer, _length(samples)), turn, decay, damping)


def _length(samples: int) -> int:
    """Of the transform: no less than twice the samples, so that nothing comes round, and of small factors."""
    sizes = (factor << power for factor in (1, 3, 5, 9, 15) for power in range(32))
    return min(size for size in sizes if size >= 2 * samples)


def _highest(waves: Floats, samples: int, answer: _Answer) -> Floats:
    transform = np.fft.rfft(waves, _length(samples))[:, None, :] * answer.transform
    y = np.fft.irfft(transform, _length(samples))[:, :, :samples]
    top = np.abs(y).argmax(axis=2)
    inner = np.clip(top, 1, samples - 2)[:, :, None]
    near = np.take_along_axis(y, np.concatenate([inner - 1, inner, inner + 1], axis=2), axis=2)
    sampled = np.abs(np.take_along_axis(y, top[:, :, None], axis=2))[:, :, 0]
    between = np.where(top == inner[:, :, 0], _vertex(*np.moveaxis(near, 2, 0)), 0.0)
    alone = _residual(y[:, :, -2], y[:, :, -1], answer.turn, answer.decay, answer.damping)
    return np.asarray(np.maximum(np.maximum(sampled, between), alone))


def _vertex(before: Floats, here: Floats, after: Floats) -> Floats:
    """The height of the parabola through three samples, of which the middle one is the farthest from 0."""
    bend = 2 * here - before - after
    half = (after - before) / 2
    shift = np.divide(half, bend, out=np.zeros_like(bend), where=np.abs(half) < np.abs(bend))
    return np.asarray(np.abs(here + half * shift / 2))


def _residual(y0: Floats, y1: Floats, turn: Floats, decay: Floats, damping: float) -> Floats:
    """The first extreme of an oscillator that swings alone from two samples on; later ones are smaller."""
    along, across = y0, (y1 / decay - y0 * np.cos(turn)) / np.sin(turn)
    # y(t) = exp(-s t) (along cos t + across sin t), with t in radians of the damped oscillator.
    slowing = damping / np.sqrt(1 - damping**2)
    t = np.mod(np.arctan2(across - slowing * along, along + slowing * across), np.pi)
    extreme = np.exp(-slowing * t) * (along * np.cos(t) + across * np.sin(t))
    return np.asarray(np.maximum(np.abs(extreme), np.abs(y1)))
