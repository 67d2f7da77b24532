"""Run device targets on MicroPython: `on_device.py TARGET FIRST COUNT`; seeds, found inputs, then mutations."""

import gc
import os
import sys

import fake_flash  # noqa: F401  made first, while the heap is whole
from device_targets import DEVICE_TARGETS
from mutator import mutate

FOUND = __file__.replace("\\", "/").rsplit("/", 1)[0] + "/found/"


def found(target):
    """The inputs that once broke this target."""
    try:
        names = sorted(os.listdir(FOUND + target))
    except OSError:
        return
    for name in names:
        with open(FOUND + target + "/" + name, "rb") as file:
            yield name, file.read()


def inputs(name, first, count):
    """(how to name it, bytes) of all inputs."""
    _, make_seeds, most = DEVICE_TARGETS[name]
    seeds = make_seeds()
    for i in range(len(seeds)):
        yield "seed %d" % i, seeds[i]
    for file, data in found(name):
        yield "found " + file, data
    for number in range(first, first + count):
        yield "mutation %d" % number, mutate(seeds, number, most)


def main(name, first, count):
    """Number of failures."""
    function, failures, done = DEVICE_TARGETS[name][0], 0, 0
    for label, data in inputs(name, first, count):
        try:
            function(data)
        except Exception as error:  # noqa: BLE001  every failure is told, with the input
            failures += 1
            print("FAIL", name, label, repr(error), bytes(data[:200]))
            if hasattr(sys, "print_exception"):
                sys.print_exception(error)
        done += 1
        if done % 50 == 0:
            gc.collect()
    print("%s: %d inputs, %d failed" % (name, done, failures))
    return failures


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])) else 0)
