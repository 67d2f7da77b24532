"""From firmware sources and the user's MicroPython to one file that a board boots from."""
