"""The connection is cut at every message and at every byte of a read-out, both ways: real host code, real firmware.

CELLTRAIL_EVERY_CUT=1 tries every byte (about half an hour); otherwise every 97th.
"""

import os

import pytest

from celltrail.link.client import Client
from celltrail.link.session import Session
from tests.host.download_bench import TRIPS, in_peace
from tests.host.real_logger import TO_HOST, TO_LOGGER

STRIDE = 1 if os.environ.get("CELLTRAIL_EVERY_CUT") else 97


def check(bench, expected, word, cuts=1):
    outcome, trail = bench.read()
    assert bench.content(trail) == expected
    assert outcome.verdict.word == word
    assert outcome.acknowledged
    assert bench.logger.asked_again == []
    assert bench.logger.cuts == cuts
    assert bench.leftovers() == []
    bench.folder.joinpath(outcome.path).unlink()


@pytest.mark.parametrize("way", [TO_LOGGER, TO_HOST])
@pytest.mark.parametrize("kind", TRIPS)
@pytest.mark.timeout(3600)
def test_a_cut_at_any_byte(bench, kind, way):
    made, expected, logger = in_peace(bench, kind)
    # Whatever is behind the first answer; before it there is no read-out to be interrupted.
    first, end = logger.boundaries[way][1], logger.passed[way]
    for count in range(first, end, STRIDE if way == TO_HOST else max(1, STRIDE // 8)):
        logger.forget_the_link()
        logger.cut_at = (way, count)
        check(made, expected, TRIPS[kind][1])


@pytest.mark.parametrize("way", [TO_LOGGER, TO_HOST])
@pytest.mark.parametrize("kind", TRIPS)
def test_a_cut_at_any_message(bench, kind, way):
    made, expected, logger = in_peace(bench, kind)
    for count in logger.boundaries[way][1:-1]:
        for at in (count - 1, count, count + 1):
            logger.forget_the_link()
            logger.cut_at = (way, at)
            check(made, expected, TRIPS[kind][1])


@pytest.mark.parametrize("way", [TO_LOGGER, TO_HOST])
@pytest.mark.parametrize("kind", TRIPS)
def test_any_message_gets_lost_in_silence(bench, kind, way, mocker):
    mocker.patch.object(Client.ask, "__defaults__", (0.05, 3))
    mocker.patch.object(Client.tell, "__defaults__", (0.05,))
    mocker.patch.object(Session.prove, "__defaults__", (0.05,))
    mocker.patch.object(Session.prove_at, "__defaults__", (0.05,))
    mocker.patch("celltrail.operate.fetch.TIMEOUT_S", 0.05)
    made, expected, logger = in_peace(bench, kind)
    for number in range(2, len(logger.boundaries[way]) + 1):
        logger.forget_the_link()
        logger.lose = (way, number)
        check(made, expected, TRIPS[kind][1], cuts=0)


@pytest.mark.parametrize("kind", TRIPS)
def test_cut_after_cut_after_cut(bench, kind):
    made, expected, logger = in_peace(bench, kind)
    logger.forget_the_link()

    def cut_again(group, command):
        if logger.cut_at is None:
            logger.cut_at = (TO_HOST, logger.passed[TO_HOST] + 2500)

    logger.on_message = cut_again
    check(made, expected, TRIPS[kind][1], cuts=pytest.approx(10, abs=9))
