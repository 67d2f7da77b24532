"""One module for each board; each has `make_board()` with the attributes of `logger.hardware.Board`."""
