"""A firmware for the tests of the virtual board: does what the lines on its link say.

echo               send everything back from now on
every MS           read all thermometers at every multiple of MS, connected or not
watch MG           start the accelerometer and count what it says
report             send what was read, as "tick raw raw ...", then what was counted, then "."
program ADDR TEXT  program a page that begins with TEXT
peek ADDR N        send what the flash holds
status             send the board's state
hang MS            be busy for so long, without feeding the watchdog
reset              restart
"""

import sys
from array import array

from boards.virtual import make_board
from logger.hardware import SensorFault

board = make_board()
readings = []
counts = {"interrupts": 0, "sets": 0, "peak": 0, "buttons": 0, "clients": 0}
fifo = array("h", bytes(6 * 200))
state = {"every": None, "next": None, "button": False, "connected": False}


def send(text):
    data = (text + "\n").encode()
    while data:
        data = data[board.link.write(data) :]
        if data:
            board.wait(board.ticks_ms() + 1)


def attempt(action):
    try:
        return action()
    except SensorFault as fault:
        return f"F{fault.code}"


def echo(pending):
    while True:
        board.wait(board.ticks_ms() + 1 if pending else None)
        pending = pending or board.link.read(777)
        while pending:
            count = board.link.write(pending)
            pending = pending[count:] or board.link.read(777)
            if not count:
                break


def obey(words):
    word = words[0]
    if word == "every":
        state["every"] = int(words[1])
        state["next"] = (board.ticks_ms() // state["every"] + 1) * state["every"]
    elif word == "watch":
        board.accelerometer.start(int(words[1]))
        send("watching")
    elif word == "report":
        for row in readings:
            send(" ".join(str(value) for value in row))
        send(" ".join(str(counts[name]) for name in ("interrupts", "sets", "peak", "buttons", "clients")))
        send(".")
    elif word == "program":
        page = bytearray(b"\xff" * 256)
        page[: len(words[2])] = words[2].encode()
        board.flash.program(int(words[1]), page)
        send("programmed")
    elif word == "peek":
        page = bytearray(int(words[2]))
        board.flash.read_into(int(words[1]), page)
        send(bytes(page).decode())
    elif word == "status":
        uid = "".join(f"{byte:02x}" for byte in board.uid)
        numbers = [board.reset_cause, board.ticks_ms(), board.world_utc_ms(), board.battery_mV()]
        send(uid + "".join(f" {number}" for number in numbers))
    elif word == "hang":
        until_ms = board.ticks_ms() + int(words[1])
        while board.ticks_ms() < until_ms:
            pass
        board.feed()
    elif word == "crash":
        raise ValueError("crash")
    elif word == "reset":
        board.reset()


def sense():
    if state["every"] and board.ticks_ms() >= state["next"]:
        tick = state["next"]
        readings.append([tick] + [attempt(thermometer.read_raw) for thermometer in board.thermometers])
        state["next"] += state["every"]
    if board.link.connected() != state["connected"]:
        state["connected"] = not state["connected"]
        counts["clients"] += state["connected"]
    if board.button() != state["button"]:
        state["button"] = not state["button"]
        counts["buttons"] += 1
    if board.accelerometer_int():
        counts["interrupts"] += 1
        while board.accelerometer.active():
            board.wait(board.ticks_ms() + 20)
            count = board.accelerometer.read_fifo(fifo, 200)
            counts["sets"] += count
            for i in range(3 * count):
                counts["peak"] = max(counts["peak"], abs(fifo[i]))


def main():
    line = b""
    board.led(1)
    for thermometer in board.thermometers:
        attempt(thermometer.start)
    while True:
        board.feed()
        board.wait(state["next"])
        sense()
        line += board.link.read(100)
        while b"\n" in line:
            command, line = line.split(b"\n", 1)
            if command == b"echo":
                echo(line)
            obey(command.decode().split())


print("puppet on " + sys.implementation.name)
main()
