"""SMP's own groups: what they tell, and that they change nothing."""

from fakes import arm, make, plan, run

from celltrail_protocol import smp
from logger.standard import iso_time
from logger.version import VERSION

OS = smp.GROUP_OS


def test_iso_time():
    known = (
        (0, "1970-01-01T00:00:00.000"),
        (951782399999, "2000-02-28T23:59:59.999"),
        (951782400000, "2000-02-29T00:00:00.000"),
        (1709251199001, "2024-02-29T23:59:59.001"),
        (4107542400000, "2100-03-01T00:00:00.000"),
        (253402300799999, "9999-12-31T23:59:59.999"),
    )
    for utc_ms, text in known:
        assert iso_time(utc_ms) == text


def test_echo():
    _, host = make()
    for op in (smp.OP_READ, smp.OP_WRITE):
        assert host.ask(OS, smp.OS_ECHO, op, {"d": "häh"}) == {"r": "häh"}
    assert host.ask(OS, smp.OS_ECHO, smp.OP_WRITE, {"d": 5}) == {"rc": smp.MGMT_BAD_VALUE}
    assert host.ask(OS, smp.OS_ECHO, smp.OP_WRITE, {}) == {"rc": smp.MGMT_BAD_VALUE}


def test_date_and_time_once_a_host_has_set_it():
    app, host = make()
    assert host.ask(OS, smp.OS_DATETIME, smp.OP_READ, {})["err"] == {"group": 0, "rc": 4}
    arm(host, plan())
    run(app, 61500)
    assert host.ask(OS, smp.OS_DATETIME, smp.OP_READ, {}) == {"datetime": "2023-11-14T22:14:21.500"}


def test_what_would_change_something_is_refused():
    app, host = make()
    arm(host, plan())
    refused = ((smp.OS_DATETIME, {"datetime": "2020-01-01T00:00:00"}), (smp.OS_RESET, {}))
    for command, request in refused:
        for version in (0, 1):
            assert host.ask(OS, command, smp.OP_WRITE, request, version=version) == {"rc": smp.MGMT_DENIED}
    assert app.trip.clock == (0, 1700000000000)
    assert app.board.resets == 0


def test_parameters_and_info():
    app, host = make()
    assert host.ask(OS, smp.OS_PARAMETERS, smp.OP_READ, {}) == {"buf_size": 1200, "buf_count": 8}
    output = host.ask(OS, smp.OS_INFO, smp.OP_READ, {"format": "a"})["output"]
    assert output == "Celltrail " + VERSION + " " + "00" * 32 + " " + app.board.name


def test_statistics():
    app, host = make()
    arm(host, plan())
    run(app, 125000)
    names = host.ask(smp.GROUP_STAT, smp.STAT_LIST, smp.OP_READ, {})["stat_list"]
    assert sorted(names) == ["flash", "link", "logger"]
    ask = lambda name: host.ask(smp.GROUP_STAT, smp.STAT_GROUP, smp.OP_READ, {"name": name})  # noqa: E731
    assert ask("logger")["fields"] == {"state": 2, "boot": 1, "slot": 3, "pending": 3, "shocks": 0}
    assert ask("flash")["fields"]["erases"] == app.board.flash.erases
    assert ask("link")["fields"] == {"messages": 0, "dropped": 0, "held": 0, "wrong_proofs": 0}
    for wrong in ("x", None, 5, []):
        assert ask(wrong)["err"] == {"group": 2, "rc": 2}
