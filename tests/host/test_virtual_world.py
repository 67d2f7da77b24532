"""Tests of the virtual board's world: when it flies, what survives a power cut, what the board senses."""

import dataclasses
import socket
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from celltrail.errors import DeviceFault, UsageFault
from celltrail.virtual import Shock, Stimulus, Temperature, VirtualLogger, make_scenario
from celltrail.virtual.world_file import WorldFile, world_path
from celltrail_protocol import codes

PUPPET = Path(__file__).parent / "virtual_firmware" / "puppet.py"
START_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
STILL = Stimulus(START_MS, 24 * HOUR_MS, (Temperature.from_celsius([0], [5.0]),), accelerometer=codes.MODEL_NONE)


@pytest.fixture(params=["micropython", "cpython"])
def runtime(request):
    return request.param


def start(stimulus=STILL, runtime="micropython", **options):
    return VirtualLogger(stimulus, runtime=runtime, tcp=True, script=PUPPET, **options)


def ask(logger, *commands, lines=1):
    """Send commands on a connection of their own and return the lines that come back."""
    with socket.create_connection(("127.0.0.1", int(logger.address.rpartition(":")[2])), 10) as connection:
        connection.sendall("".join(f"{command}\n" for command in commands).encode())
        answer = connection.makefile("r")
        return [answer.readline().rstrip("\n") for _ in range(lines)]


@dataclasses.dataclass
class Status:
    uid: str
    cause: int
    tick_ms: int
    utc_ms: int
    battery_mV: int


def status(logger):
    uid, *numbers = ask(logger, "status")[0].split()
    return Status(uid, *map(int, numbers))


def report(logger):
    """Rows of readings and the dict of counts."""
    with socket.create_connection(("127.0.0.1", int(logger.address.rpartition(":")[2])), 10) as connection:
        connection.sendall(b"report\n")
        lines = []
        for line in connection.makefile("r"):
            if line == ".\n":
                break
            lines.append(line.split())
    names = ("interrupts", "sets", "peak", "buttons", "clients")
    counts = dict(zip(names, map(int, lines.pop()), strict=True))
    return lines, counts


def fly(logger, *commands):
    """Give commands, let the world fly, and wait until it has landed."""
    ask(logger, *commands, "peek 0 0")
    logger.wait_for("landed", 30)


# --- time ---


def test_world_flies_to_its_end_when_nobody_looks(runtime):
    with start(runtime=runtime, speed="max") as logger:
        fly(logger, "every 60000")
        rows, _ = report(logger)
    ticks = [int(row[0]) for row in rows]
    assert ticks == list(range(60_000, 24 * HOUR_MS + 1, 60_000))


def test_ticks_go_on_where_the_counter_wraps(runtime):
    # Every 65 s: the readings are due at the same instants, and the time agrees with the world's.
    with start(runtime=runtime, speed="max", tick_period_ms=1 << 16) as logger:
        fly(logger, "every 600000")
        rows, _ = report(logger)
        end = status(logger)
    assert [int(row[0]) for row in rows] == list(range(600_000, 24 * HOUR_MS + 1, 600_000))
    assert 0 <= end.utc_ms - START_MS - end.tick_ms <= 1


def test_ticks_go_on_while_the_firmware_has_nothing_to_do():
    # The counter wraps every second while nobody asks for the time.
    with start(tick_period_ms=1 << 10) as logger:
        time.sleep(2.5)
        now = status(logger)
    assert now.tick_ms >= 2500
    assert 0 <= now.utc_ms - START_MS - now.tick_ms <= 1


def test_world_does_not_fly_while_the_firmware_has_nothing_to_do():
    with start(speed="max") as logger:
        time.sleep(0.3)
        assert status(logger).tick_ms < 10_000


def test_world_does_not_fly_while_a_client_looks():
    with start(speed="max") as logger:
        with socket.create_connection(("127.0.0.1", int(logger.address.rpartition(":")[2]))) as connection:
            connection.sendall(b"every 60000\n")
            time.sleep(0.3)
            connection.sendall(b"status\n")
            assert int(connection.makefile().readline().split()[2]) < 10_000
        logger.wait_for("landed")


def test_speed_is_a_factor_of_real_time():
    with start(speed=36_000) as logger:
        began_s = time.monotonic()
        fly(logger, "every 600000")
        assert time.monotonic() - began_s == pytest.approx(2.4, abs=0.5)
        assert len(report(logger)[0]) == 144


def test_limit_holds_a_flight_up():
    with start(speed="max") as logger:
        logger.control(f"limit {START_MS + HOUR_MS}")
        fly(logger, "every 60000")
        assert status(logger).utc_ms - START_MS == pytest.approx(HOUR_MS, abs=5000)
        logger.control("limit none")
        logger.wait_for("landed")
        assert status(logger).utc_ms - START_MS >= 24 * HOUR_MS


def test_pause_waits_until_a_client_has_come_and_gone():
    with start(speed="max", pauses_ms=(6 * HOUR_MS, 12 * HOUR_MS)) as logger:
        ask(logger, "every 60000", "peek 0 0")
        for pause_h in (6, 12):
            # Whoever asks anything between two pauses may come late and end the second one.
            logger.wait_for("paused")
            time.sleep(0.1)
            assert status(logger).utc_ms - START_MS == pytest.approx(pause_h * HOUR_MS, abs=5000)
            logger.wait_for("resumed")
        logger.wait_for("landed")
        assert logger.world_ms >= 24 * HOUR_MS


def test_pause_holds_after_a_power_cut():
    with start(speed="max", pauses_ms=(6 * HOUR_MS,)) as logger:
        ask(logger, "every 60000", "peek 0 0")
        logger.wait_for("paused")
        logger.restart()
        assert logger.wait_for("paused")
        assert status(logger).utc_ms - START_MS == pytest.approx(6 * HOUR_MS + 5000, abs=5000)


def test_flight_is_the_same_on_both_runtimes():
    stimulus = make_scenario("box", seed=4, days=0.5, start_utc_ms=START_MS)
    reports = []
    for runtime in ("micropython", "cpython"):
        with start(stimulus, runtime, speed="max") as logger:
            fly(logger, "watch 5000", "every 60000")
            reports.append(report(logger))
    assert reports[0] == reports[1]
    assert reports[0][1]["interrupts"] > 0


# --- power ---


def test_power_cut_keeps_flash_and_world(tmp_path, runtime):
    flash = tmp_path / "flash"
    with start(runtime=runtime, flash=flash, speed="max") as logger:
        uid = status(logger).uid
        logger.control(f"limit {START_MS + HOUR_MS}")
        fly(logger, "every 60000")
        assert ask(logger, "program 4096 hello") == ["programmed"]
        logger.kill()
        assert not logger.running
        logger.restart(off_ms=30_000)
        after = status(logger)
        assert ask(logger, "peek 4096 5") == ["hello"]
    assert after.uid == uid
    assert after.cause == codes.RESET_POWER_ON
    assert after.tick_ms < 10_000
    assert after.utc_ms - START_MS == pytest.approx(HOUR_MS + 30_000, abs=5000)


def test_same_file_is_the_same_logger_in_the_same_world(tmp_path):
    flash = tmp_path / "flash"
    with start(flash=flash, speed="max") as logger:
        uid = status(logger).uid
        logger.control(f"limit {START_MS + HOUR_MS}")
        fly(logger, "every 60000")
        ask(logger, "program 0 hello")
    with start(flash=flash, off_ms=60_000) as logger:
        assert ask(logger, "peek 0 5") == ["hello"]
        again = status(logger)
    assert again.uid == uid
    assert again.utc_ms - START_MS == pytest.approx(HOUR_MS + 60_000, abs=5000)
    with start(flash=flash, continue_world=False) as logger:
        assert status(logger).utc_ms - START_MS < 5000


def test_new_loggers_differ_and_a_uid_can_be_given():
    with start() as first, start() as second, start(uid=bytes(range(8))) as third:
        uids = [status(logger).uid for logger in (first, second, third)]
    assert len(set(uids)) == 3
    assert uids[2] == "0001020304050607"


def test_flash_of_another_size_is_refused(tmp_path):
    flash = tmp_path / "flash"
    flash.write_bytes(bytes(4096))
    with pytest.raises(UsageFault, match="sectors"), start(flash=flash):
        pass


def test_damaged_world_file_is_refused(tmp_path):
    flash = tmp_path / "flash"
    world_path(flash).write_bytes(b"\xffnonsense")
    with pytest.raises(UsageFault, match="damaged"):
        WorldFile.read(flash)


def test_reset_restarts_the_firmware_in_the_same_world():
    with start(speed="max") as logger:
        logger.control(f"limit {START_MS + HOUR_MS}")
        fly(logger, "every 60000")
        ask(logger, "reset", lines=0)
        logger.wait_for("reset 4")
        after = status(logger)
    assert after.cause == codes.RESET_SOFT
    assert after.tick_ms < 10_000
    assert after.utc_ms - START_MS == pytest.approx(HOUR_MS, abs=5000)


def test_watchdog_bites_a_firmware_that_hangs():
    with start() as logger:
        ask(logger, "hang 8500", lines=0)
        logger.wait_for("reset 3", 12)
        assert status(logger).cause == codes.RESET_WATCHDOG


def test_crash_is_reported(capfd):
    with start() as logger:
        ask(logger, "crash", lines=0)
        with pytest.raises(DeviceFault, match="by itself"):
            logger.wait()
        assert not logger.running
        with pytest.raises(DeviceFault, match="off"):
            logger.press_button()
    assert "ValueError" in capfd.readouterr().err


def test_firmware_that_does_not_start_is_reported(tmp_path, capfd):
    broken = tmp_path / "broken.py"
    broken.write_text("import no_such_module\n")
    with pytest.raises(DeviceFault, match="did not start"), VirtualLogger(STILL, tcp=True, script=broken):
        pass
    assert "no_such_module" in capfd.readouterr().err


def test_board_ends_with_its_launcher():
    with start() as logger:
        process = logger._child.process
    assert process.poll() is not None


# --- senses ---


def test_thermometers_hold_the_last_row(runtime):
    at_ms = np.array([0, 90_000, 90_040, 150_000, 290_000, 400_000])
    first = [5.0, 5.5, -3.25, 21.0039, -40.0, 5.0]
    second = [20.0, np.nan, np.nan, 21.0, np.nan, 22.0]
    temperatures = tuple(Temperature.from_celsius(at_ms, values) for values in (first, second))
    stimulus = dataclasses.replace(STILL, duration_ms=600_000, temperatures=temperatures)
    with start(stimulus, runtime, speed="max") as logger:
        fly(logger, "every 10000")
        rows, _ = report(logger)
    assert len(rows) == 60
    for tick, *values in rows:
        felt = [float(temperature.celsius_at(int(tick))) for temperature in temperatures]
        expected = ["F1" if np.isnan(value) else str(int(np.floor(value * 128 + 0.5))) for value in felt]
        assert values == expected


def test_each_kind_of_thermometer_feels_its_course(runtime):
    at_ms = np.array([0, 90_000, 150_000, 290_000])
    values = ([5.0, 5.5, -3.25, -40.0], [4.0, -195.8, np.nan, -78.5], [20.0, np.nan, 20.5, 84.0])
    temperatures = tuple(Temperature.from_celsius(at_ms, course) for course in values)
    models = (codes.MODEL_TMP117, codes.MODEL_MAX31865, codes.MODEL_DS18B20)
    stimulus = dataclasses.replace(STILL, duration_ms=400_000, temperatures=temperatures, models=models)
    with start(stimulus, runtime, speed="max") as logger:
        fly(logger, "every 10000")
        rows, _ = report(logger)
    assert len(rows) == 40
    steps_C, faults = (1 / 128, 0.01, 1 / 16), ("F1", "F4", "F1")
    for tick, *read in rows:
        for value, course, step_C, fault in zip(read, temperatures, steps_C, faults, strict=True):
            felt = float(course.celsius_at(int(tick)))
            if np.isnan(felt):
                assert value == fault
            else:
                assert abs(int(value) * step_C - felt) <= 0.032


def test_impact_of_a_recording_reaches_the_firmware(runtime):
    at_us = np.array([0, 10_000, 20_000, 40_000, 60_000]) + 30 * 60 * 1_000_000
    xyz_g = np.array([[0, 0, 1], [0, 0, 1], [40, 0, 1], [0, -12, 1], [0, 0, 1]])
    stimulus = dataclasses.replace(
        STILL, shocks=(Shock(at_us, xyz_g.astype(float)),), accelerometer=codes.MODEL_ADXL372
    )
    with start(stimulus, runtime, speed="max") as logger:
        fly(logger, "watch 10000", "every 60000")
        _, counts = report(logger)
    assert counts["interrupts"] == 1
    # The corner of the triangle is rounded off by the chip's filter.
    assert 360 <= counts["peak"] <= 400


def test_button_can_be_pressed_now_and_in_the_story():
    stimulus = dataclasses.replace(STILL, presses_ms=((HOUR_MS, 200), (2 * HOUR_MS, 5000)))
    with start(stimulus, speed="max") as logger:
        logger.press_button(50)
        time.sleep(0.15)
        fly(logger, "every 60000")
        assert report(logger)[1]["buttons"] == 6


def test_battery_runs_down_and_can_be_set():
    with start(speed="max") as logger:
        assert status(logger).battery_mV == 4100
        logger.control(f"limit {START_MS + 12 * HOUR_MS}")
        fly(logger, "every 60000")
        assert status(logger).battery_mV == 3850
        logger.control("battery 3100")
        assert status(logger).battery_mV == 3100


def test_firmware_sees_every_client_come_and_go(runtime):
    with start(runtime=runtime) as logger:
        for _ in range(10):
            ask(logger, "peek 0 0")
        assert report(logger)[1]["clients"] == 11


def test_led_is_told():
    with start() as logger:
        assert logger.wait_for("led") == "led 1"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_killed_launcher_takes_the_board_with_it(tmp_path):
    import signal
    import subprocess

    source = (
        "import sys; from pathlib import Path; from celltrail.virtual import *\n"
        f"stimulus = make_scenario('bench', start_utc_ms=0)\n"
        f"with VirtualLogger(stimulus, tcp=True, script=Path({str(PUPPET)!r})) as logger:\n"
        "    print(logger._child.process.pid, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    environment_path = [path for path in sys.path if path]
    launcher = subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {environment_path!r}\n{source}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    board = int(launcher.stdout.readline())
    launcher.send_signal(signal.SIGKILL)
    launcher.communicate()
    deadline_s = time.monotonic() + 5
    while Path(f"/proc/{board}").exists() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert not Path(f"/proc/{board}").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such lock")
def test_one_flash_file_is_one_logger(tmp_path):
    flash = tmp_path / "flash"
    with start(flash=flash), pytest.raises(UsageFault, match="another virtual logger"), start(flash=flash):
        pass
    with start(flash=flash) as logger:
        assert status(logger).cause == codes.RESET_POWER_ON


def test_a_logger_keeps_its_thermometers(tmp_path):
    flash = tmp_path / "flash"
    with start(flash=flash):
        pass
    two = dataclasses.replace(STILL, temperatures=STILL.temperatures * 2)
    message = "built with tmp117, not with tmp117,tmp117; use --sensors tmp117"
    with pytest.raises(UsageFault, match=message), start(two, flash=flash):
        pass
