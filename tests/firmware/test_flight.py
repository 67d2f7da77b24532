"""Two sources for a flight: any suspends, only both together resume, and one that is silent is no ground."""

from celltrail_protocol import codes
from logger.flight import Flight

LOOK = 30000
SETTINGS = (1500, 180, 90000, 100, 300)
GROUND = 101325


def fly(flight, course, start_ms=0):
    """Whether it was suspended after each (pressure, motion)."""
    states = []
    for i in range(len(course)):
        flight.take(course[i][0], course[i][1], start_ms + (i + 1) * LOOK)
        states.append(flight.is_suspended)
    return states


def on_ground():
    flight = Flight(SETTINGS, LOOK, False, 0)
    assert fly(flight, [(GROUND, 20)] * 10) == [False] * 10
    return flight


def test_a_climbing_cabin_suspends():
    # 300 ft a minute are about 11 hPa.
    flight = on_ground()
    states = fly(flight, [(GROUND - 550 * i, 20) for i in range(1, 5)], 10 * LOOK)
    assert states == [False, False, True, True]
    assert flight.why == codes.FLIGHT_CHANGE and flight.pressure_Pa == GROUND - 2200


def test_a_cabin_at_height_stays_suspended_however_still_it_is():
    flight = on_ground()
    assert all(fly(flight, [(78000, 5)] * 400, 10 * LOOK))
    assert flight.why == codes.FLIGHT_LOW


def test_a_lift_and_the_weather_do_not_suspend():
    assert not any(fly(on_ground(), [(GROUND - 1200, 20)] * 20, 10 * LOOK))
    assert not any(fly(on_ground(), [(GROUND - 20 * i, 20) for i in range(200)], 10 * LOOK))


def test_shaking_alone_suspends():
    flight = on_ground()
    assert fly(flight, [(GROUND, 99), (GROUND, 100), (GROUND, 100)], 10 * LOOK) == [False, False, True]
    assert flight.why == codes.FLIGHT_MOTION


def test_a_knock_does_not_suspend_but_is_looked_after():
    flight = on_ground()
    flight.take(GROUND, 900, 11 * LOOK)
    assert flight.is_doubtful and not flight.is_suspended
    flight.take(GROUND, 20, 11 * LOOK + 5000)
    assert not flight.is_doubtful and not flight.is_suspended
    flight.take(GROUND, 900, 12 * LOOK)
    flight.take(GROUND, 900, 12 * LOOK + 5000)
    assert flight.is_suspended and not flight.is_doubtful


def test_looks_in_between_do_not_shorten_the_memory_of_pressure():
    flight = on_ground()
    for i in range(12):
        # A climb of 10 hPa a minute, asked twice as often as is kept.
        flight.take(GROUND - 250 * i, 20, 10 * LOOK + (i + 1) * LOOK // 2)
    assert flight.is_suspended and flight.why == codes.FLIGHT_CHANGE


def test_descent_keeps_it_suspended_and_only_both_resume():
    flight = on_ground()
    fly(flight, [(78000, 5)] * 20, 10 * LOOK)
    # Down at 11 hPa a minute, then rolling, then still.
    down = [(78000 + 550 * i, 20) for i in range(1, 42)]
    assert all(fly(flight, down, 30 * LOOK))
    assert all(fly(flight, [(100550, 150)] * 20, 71 * LOOK))
    states = fly(flight, [(100550, 10)] * 12, 91 * LOOK)
    # 300 s after the last that spoke for a flight.
    assert states == [True] * 9 + [False] * 3
    assert flight.why == 0


def test_one_source_that_speaks_again_starts_the_wait_anew():
    flight = on_ground()
    fly(flight, [(GROUND, 200)] * 2, 8 * LOOK)
    assert all(fly(flight, ([(GROUND, 10)] * 9 + [(GROUND, 200)]) * 5, 10 * LOOK))
    flight = on_ground()
    fly(flight, [(GROUND, 200)] * 2, 10 * LOOK)
    assert all(fly(flight, ([(GROUND, 10)] * 8 + [(89999, 10)]) * 5, 12 * LOOK))


def test_a_silent_source_suspends():
    for course, why in (((None, 10), codes.FLIGHT_NO_PRESSURE), ((GROUND, None), codes.FLIGHT_NO_MOTION)):
        flight = on_ground()
        assert all(fly(flight, [course] * 50, 10 * LOOK))
        assert flight.why == why
        assert flight.pressure_Pa == (course[0] or 0)


def test_after_a_restart_it_waits_for_both():
    flight = Flight(SETTINGS, LOOK, True, 5000)
    assert flight.is_suspended and flight.why == codes.FLIGHT_RESTART
    states = fly(flight, [(GROUND, 10)] * 12, 5000)
    assert states == [True] * 9 + [False] * 3
