"""The virtual logger: the firmware as a process on a PC, in a world of its own."""

from celltrail.virtual.logger import VirtualLogger
from celltrail.virtual.scenarios import list_scenarios, make_scenario
from celltrail.virtual.stimulus import Shock, Stimulus, Temperature

__all__ = ["Shock", "Stimulus", "Temperature", "VirtualLogger", "list_scenarios", "make_scenario"]
