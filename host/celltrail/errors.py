"""What can go wrong, one class for each thing that a caller handles; `exit_code` is the command's."""


class CelltrailError(Exception):
    """The root; its text is one line: what is wrong, and what to do."""

    exit_code = 1


class BadAnswer(CelltrailError):
    """The answer itself is bad: altered, parts missing, a conflict."""

    exit_code = 1


class UsageFault(CelltrailError):
    """The request, a file or the local disk is at fault."""

    exit_code = 2


class DeviceFault(CelltrailError):
    """No logger, a busy port, a lost link, or a reply that makes no sense."""

    exit_code = 3


class LinkLost(DeviceFault):
    """The link ended under a conversation; connecting again may help."""


class NoAnswer(DeviceFault):
    """Nothing came back in time; the request may or may not have been carried out."""


class RefusedFault(CelltrailError):
    """The logger refuses: wrong state, wrong key, unread data."""

    exit_code = 4


class ErrorAnswer(RefusedFault):
    """The logger answered with an error: `group` and `code` are SMP's (SPEC.md section 9.3 for group 64)."""

    def __init__(self, text: str, group: int, code: int) -> None:
        super().__init__(text)
        self.group = group
        self.code = code


class NotCheckable(CelltrailError):
    """The key that the check needs is not at hand."""

    exit_code = 5


class Interrupted(CelltrailError):
    """The user broke it off, and there is something to say about what has been done so far."""

    exit_code = 130
