"""A request that the logger refuses, with the number that its SMP group has for it."""


class Refused(Exception):
    """`code` is the group's error; `plain` the one of SMP version 0 (celltrail_protocol.smp.MGMT_*)."""

    def __init__(self, code: int, plain: int) -> None:
        super().__init__(code)
        self.code = code
        self.plain = plain
