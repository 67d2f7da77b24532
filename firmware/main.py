"""Pick the board, build the logger, run it; on an error that nobody foresaw, record it and restart."""

import sys

from celltrail_protocol import codes
from image import image_hash
from logger.app import App
from logger.hardware import SensorFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.hardware import Board


def make_board() -> "Board":
    """The board that this interpreter runs on."""
    from boards.virtual import make_board as make

    return make()


def supervise(app: App) -> None:
    """Run for ever; an unforeseen error is written into the record before the board restarts."""
    try:
        app.run()
    except (KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:
        sys.print_exception(error) if hasattr(sys, "print_exception") else sys.excepthook(type(error), error, None)
        try:
            app.trip.fault(codes.SOURCE_FIRMWARE, codes.FAULT_FIRMWARE, 0, app.board.ticks_ms())
        except (SensorFault, OSError, ValueError):
            # The record can't take it; the restart will be in the boot frame.
            pass
        app.board.reset()


def main() -> None:
    """Never returns on a board."""
    app = App(make_board(), lambda: image_hash([path for path in sys.path if path]))
    app.mount()
    supervise(app)


if __name__ == "__main__":
    main()
