"""The source text of a TOML array, edited item by item with its comments and layout."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from difflib import SequenceMatcher

import msgspec

_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?!")' r"|'''.*?'''(?!')" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'",
    re.DOTALL,
)
_SPACE = re.compile(r"(?:\s|#[^\n]*)*")
_SAME_LINE_COMMENT = re.compile(r"[ \t]*#[^\n]*")
_SCALAR = re.compile(r"[^\s,\]}#]+")


class _Item(msgspec.Struct, kw_only=True):
    """``lead`` and ``value``, then ``between`` and a comma, then ``note``: a comment beside it."""

    lead: str
    value: str
    between: str = ""
    comma: bool = True
    note: str = ""

    def text(self) -> str:
        return f"{self.lead}{self.value}{self.between}{',' if self.comma else ''}{self.note}"


class ArrayText:
    """An array as written; edits keep every comment but the one beside an item that goes.

    Args:
        source: From ``[`` to ``]``.

    Raises:
        ValueError: It is no array.
    """

    def __init__(self, source: str) -> None:
        if not (source.startswith("[") and source.endswith("]")):
            raise ValueError("not an array")
        self._items: list[_Item] = []
        position = 1
        head = _SAME_LINE_COMMENT.match(source, position)
        self._head = head[0] if head else ""
        position += len(self._head)
        while True:
            lead = _space(source, position)
            position += len(lead)
            if source[position] == "]":
                self._tail = lead
                break
            position = self._read_item(source, position, lead)
        if position != len(source) - 1:
            raise ValueError("text after the array")
        self._detach_tail()

    def __str__(self) -> str:
        inner = self._head + "".join(item.text() for item in self._items) + self._tail
        return f"[{inner}]" if self._items or "#" in inner else "[]"

    def become(self, before: Sequence[object], after: Sequence[object]) -> None:
        """Change the items from ``before``, their values, to ``after``, which are text where new.

        Raises:
            ValueError: ``before`` is not what stands here.
        """
        if len(before) != len(self._items):
            raise ValueError("not the items of this array")
        old, new = [[repr(item) for item in items] for items in (before, after)]
        # From the end on, so that the places before stay what they are.
        for kind, i1, i2, j1, j2 in reversed(SequenceMatcher(None, old, new).get_opcodes()):
            if kind == "equal":
                continue
            common = min(i2 - i1, j2 - j1)
            for step in range(common):
                self._items[i1 + step].value = quoted(str(after[j1 + step]))
            for place in reversed(range(i1 + common, i2)):
                self._delete(place)
            for step in range(common, j2 - j1):
                self._insert(i1 + step, quoted(str(after[j1 + step])))

    def _read_item(self, source: str, start: int, lead: str) -> int:
        """Read the item at ``start`` with its comma and note; returns where it ends."""
        end = _value_end(source, start)
        between = _space(source, end)
        item = _Item(lead=lead, value=source[start:end], between=between)
        self._items.append(item)
        end += len(between)
        item.comma = source[end] == ","
        if item.comma:
            note = _SAME_LINE_COMMENT.match(source, end + 1)
            item.note = note[0] if note else ""
            return end + 1 + len(item.note)
        if source[end] != "]":
            raise ValueError("no comma between items")
        return end

    def _detach_tail(self) -> None:
        """Of what follows a last item without comma, only the comment beside it is its own."""
        if self._items and not (last := self._items[-1]).comma:
            beside = _SAME_LINE_COMMENT.match(last.between)
            last.note = beside[0] if beside else ""
            self._tail = last.between[len(last.note) :]
            last.between = ""

    def _insert(self, place: int, value: str) -> None:
        lead = self._lead_at(place)
        item = _Item(lead=lead, value=value)
        if place == len(self._items):
            if self._items:
                item.comma = self._items[-1].comma
                self._items[-1].comma = True
            elif "\n" not in self._tail:
                self._tail = "\n"
        elif place == 0 and "\n" not in lead:
            self._items[0].lead = self._items[0].lead or " "
        self._items.insert(place, item)

    def _lead_at(self, place: int) -> str:
        """White space before a new item: a line of its own where the array has lines."""
        if not self._items:
            return "\n    "
        lines = [item.lead for item in self._items if "\n" in item.lead]
        if lines and (self._head or "\n" in self._items[0].lead or place > 0):
            return "\n" + lines[-1].rpartition("\n")[2]
        return "" if place == 0 else " "

    def _delete(self, place: int) -> None:
        gone = self._items.pop(place)
        if place == len(self._items):
            self._tail = _comments_above(gone.lead) + self._tail
            if self._items and not gone.comma:
                last = self._items[-1]
                last.comma = False
                last.between = last.between if "#" in last.between else ""
        elif "\n" not in self._items[place].lead:
            self._items[place].lead = gone.lead
        else:
            self._items[place].lead = _comments_above(gone.lead) + self._items[place].lead


def quoted(text: str) -> str:
    """A TOML string: literal where the text holds double quotes (markers do), else basic."""
    if '"' in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _space(source: str, position: int) -> str:
    match = _SPACE.match(source, position)
    return match[0] if match else ""


def _comments_above(lead: str) -> str:
    """The lines of comment in a lead, less the last line, which is the gone item's indentation."""
    return lead.rpartition("\n")[0] if "#" in lead else ""


def _value_end(source: str, position: int) -> int:
    """Where the value that begins at ``position`` ends."""
    depth = 0
    while True:
        if source[position] in "[{":
            depth += 1
            position += 1
        elif source[position] in "]}":
            depth -= 1
            position += 1
        elif depth and (source[position] == "," or source[position].isspace()):
            position += 1
        elif depth and source[position] == "#":
            position += len(_space(source, position))
        elif match := (_STRING.match(source, position) or _SCALAR.match(source, position)):
            position = match.end()
        else:
            raise ValueError("not a value")
        if depth == 0:
            return position
