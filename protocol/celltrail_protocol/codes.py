"""Every number that stands for a word in the format: states, reasons, kinds, models (SPEC.md section 3).

Plain integers, because both runtimes and the tables of other languages can hold them. Numbers are never
reused. The words that a person reads stand in `names`, which the device does not load.
"""

FORMAT_VERSION = 1

# Logger states
STATE_IDLE = 0
STATE_ARMED = 1
STATE_LOGGING = 2
STATE_STOPPED = 3

# Why a state changed
REASON_UNKNOWN = 0
REASON_COMMAND = 1
REASON_DELAY = 2
REASON_BUTTON = 3
REASON_TEMPERATURE = 4
REASON_DURATION = 5
REASON_FULL = 6
REASON_ERASE = 7

# How a trip starts (plan key "start")
START_NOW = 0
START_COMMAND = 1
START_DELAY = 2
START_BUTTON = 3
START_TEMPERATURE = 4

# Reset causes
RESET_UNKNOWN = 0
RESET_POWER_ON = 1
RESET_BROWNOUT = 2
RESET_WATCHDOG = 3
RESET_SOFT = 4
RESET_PIN = 5
RESET_SLEEP = 6

# Fault codes
FAULT_ABSENT = 1
FAULT_WRONG_ID = 2
FAULT_BUS = 3
FAULT_OPEN = 4
FAULT_SHORT = 5
FAULT_SATURATED = 6
FAULT_NOT_READY = 7
FAULT_OVERRUN = 8
FAULT_FLASH_PROGRAM = 9
FAULT_FLASH_ERASE = 10
FAULT_FIRMWARE = 11
FAULT_WRONG_KEY = 12
FAULT_FULL = 13
FAULT_VOLTAGE = 14

# Where a fault was seen: channels 0 to 3 are the thermometers
SOURCE_ACCELEROMETER = 16
SOURCE_FLASH = 17
SOURCE_CLOCK = 18
SOURCE_LINK = 19
SOURCE_FIRMWARE = 20

# Why slots of the schedule were not sampled
GAP_LATE = 1
GAP_POWER = 2
GAP_FLASH = 3

# Sensor models
MODEL_NONE = 0
MODEL_TMP117 = 1
MODEL_MAX31865 = 2
MODEL_DS18B20 = 3
MODEL_ADXL372 = 16
MODEL_ADXL345 = 17
MODEL_BMP390 = 32
# What a model measures; channels of air pressure come after those of temperature.
THERMOMETER_MODELS = range(1, 16)
ACCELEROMETER_MODELS = range(16, 32)
PRESSURE_MODELS = range(32, 64)

# Where a clock frame's UTC came from
CLOCK_HOST = 1
CLOCK_VIRTUAL = 2
CLOCK_CHIP = 3

# Alarm kinds (plan key "alarms")
ALARM_HIGH = 0
ALARM_LOW = 1
ALARM_SINGLE = 0
ALARM_CUMULATIVE = 1

# Custody marks
MARK_PACKED = 1
MARK_HANDED_OVER = 2
MARK_RECEIVED = 3
MARK_CUSTOMS_HOLD = 4
MARK_CUSTOMS_CLEARED = 5
MARK_STORED = 6
MARK_LOADED = 7
MARK_UNLOADED = 8
MARK_DELIVERED = 9
MARK_OPENED = 10
MARK_INSPECTED = 11
MARK_FREE = 12
MARK_BUTTON = 13

# Outcome of an inspection
OUTCOME_NONE = 0
OUTCOME_PASS = 1
OUTCOME_FAIL = 2

# LED patterns that the logic asks a board for
LED_OFF = 0
LED_READY = 1
LED_ARMED = 2
LED_LOGGING = 3
LED_ALARM = 4
LED_MARK = 5
LED_FAULT = 6
LED_RADIO = 7

# What a self-test found wrong; bits 0 to 3 are the channels
TEST_ACCELEROMETER = 16
TEST_FLASH = 32
TEST_CLOCK = 64
TEST_RADIO = 128
TEST_BATTERY = 256

# When the radio is on during a trip (plan key "radio")
RADIO_ASKED = 0
RADIO_ALWAYS = 1

# What may ask for the radio; in its record also the time windows, the plan itself, and an open connection
ASK_BUTTON = 1
ASK_KNOCK = 2
ASK_CABLE = 4
ASK_WINDOW = 8
ASK_ALWAYS = 16
ASK_CONNECTION = 32

# What says that the logger may fly
FLIGHT_LOW = 1
FLIGHT_CHANGE = 2
FLIGHT_MOTION = 4
FLIGHT_NO_PRESSURE = 8
FLIGHT_NO_MOTION = 16
FLIGHT_RESTART = 32

# The radio in its record
RADIO_OFF = 0
RADIO_ON = 1
RADIO_SUSPENDED = 2

# Our status in an advertisement
ADVERT_ALARM = 1
ADVERT_UNREAD = 2
ADVERT_BATTERY_LOW = 4
ADVERT_PROVISIONED = 8

# Below the first a battery is low, below the second no trip is begun; 0 mV: the board can't measure it
BATTERY_LOW_mV = 3500
BATTERY_EMPTY_mV = 3300
