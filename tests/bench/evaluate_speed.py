"""How long evaluation and report of a long trip take: 100,000 readings and 500 shocks, decoded and verified already."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from celltrail.evaluate.evaluation import Evaluation, evaluate
from celltrail.evaluate.rules import rules_of_profile
from celltrail.evidence.trail import parse_trail, trail_bytes
from celltrail.evidence.verify import Checked, check_trail
from celltrail.plans.profile import load_profile
from celltrail.report.build import report_of
from celltrail.report.html import html_text
from celltrail.report.page import Report
from celltrail.report.pdf import pdf_bytes
from celltrail_protocol import codes
from tests.bench.figures import Figure, at_most, median, say
from tests.bench.stopwatch import rounds
from tests.host.forge import Forge, a_plan

_READINGS = 100_000
_SHOCKS = 500
_WAVEFORMS = 16
_LEGS = 10
_WINDOW, _PRE = 512, 64
_ROUNDS = 5
_STEP_C = 1 / 128
_MADE_UTC_MS = 1_748_865_600_000
# Less than this lacks most of it.
_LEAST_BYTES = 100_000


def _trip() -> Checked:
    """Two months around 8 degC, so that there are hundreds of excursions, with a shock every three hours."""
    rng = np.random.default_rng(5)
    course = 7.5 + np.cumsum(rng.normal(0, 0.01, _READINGS)) % 1 + rng.normal(0, 0.05, _READINGS)
    raw = np.floor(course / _STEP_C).astype(int).tolist()
    forge = Forge(settings=a_plan(shock=[10_000, 1250, 50, _PRE, _WINDOW - _PRE, _WAVEFORMS]))
    forge.arm()
    forge.begin()
    share = _READINGS // _SHOCKS
    for number in range(_SHOCKS):
        forge.readings(number * share, raw[number * share : (number + 1) * share])
        window = _WINDOW if number < _WAVEFORMS else 2 * _PRE
        wave = rng.normal(0, 2, (3, window)).round().astype(int)
        wave[:, _PRE : _PRE + 30] += (200 * np.sin(np.linspace(0, np.pi, 30))).astype(int)
        forge.shock(wave.tolist(), _PRE)
        if number % (_SHOCKS // _LEGS) == 0:
            forge.mark(codes.MARK_HANDED_OVER, f"PLACE{number}")
    forge.now_ms += 60_000
    forge.close()
    return check_trail(parse_trail(trail_bytes(forge.closed_parts()), Path("bench.trail")), None)


def _evaluate(checked: Checked) -> Evaluation:
    made = evaluate(checked, rules_of_profile(load_profile("2-8C"), 1))
    spectra = [one.spectrum for one in made.shocks[:_WAVEFORMS]]
    if len(made.shocks) != _SHOCKS or made.channels[0].statistics.readings != _READINGS or None in spectra:
        raise AssertionError("the trip of this bench was not evaluated as a whole")
    return made


def _report(checked: Checked, render: Callable[[Report], str | bytes], *, on_paper: bool) -> None:
    report = report_of(_evaluate(checked), "en", _MADE_UTC_MS, on_paper=on_paper)
    if len(render(report)) < _LEAST_BYTES:
        raise AssertionError("the report of this bench is not whole")


def measure() -> list[Figure]:
    """Three figures."""
    say("  writing a trip for evaluation and report")
    checked = _trip()
    taken = rounds(
        {
            "evaluate": lambda: _evaluate(checked),
            "html": lambda: _report(checked, html_text, on_paper=False),
            "pdf": lambda: _report(checked, pdf_bytes, on_paper=True),
        },
        _ROUNDS,
    )
    trip = (
        f"{_READINGS:,} readings against the limits of 2-8C, and {_SHOCKS} shocks with a waveform each, "
        f"{_WAVEFORMS} of them with spectra, in {_LEGS} legs; median of {_ROUNDS} rounds"
    )
    whole = "the same, from the verified record to the whole page"
    return [
        Figure("evaluate_100k_s", median(taken["evaluate"]), "s", trip, target=at_most(1)),
        Figure("report_100k_html_s", median(taken["html"]), "s", whole, target=at_most(5)),
        Figure("report_100k_pdf_s", median(taken["pdf"]), "s", whole, target=at_most(5)),
    ]
