"""The field lists of SPEC.md, copied by hand from its sections 1 to 7 and 11."""

CLEAN = "4s magic, I erase_count, H sector, H reserved"
HEADER = (
    "4s magic, B version, B length, H flags, I sequence, I trip, "
    "I index, I epoch, Q tick_ms, H boot, H events, 8s prev_tag"
)
SEAL = "4s magic, I sequence, I epoch, B kind, B reserved, H used, H frames, H reserved2, Q tick_ms, 32s tag"
KEY_SLOT = "4s magic, I trip, I epoch, 32s key"
JOURNAL_HEADER = "4s magic, I sequence, I trip, H boot, H reserved, 12s reserved2"
STORE_HEADER = "4s magic, B kind, B reserved, H length, I number"
STATE_RECORD = (
    "B state, B reason, H boot, I trip, I next_trip, "
    "I first_sequence, I next_sequence, I read_index, I read_used, I alarms"
)
TRAIL_HEADER = "8s magic, H version, H reserved"

PLAN = (
    "B version, I trip, 8s uid, 8s settings, I period_ms, H boot, I slot0, Q tick0_ms, "
    "B accel_model, I accel_step_ng, I accel_rate_mHz, B channels"
)
CHANNEL = "B model, I step_nK, h low_raw, h high_raw, H uncertainty_mK"
CLOCK = "H boot, Q tick_ms, Q utc_ms, I uncertainty_ms, B source"
BOOT = "H boot, B cause, Q tick_ms, I slot0, Q tick0_ms, H battery_mV"
STATE = "Q tick_ms, B state, B reason, I slot0, Q tick0_ms, H battery_mV"
SETTINGS = "B part, B parts, * data"
COMMAND = "Q tick_ms, B command, p operator, B flags, I detail"
EARLIER = "H dropped, H boot, Q tick_ms, B command, p operator, B flags, I detail, Q utc_ms, I trip"
READINGS = "B channel, I slot, B count, * series"
MISSING = "B channel, I slot, H count, B code"
GAP = "I slot, I count, B reason"
SHOCK = (
    "H event, Q tick_ms, H tick_us, I rate_mHz, 3h base, 3h peak, "
    "3i velocity, H duration, H longest, B flags, H window, H pre"
)
WAVE = "H event, B axis, H first, B count, * series"
MARK = "Q tick_ms, B kind, B outcome, B flags, p operator, p place, p note"
ALARM = "Q tick_ms, B alarm, B channel, h value_raw, I slot"
FAULT = "Q tick_ms, B source, B code, I detail"
CALIBRATION = "B part, B parts, * data"
RADIO = "Q tick_ms, B state, B why, I pressure_Pa"
CHECKPOINT = "I epoch, Q tick_ms, H battery_mV, 16s tag"

# type number: name, fields
FRAMES = {
    0x01: ("plan", PLAN),
    0x02: ("clock", CLOCK),
    0x03: ("boot", BOOT),
    0x04: ("state", STATE),
    0x05: ("settings", SETTINGS),
    0x06: ("command", COMMAND),
    0x07: ("earlier command", EARLIER),
    0x08: ("calibration", CALIBRATION),
    0x10: ("readings", READINGS),
    0x11: ("missing", MISSING),
    0x12: ("gap", GAP),
    0x20: ("shock", SHOCK),
    0x21: ("wave", WAVE),
    0x30: ("mark", MARK),
    0x31: ("alarm", ALARM),
    0x32: ("fault", FAULT),
    0x33: ("radio", RADIO),
    0x40: ("checkpoint", CHECKPOINT),
}
NUMBERS = {name: number for number, (name, _) in FRAMES.items()}
JOURNAL_READING = 0x50

# record name: fields in front of the crc32
RECORDS = {
    "clean": CLEAN,
    "header": HEADER,
    "seal": SEAL,
    "key_slot": KEY_SLOT,
    "journal_header": JOURNAL_HEADER,
    "trail_header": TRAIL_HEADER,
}
MAGIC = {
    "clean": b"CLN1",
    "header": b"CTS1",
    "seal": b"CTE1",
    "key_slot": b"CTK1",
    "journal_header": b"CTJ1",
    "trail_header": b"\x89CTRAIL\n",
}
NO_SLOT = 0xFFFFFFFF
NO_READING = -32768
