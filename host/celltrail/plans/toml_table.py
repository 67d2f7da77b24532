"""Checked reading of a TOML table: every complaint names the file, the key, what it is and what it may be."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from celltrail.errors import UsageFault

_MISSING: Any = object()
_MOST_DECIMALS = 9


def read_table(data: bytes, where: str, what: str) -> "Table":
    """The whole of a TOML text, its numbers exact; UsageFault says that it is not `what`, such as "a profile"."""
    try:
        values = tomllib.loads(data.decode(), parse_float=Decimal)
    except UnicodeDecodeError as error:
        raise UsageFault(f"{where}: is not text in UTF-8; is it {what}?") from error
    except InvalidOperation as error:
        raise UsageFault(f"{where}: is not TOML: a number with an exponent that nobody can work with") from error
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise UsageFault(f"{where}: is not TOML: {error}") from error
    return Table(where, "", values, what)


def _said(value: Any) -> str:
    """A value as it stands in a TOML file; a text in quotes, so that it is no number."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_said, value))}]"
    return str(value)


class Table:
    """One table; it remembers the keys that were asked for, so that the others can be refused."""

    def __init__(self, where: str, name: str, values: Mapping[str, Any], what: str = "") -> None:
        self._where = where
        self._name = name
        self._what = what
        self._values = values
        self._asked: list[str] = []

    def fault(self, key: str, value: Any, allowed: str) -> UsageFault:
        """The complaint about the value of one key."""
        return self.fault_in_words(key, _said(value), allowed)

    def fault_in_words(self, key: str, words: str, allowed: str) -> UsageFault:
        """The same, with what it is in words of ours."""
        return UsageFault(f"{self._where}: {self._name}{key} is {words}; it must be {allowed}")

    def take(self, key: str, default: Any = _MISSING) -> Any:
        """The value of a key, unchecked."""
        self._asked.append(key)
        if key not in self._values and default is _MISSING:
            is_it = f"; is it {self._what}?" if self._what else ""
            raise UsageFault(f"{self._where}: {self._name}{key} is missing{is_it}")
        return self._values.get(key, default)

    def text(self, key: str, longest: int) -> str:
        """A text of at most `longest` bytes."""
        value = self.take(key)
        if not isinstance(value, str) or not 0 < len(value.encode()) <= longest or not value.isprintable():
            raise self.fault(key, value, f"a text of at most {longest} bytes without control characters")
        return value

    def choice(self, key: str, allowed: Sequence[str], default: Any = _MISSING) -> str:
        """One of some words."""
        value = self.take(key, default)
        if value not in allowed:
            raise self.fault(key, value, "one of " + ", ".join(allowed))
        return str(value)

    def truth(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self.take(key, default)
        if not isinstance(value, bool):
            raise self.fault(key, value, "true or false")
        return value

    def date(self, key: str) -> date:
        """A day, as a text or as TOML writes one."""
        value = self.take(key)
        if type(value) is date:
            return value
        try:
            return datetime.strptime(value, "%Y-%m-%d").date()
        except (TypeError, ValueError):
            raise self.fault(key, value, "a day such as 2026-01-15") from None

    def integer(self, key: str, low: int, high: int, default: Any = _MISSING) -> int:
        """A whole number within bounds."""
        value = self.take(key, default)
        if type(value) is not int or not low <= value <= high:
            raise self.fault(key, value, f"a whole number from {low} to {high}")
        return value

    def number(self, key: str, low: Decimal | int, high: int, default: Any = _MISSING) -> Decimal:
        """A number within bounds, exact."""
        return self.number_of(key, self.take(key, default), low, high)

    def number_of(self, key: str, value: Any, low: Decimal | int, high: int) -> Decimal:
        """The same for a value that was taken already."""
        if type(value) not in (int, Decimal) or not Decimal(value).is_finite() or not low <= value <= high:
            raise self.fault(key, value, f"a number from {low} to {high}")
        # An exact fraction of 1e-999999999 would take all memory.
        exponent = Decimal(value).as_tuple().exponent
        if isinstance(exponent, int) and exponent < -_MOST_DECIMALS:
            raise self.fault(key, value, f"a number from {low} to {high} with at most {_MOST_DECIMALS} decimals")
        return Decimal(value)

    def number_or_none(self, key: str, low: Decimal | int, high: int) -> Decimal | None:
        """A number within bounds, or None when the key isn't there."""
        value = self.take(key, None)
        return None if value is None else self.number_of(key, value, low, high)

    def table(self, key: str) -> "Table | None":
        """A table inside this one, or None."""
        value = self.take(key, None)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.fault(key, value, f"a table: [{key}]")
        return Table(self._where, f"{self._name}{key}.", value)

    def tables(self, key: str) -> "list[Table]":
        """The tables of an array of tables, counted from 1 in messages."""
        value = self.take(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.fault(key, value, f"written as [[{key}]]")
        return [Table(self._where, f"{self._name}{key} {i + 1}: ", one) for i, one in enumerate(value)]

    def refuse_unknown(self) -> None:
        """Refuse keys that nobody asked for: a typing error must not switch an alarm off."""
        unknown = [key for key in self._values if key not in self._asked]
        if unknown:
            allowed = ", ".join(dict.fromkeys(self._asked))
            higher = "; a key of the whole file stands above its first [table]" if self._name else ""
            raise UsageFault(f"{self._where}: {self._name}{unknown[0]} is not known; it may be {allowed}{higher}")
