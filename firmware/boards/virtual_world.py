"""The virtual board's world: its time, when it may fly, button presses and the battery.

The world goes at the PC's pace. It flies, that is jumps from event to event (or goes N times as fast), only
while nobody could tell: no client is connected, the firmware sleeps until a set time, and the stimulus is not
over. At a pause point it goes at the PC's pace until a client has come and gone.
"""

from boards.virtual_clock import VirtualClock, host_us

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boards.virtual_stimulus import Stimulus


class World:
    """Time since power-on and since the world's start, and what happens when.

    offset_us: the world's time at power-on.
    """

    def __init__(self, stimulus: "Stimulus", offset_us: int) -> None:
        self.clock = VirtualClock()
        self.offset_us = offset_us
        self._clients: "set[str]" = set()
        self.paused = False
        self._stimulus = stimulus
        self._speed = 1.0
        self._pauses_us: "list[int]" = []
        self._limit_us: "int | None" = None
        self._battery_mV: "int | None" = None
        # The PC's time and ours when the clock was held last.
        self._takeoff_us = (host_us(), self.clock.now_us())
        self._edges_us: "list[int]" = []
        self._pressed_until_us: "list[tuple[int, int]]" = []
        for at_ms, hold_ms in stimulus.presses:
            self._press(at_ms * 1000 - offset_us, hold_ms)

    # --- controls ---

    def control(self, line: str) -> None:
        """Obey one line of the launcher; lines for others are ignored."""
        words = line.split()
        if words[0] == "connected":
            self.set_client("cable", words[1] == "1")
        elif words[0] == "speed":
            self._speed = 0.0 if words[1] == "max" else float(words[1])
        elif words[0] == "pause":
            self._pauses_us.append(int(words[1]) * 1000 - self.offset_us)
            self._pauses_us.sort()
        elif words[0] == "limit":
            self._limit_us = None if words[1] == "none" else self._since_power_on_us(int(words[1]))
        elif words[0] == "button":
            self._press(self.clock.now_us(), int(words[1]))
        elif words[0] == "battery":
            self._battery_mV = int(words[1])

    def _since_power_on_us(self, utc_ms: int) -> int:
        return (utc_ms - self._stimulus.start_utc_ms) * 1000 - self.offset_us

    def set_client(self, link: str, client: bool) -> None:
        """Whether somebody is connected over a link: "cable" or "air"."""
        if client:
            self._clients.add(link)
            self.land()
        elif link in self._clients:
            self._clients.remove(link)
            self.paused = self.paused and bool(self._clients)

    def _press(self, at_us: int, hold_ms: int) -> None:
        end_us = at_us + hold_ms * 1000
        if end_us <= 0:
            return
        self._pressed_until_us.append((at_us, end_us))
        self._edges_us += [at_us, end_us]
        self._edges_us.sort()

    # --- state ---

    def utc_ms(self) -> int:
        """UTC of the simulated world, ms since 1970."""
        return self._stimulus.start_utc_ms + self.world_ms()

    def utc_us(self) -> int:
        """The same in us."""
        return self._stimulus.start_utc_ms * 1000 + self.clock.now_us() + self.offset_us

    def world_ms(self) -> int:
        """Time since the world's start."""
        return (self.clock.now_us() + self.offset_us) // 1000

    def battery_mV(self) -> int:
        """The battery's voltage now."""
        return self._battery_mV or self._stimulus.battery_mV(self.world_ms())

    def pressed(self) -> bool:
        """Whether the button is down now."""
        now_us = self.clock.now_us()
        return any(start_us <= now_us < end_us for start_us, end_us in self._pressed_until_us)

    def edge_passed(self, now_us: int) -> bool:
        """Whether the button has moved since the last call."""
        passed = False
        while self._edges_us and self._edges_us[0] <= now_us:
            self._edges_us.pop(0)
            passed = True
        return passed

    def pause_reached(self, now_us: int) -> bool:
        """Whether a pause point has been reached since the last call."""
        if not self._pauses_us or now_us < self._pauses_us[0]:
            return False
        self._pauses_us.pop(0)
        self.paused = True
        return True

    # --- flying ---

    def may_fly(self, now_us: int) -> bool:
        """Whether the world may jump, provided that the firmware has said until when it sleeps."""
        if self._speed == 1 or self._clients or self.paused or now_us >= self._end_us():
            return False
        return self._limit_us is None or now_us < self._limit_us

    def _end_us(self) -> int:
        return self._stimulus.duration_ms * 1000 - self.offset_us

    def next_event_us(self, until_us: int) -> int:
        """When something happens that the world knows of, not after `until_us`."""
        event_us = until_us
        if self._edges_us:
            event_us = min(event_us, self._edges_us[0])
        if self._pauses_us:
            event_us = min(event_us, self._pauses_us[0])
        return event_us

    def flight_end_us(self, until_us: int) -> int:
        """Where a flight must end: at the next event, at the stimulus' end or at the limit."""
        end_us = min(self.next_event_us(until_us), self._end_us())
        return end_us if self._limit_us is None else min(end_us, self._limit_us)

    def take_off(self) -> None:
        """Hold the clock; from now on it jumps."""
        if not self.clock.held:
            self.clock.hold()
            self._takeoff_us = (host_us(), self.clock.now_us())

    def land(self) -> bool:
        """Let the clock go with the PC's; whether it was held."""
        held = self.clock.held
        if held:
            self.clock.run()
        return held

    def flight_ms(self, to_us: int) -> int:
        """How long the PC must still sleep before a held clock may jump to `to_us`."""
        if not self._speed:
            return 0
        host_from_us, virtual_from_us = self._takeoff_us
        due_us = host_from_us + int((to_us - virtual_from_us) / self._speed)
        return max(0, (due_us - host_us()) // 1000)

    def fly_interrupted(self, target_us: int, left_ms: int) -> None:
        """The flight to `target_us` ends when `left_ms` of the PC's time are left."""
        self.clock.jump(target_us - int(left_ms * 1000 * self._speed))
