"""Models of the chips as the bus sees them, register by register, for the virtual board and the tests."""
