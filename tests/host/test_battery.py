import dataclasses
import json

import pytest

from celltrail.battery import currents
from celltrail.battery.count import DAY_MS, Counts, count
from celltrail.battery.currents import Board
from celltrail.battery.need import daily_mAh, needed_mV, needed_share
from celltrail.battery.reckon import charges, days, windows_mAh
from celltrail.cli.main import run
from celltrail.keys.keystore import KeyStore
from celltrail.plans.planning import to_plan
from celltrail.plans.profile import load_profile
from celltrail.plans.sensor import Fitted, Sensor
from celltrail.virtual import stimulus
from celltrail_protocol import codes
from tests.host.fake_logger import KEY, UID, FakeLogger, OverTcp

HOUR_MS = 3_600_000
TMP117 = Sensor(codes.MODEL_TMP117, 7_812_500, -7040, 19200, 300)
BOARD = Board(sleep_mA=1.0, doze_mA=11.0, awake_mA=101.0, source="")


def spent(counts, sensors=("tmp117",), *, radio=False, shock=False):
    return charges(counts, BOARD, sensors, radio=radio, shock=shock)


def idle(span_ms=DAY_MS, **counts):
    return Counts(**{"span_ms": span_ms, "wakes": 0, "awake_ms": 0, "conversions": 0, "pages": 0, "erases": 0,
                     "adverts": 0} | counts)  # fmt: skip


def test_a_board_that_only_sleeps_still_naps_for_its_watchdog():
    made = spent(idle())
    # A day has 12,342.9 naps of 2 ms: 24.69 s awake.
    assert made["wake"] == pytest.approx(101 * 24.6857 / 3600, rel=1e-4)
    assert made["sleep"] == pytest.approx((86_400 - 24.6857) / 3600, rel=1e-4)
    assert made["flash"] == made["radio"] == 0


def test_wakes_and_flash_cost_time_awake():
    more = idle(wakes=1000, awake_ms=16_000, pages=1000, erases=10)
    # 16 s of waiting, 20 s of work, 0.4 s of programming, 0.45 s of erasing.
    difference = spent(more)["wake"] - spent(idle())["wake"]
    assert difference == pytest.approx(101 * 36.85 / 3600)
    assert spent(more)["flash"] == pytest.approx(25 * 0.85 / 3600)
    assert sum(spent(more).values()) > sum(spent(idle()).values())


def test_each_channel_converts_its_share_and_rests_the_whole_day():
    made = spent(idle(conversions=2000), ("max31865", "tmp117"), shock=True)["sensors"]
    converting = (2.0 * 67 + 0.135 * 16) * 1000 / HOUR_MS
    assert made == pytest.approx(converting + (1.5 + 0.00015 + 0.002 + 0.022) * 24)
    without = spent(idle(conversions=2000), ("max31865", "tmp117"))["sensors"]
    assert made - without == pytest.approx(0.022 * 24)


def test_the_radio_keeps_the_board_from_sleeping():
    made = spent(idle(adverts=86_400), radio=True)
    assert made["sleep"] + made["radio"] == pytest.approx(11 * 24 + 86_400 * 3 * 130 / HOUR_MS)
    assert made["wake"] == 0


def test_a_deep_sleep_costs_a_start_and_spares_the_rest():
    board = dataclasses.replace(BOARD, deep_mA=0.1)
    counts = idle(rests=288, rests_ms=288 * 299_000)
    made = charges(counts, board, ("tmp117",), radio=False, shock=False, deep=True)
    down_s = 288 * (299 * 15 / 16 - 3)
    awake_s = 288 * 2.0 + (86_400 - down_s) / 7 * 0.002
    assert made["wake"] == pytest.approx(101 * awake_s / 3600)
    assert made["sleep"] == pytest.approx((86_400 - down_s - awake_s + 0.1 * down_s) / 3600)
    # Rests that are no longer than what the firmware sleeps less are none.
    short = charges(idle(rests=1, rests_ms=3_000), board, ("tmp117",), radio=False, shock=False, deep=True)
    assert short["sleep"] == pytest.approx(spent(idle())["sleep"], rel=1e-3)


def test_the_firmware_s_long_rests_are_counted():
    plan = dataclasses.replace(load_profile("CRT"), shock=None)
    made = count(plan, "tmp117", "box", radio=False, span_ms=HOUR_MS)
    assert made.rests == made.conversions == 12
    assert 11 * 299_000 < made.rests_ms < HOUR_MS


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--deep-sleep"], "a pico-w can't be powered down"),
        (["--deep-sleep", "--board", "esp32", "--ble"], "a radio that is always on keeps the chip awake"),
    ],
)
def test_a_deep_sleep_that_can_not_be_is_refused(capsys, words, said):
    assert run(["battery", "--profile", "CRT", *words]) == 2
    assert said in capsys.readouterr().err


def test_part_of_a_day_counts_for_a_day():
    whole = spent(idle(wakes=240, conversions=240))
    assert spent(idle(DAY_MS // 24, wakes=10, conversions=10)) == pytest.approx(whole)


def test_a_processor_is_awake_for_no_more_than_the_day():
    made = spent(idle(wakes=10_000_000))
    assert (made["sleep"], made["wake"]) == (0, pytest.approx(101 * 24))


def test_days_are_of_the_usable_part():
    assert days({"sleep": 24.0, "wake": 1.0}, 2500) == pytest.approx(80)


def test_the_firmware_s_own_operations_are_counted():
    made = count(load_profile("2-8C"), "tmp117,tmp117", "box", radio=True, span_ms=HOUR_MS)
    assert made.conversions == 120
    assert 60 <= made.wakes < 120
    # Each conversion is waited for 16 ms.
    assert 120 * 16 <= made.awake_ms < 120 * 32
    assert 0 < made.pages <= 120
    assert made.adverts == pytest.approx(3600, rel=0.02)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [("--board", "uno", "pico-w or esp32"), ("--cell", "0", "whole mAh"), ("--cell", "-5", "whole mAh"),
     ("--cell", "many", "alkaline, lithium"), ("--sensors", "foo", "--sensors takes tmp117")],
)  # fmt: skip
def test_what_nobody_can_reckon_is_refused(capsys, option, value, words):
    assert run(["battery", "--profile", "2-8C", option, value]) == 2
    assert words in capsys.readouterr().err


def armed_plan(**changes):
    return to_plan(load_profile("2-8C"), Fitted((TMP117,))) | changes


def test_what_a_plan_needs_is_near_to_what_was_counted():
    # `celltrail battery --profile 2-8C` counts 29.6 mAh a day on the virtual logger.
    assert daily_mAh(armed_plan()) == pytest.approx(29.6, rel=0.03)
    assert daily_mAh(armed_plan(radio=[1, 1000, 300, 5, 0])) == pytest.approx(24 * 30, rel=0.02)
    windows = armed_plan(times=[[0, 3600, 86400], [7200, 3600, 86400], [1_772_000_000, 3600, 0]])
    assert daily_mAh(windows) - daily_mAh(armed_plan()) == pytest.approx(2 * 28.8)


def test_a_plan_without_an_end_needs_nothing_in_advance():
    assert needed_share(armed_plan()) == 0
    assert needed_mV(0.0) == 3300
    assert needed_share(armed_plan(duration_s=5 * 86400)) == pytest.approx(5 * 29.6 / 2000, rel=0.03)
    assert needed_share(armed_plan(duration_s=5 * 86400, delay_s=5 * 86400)) == pytest.approx(
        10 * 29.6 / 2000, rel=0.03
    )


@pytest.mark.parametrize(
    ("battery", "duration", "more", "words"),
    [
        (
            3600,
            "30d",
            (),
            "has 3.60 V, and 30 days take 44% of three AA cells, which are there at 3.83 V; change the cells",
        ),
        (4500, "10d", ("--radio-on", "always"), "10 days take 360% of three AA cells; shorten the plan"),
    ],
)
def test_arming_refuses_a_battery_that_the_plan_outlasts(capsys, tmp_path, monkeypatch, battery, duration, more, words):
    logger = FakeLogger()
    logger.state, logger.unread, logger.battery = codes.STATE_IDLE, False, battery
    monkeypatch.setenv("CELLTRAIL_KEYS", str(tmp_path / "keys"))
    KeyStore(tmp_path / "keys").save_device_key(UID, "CT-31A722", KEY)
    with OverTcp(logger) as served:
        command = ["arm", "2-8C", "-d", str(served.address), "--yes", "--duration", duration, *more]
        assert run(command) == 4
        assert words in capsys.readouterr().err
        assert logger.state == codes.STATE_IDLE
        assert run([*command, "--any-battery"]) == 0


def test_windows_of_a_profile_cost_what_a_dozing_board_costs():
    # An hour: 10 mA more than asleep, and 3600 advertisements of 3 ms at 130 mA.
    assert windows_mAh(BOARD, 1.0, 1000) == pytest.approx(10 + 3600 * 3 * 130 / HOUR_MS)
    assert windows_mAh(BOARD, 0.0, 1000) == 0


def test_battery_takes_the_radio_of_the_profile(capsys, tmp_path, mocker):
    mocker.patch("celltrail.cli.battery.count", side_effect=lambda *given, radio: idle(adverts=86_400 * radio))
    text = 'name = "x"\ntitle = "x"\nperiod_s = 60\n[radio]\n'
    found = {}
    for name, more in (
        ("asked", ""),
        ("windows", '[[radio.window]]\nat = "06:00"\nfor_s = 7200\n'),
        ("always", 'policy = "always"\n'),
    ):
        path = tmp_path / f"{name}.toml"
        path.write_text(text + more)
        assert run(["battery", "--profile", str(path), "--json"]) == 0
        found[name] = json.loads(capsys.readouterr().out)["mAh_a_day"]["radio"]
    assert found["asked"] == 0
    assert found["windows"] == pytest.approx(2 * 28.8 + 0.78, rel=0.01)
    assert found["always"] > 650


def test_each_chip_that_can_be_chosen_has_its_currents():
    chosen = {*stimulus.THERMOMETERS, stimulus.BAROMETER}
    assert chosen == set(currents.CHIPS)
