"""The words for the numbers of the format, for people; only the host loads them."""

from celltrail_protocol import codes, smp

STATE_NAMES = {
    codes.STATE_IDLE: "idle",
    codes.STATE_ARMED: "armed",
    codes.STATE_LOGGING: "logging",
    codes.STATE_STOPPED: "stopped",
}

REASON_NAMES = {
    codes.REASON_UNKNOWN: "unknown",
    codes.REASON_COMMAND: "command",
    codes.REASON_DELAY: "delay",
    codes.REASON_BUTTON: "button",
    codes.REASON_TEMPERATURE: "temperature",
    codes.REASON_DURATION: "duration",
    codes.REASON_FULL: "memory full",
    codes.REASON_ERASE: "erase",
}

START_NAMES = {
    codes.START_NOW: "now",
    codes.START_COMMAND: "command",
    codes.START_DELAY: "delay",
    codes.START_BUTTON: "button",
    codes.START_TEMPERATURE: "temperature",
}

RESET_NAMES = {
    codes.RESET_UNKNOWN: "unknown",
    codes.RESET_POWER_ON: "power on",
    codes.RESET_BROWNOUT: "brown-out",
    codes.RESET_WATCHDOG: "watchdog",
    codes.RESET_SOFT: "software",
    codes.RESET_PIN: "reset pin",
    codes.RESET_SLEEP: "deep sleep not resumed",
}

FAULT_NAMES = {
    codes.FAULT_ABSENT: "sensor does not answer",
    codes.FAULT_WRONG_ID: "wrong chip",
    codes.FAULT_BUS: "bus error",
    codes.FAULT_OPEN: "probe open",
    codes.FAULT_SHORT: "probe shorted",
    codes.FAULT_SATURATED: "out of the sensor's range",
    codes.FAULT_NOT_READY: "no fresh value",
    codes.FAULT_OVERRUN: "samples lost",
    codes.FAULT_FLASH_PROGRAM: "flash program failed",
    codes.FAULT_FLASH_ERASE: "flash erase failed",
    codes.FAULT_FIRMWARE: "firmware error",
    codes.FAULT_WRONG_KEY: "command with a wrong key",
    codes.FAULT_FULL: "memory full",
    codes.FAULT_VOLTAGE: "voltage at the probe's wires",
}

TEST_NAMES = {
    1: "channel 0",
    2: "channel 1",
    4: "channel 2",
    8: "channel 3",
    codes.TEST_ACCELEROMETER: "accelerometer",
    codes.TEST_FLASH: "flash",
    codes.TEST_CLOCK: "clock",
    codes.TEST_RADIO: "radio",
    codes.TEST_BATTERY: "battery low",
}

RADIO_STATE_NAMES = {
    codes.RADIO_OFF: "off",
    codes.RADIO_ON: "on",
    codes.RADIO_SUSPENDED: "suspended",
}

ASK_NAMES = {
    codes.ASK_BUTTON: "button",
    codes.ASK_KNOCK: "knock",
    codes.ASK_CABLE: "cable",
    codes.ASK_WINDOW: "time window",
    codes.ASK_ALWAYS: "always on",
    codes.ASK_CONNECTION: "connection",
}

FLIGHT_NAMES = {
    codes.FLIGHT_LOW: "low pressure",
    codes.FLIGHT_CHANGE: "pressure changes fast",
    codes.FLIGHT_MOTION: "it shakes",
    codes.FLIGHT_NO_PRESSURE: "no pressure reading",
    codes.FLIGHT_NO_MOTION: "no reading of motion",
    codes.FLIGHT_RESTART: "restart",
}

SOURCE_NAMES = {
    0: "channel 0",
    1: "channel 1",
    2: "channel 2",
    3: "channel 3",
    codes.SOURCE_ACCELEROMETER: "accelerometer",
    codes.SOURCE_FLASH: "flash",
    codes.SOURCE_CLOCK: "clock",
    codes.SOURCE_LINK: "link",
    codes.SOURCE_FIRMWARE: "firmware",
}

GAP_NAMES = {
    codes.GAP_LATE: "logger was busy",
    codes.GAP_POWER: "power was lost",
    codes.GAP_FLASH: "flash failed",
}

MODEL_NAMES = {
    codes.MODEL_NONE: "none",
    codes.MODEL_TMP117: "TMP117",
    codes.MODEL_MAX31865: "MAX31865",
    codes.MODEL_DS18B20: "DS18B20",
    codes.MODEL_ADXL372: "ADXL372",
    codes.MODEL_ADXL345: "ADXL345",
    codes.MODEL_BMP390: "BMP390",
}

CLOCK_NAMES = {codes.CLOCK_HOST: "host", codes.CLOCK_VIRTUAL: "virtual world", codes.CLOCK_CHIP: "clock chip"}

MARK_NAMES = {
    codes.MARK_PACKED: "packed",
    codes.MARK_HANDED_OVER: "handed-over",
    codes.MARK_RECEIVED: "received",
    codes.MARK_CUSTOMS_HOLD: "customs-hold",
    codes.MARK_CUSTOMS_CLEARED: "customs-cleared",
    codes.MARK_STORED: "stored",
    codes.MARK_LOADED: "loaded",
    codes.MARK_UNLOADED: "unloaded",
    codes.MARK_DELIVERED: "delivered",
    codes.MARK_OPENED: "opened",
    codes.MARK_INSPECTED: "inspected",
    codes.MARK_FREE: "free",
    codes.MARK_BUTTON: "button",
}

OUTCOME_NAMES = {codes.OUTCOME_NONE: "", codes.OUTCOME_PASS: "pass", codes.OUTCOME_FAIL: "fail"}

LED_NAMES = {
    codes.LED_OFF: "off",
    codes.LED_READY: "ready",
    codes.LED_ARMED: "armed",
    codes.LED_LOGGING: "logging",
    codes.LED_ALARM: "alarm",
    codes.LED_MARK: "mark accepted",
    codes.LED_FAULT: "fault",
    codes.LED_RADIO: "radio on",
}

COMMAND_NAMES = {
    smp.CMD_STATUS: "status",
    smp.CMD_CHALLENGE: "challenge",
    smp.CMD_ARM: "arm",
    smp.CMD_START: "start",
    smp.CMD_STOP: "stop",
    smp.CMD_MARK: "mark",
    smp.CMD_ERASE: "erase",
    smp.CMD_CLOCK: "clock",
    smp.CMD_ACKNOWLEDGE: "acknowledge",
    smp.CMD_PROVISION: "provision",
    smp.CMD_RESET: "reset",
    smp.CMD_LIVE: "live",
    smp.CMD_ROTATE: "rotate",
    smp.CMD_CHECK: "check",
    smp.CMD_WIRE: "wire",
    smp.CMD_CALIBRATE: "calibrate",
    smp.CMD_TEST: "self-test",
}

ERROR_TEXTS = {
    smp.ERR_UNKNOWN: "unknown error",
    smp.ERR_BAD_REQUEST: "bad request",
    smp.ERR_STATE: "wrong state",
    smp.ERR_NOT_PROVEN: "not proven",
    smp.ERR_TOO_SOON: "too soon",
    smp.ERR_UNREAD: "unread data",
    smp.ERR_PLAN: "plan not possible",
    smp.ERR_NO_KEY: "no device key",
    smp.ERR_NO_TRIP: "no such trip",
    smp.ERR_OVERWRITTEN: "overwritten",
    smp.ERR_KEY_SET: "a device key is set",
    smp.ERR_STALE: "no such challenge",
}
