"""Everything that is wrong with a file a person wrote, collected and told at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

Table: TypeAlias = "dict[str, object]"

_WORDS = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "an array"}


class Findings:
    """Problems and warnings, each ``dotted.path: words``; no values, for some are secret."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.warnings: list[str] = []

    def problem(self, path: str, words: str) -> None:
        """The file cannot be used."""
        self.problems.append(f"{path}: {words}")

    def warn(self, path: str, words: str) -> None:
        """The file can be used, and the person should know."""
        self.warnings.append(f"{path}: {words}")

    def unknown(self, path: str, key: str, known: Sequence[str]) -> None:
        """Warn of a key that means nothing here, naming the nearest that does."""
        from difflib import get_close_matches

        near = get_close_matches(key, known, n=1)
        suggestion = f"; did you mean {near[0]!r}?" if near else ""
        self.warn(f"{path}.{key}", f"unknown setting, ignored{suggestion}")

    def table(self, value: object, path: str) -> Table:
        """``value`` as a table; an absent one is empty, anything else a problem."""
        if isinstance(value, dict):
            return value
        if value is not None:
            self._mistyped(path, "a table", value)
        return {}

    def text(self, value: object, path: str) -> str:
        """``value`` as text; absent is ``""``, anything else a problem."""
        if isinstance(value, str):
            return value
        if value is not None:
            self._mistyped(path, "text", value)
        return ""

    def flag(self, value: object, path: str) -> bool:
        """``value`` as a boolean; absent is false, anything else a problem."""
        if isinstance(value, bool):
            return value
        if value is not None:
            self._mistyped(path, "true or false", value)
        return False

    def array(self, value: object, path: str) -> list[object]:
        """``value`` as an array; an absent one is empty, anything else a problem."""
        if isinstance(value, list):
            return value
        if value is not None:
            self._mistyped(path, "an array", value)
        return []

    def _mistyped(self, path: str, wanted: str, value: object) -> None:
        self.problem(path, f"must be {wanted}, is {_WORDS.get(type(value), 'a table')}")
