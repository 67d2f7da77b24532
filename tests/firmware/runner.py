"""Run device tests without pytest: `runner.py MODULE...`, on MicroPython and on CPython alike.

Each MODULE is a file of this folder; every function named `test_*` in it is called without arguments.
Prints one line per test and exits with 1 when a test failed or when there was none to run.
"""

import sys


def show(error: BaseException) -> None:
    """Print the traceback of `error`."""
    if sys.implementation.name == "micropython":
        sys.print_exception(error)
    else:
        sys.excepthook(type(error), error, error.__traceback__)


def run_test(name: str, test: "object") -> bool:
    """Call one test; False when it raised anything, an exit included."""
    try:
        test()
    except BaseException as error:  # noqa: BLE001  a test that exits is a failed test
        print("FAIL " + name)
        show(error)
        return False
    print("ok " + name)
    return True


def run_module(module_name: str) -> "list[bool]":
    """Import a test module and run its tests in the order of their names."""
    module = __import__(module_name)
    names = sorted(name for name in dir(module) if name.startswith("test_"))
    return [run_test(module_name + "." + name, getattr(module, name)) for name in names]


def main(module_names: "list[str]") -> int:
    """Run all modules; the exit status."""
    results = []
    for module_name in module_names:
        results.extend(run_module(module_name))
    failed = results.count(False)
    print("%d ok, %d failed" % (len(results) - failed, failed))
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
