"""The newest part of a ledger, for questions about what happened last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from ppm.engine.ports import Ledger
from ppm.events.envelope import Head, Record

_FIRST_BYTES = 128 * 1024
_GROWTH = 8
AnswerT = TypeVar("AnswerT")


def from_the_end(
    ledger: Ledger, question: Callable[[Iterable[Record], bool], AnswerT | None]
) -> AnswerT | None:
    """The answer to ``question`` from as little of the end of ``ledger`` as holds it.

    Args:
        ledger: The lines before that end are checked as far as any projection has them checked.
        question: Gets the records of an end and whether it is the whole ledger; None where the
            answer is not in them. It is asked again with a longer end, of the whole ledger last.

    Raises:
        LedgerError: The ledger is corrupt.
    """
    for start in _starts(ledger):
        answer = question(ledger.read(start), start.seq == 0)
        if answer is not None:
            return answer
    return None


def place_before(ledger: Ledger, seq: int) -> Head:
    """A place after which record ``seq`` and all later ones stand, without many others.

    Raises:
        LedgerError: The ledger is corrupt.
    """
    return next(start for start in _starts(ledger) if start.seq < max(seq, 1))


def _starts(ledger: Ledger) -> Iterator[Head]:
    """Places of the chain further and further from its end, its beginning last."""
    size = _FIRST_BYTES
    while (start := ledger.back(size)).seq and ledger.holds(start):
        yield start
        size *= _GROWTH
    yield Head()
