"""The supervisor: whatever fails, the board restarts, and the record hears of it if it can."""

import main


class Failing:
    """An app that fails where it is told to; `done` is what happened."""

    def __init__(self, *failing):
        self.failing = failing
        self.done = []
        self.board = self

    def _do(self, what):
        self.done.append(what)
        if what in self.failing:
            raise ValueError(what)

    def mount(self):
        self._do("mount")

    def run(self):
        self._do("run")

    def last_words(self):
        self._do("last words")

    def reset(self):
        self._do("reset")


def supervised(*failing):
    app = Failing(*failing)
    main._show = lambda error: None
    main.supervise(app)
    return app.done


def test_failure_is_told_and_the_board_restarts():
    assert supervised("run") == ["mount", "run", "last words", "reset"]


def test_failure_of_the_mount_is_one_too():
    assert supervised("mount") == ["mount", "last words", "reset"]


def test_board_restarts_even_when_the_record_takes_nothing():
    assert supervised("run", "last words") == ["mount", "run", "last words", "reset"]


def test_exit_is_no_failure():
    class Leaving(Failing):
        def run(self):
            raise SystemExit

    app = Leaving()
    try:
        main.supervise(app)
        raise AssertionError
    except SystemExit:
        pass
    assert app.done == ["mount"]
