"""Build the logger on a board and run it; on an error that nobody foresaw, record it and restart."""

import sys

from image import Image
from logger.app import App

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.hardware import Board


def supervise(app: App) -> None:
    """Run for ever; an unforeseen error is written into the record before the board restarts."""
    try:
        app.mount()
        app.run()
    except (KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:
        _show(error)
        try:
            app.last_words()
        except Exception as another:
            # The record can't take it; the restart will be in the boot frame.
            _show(another)
        app.board.reset()


def _show(error: Exception) -> None:
    if sys.implementation.name == "micropython":
        sys.print_exception(error)
    else:
        getattr(sys, "excepthook")(type(error), error, error.__traceback__)


def main(board: "Board") -> None:
    """Never returns on a board."""
    image_hash, retained = Image([path for path in sys.path if path]).hash, board.retained
    if retained is None:
        supervise(App(board, image_hash))
        return
    from logger.deep_app import DeepApp

    supervise(DeepApp(board, image_hash, retained))


# An image has a starter of its own, which knows its board.
if __name__ == "__main__":
    from boards.virtual import make_board

    main(make_board())
