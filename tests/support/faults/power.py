"""Which of the many trees after a power loss are tried: whole families, and a seeded sample."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
from support.faults.disk import Choice, Disk, Names, State
from support.faults.program import Call
from support.faults.syscalls import SYNCS

_RANDOM_EACH = 4


class Outage(msgspec.Struct, frozen=True):
    """The power goes after call ``after``.

    Of the changes of names that are not certain those numbered in ``dropped`` are lost; of the
    bytes that are not certain each file has what ``bytes_of`` says, else what ``otherwise`` says.
    """

    family: str
    after: int
    dropped: frozenset[int] = frozenset()
    bytes_of: tuple[tuple[int, Choice], ...] = ()
    otherwise: Choice = ("all", 0)

    def state(self, disk: Disk) -> State:
        """The tree that is found."""
        chosen = dict(self.bytes_of)

        def keep(change: Names) -> bool:
            return change.at not in self.dropped

        def bytes_of(node: int) -> Choice:
            return chosen.get(node, self.otherwise)

        return disk.state(self.after, keep, bytes_of)

    def __str__(self) -> str:
        lost = ",".join(map(str, sorted(self.dropped)))
        return f"power: {self.family} after {self.after}, lost {lost or '-'}, {self.bytes_of}"


def outages(disk: Disk, calls: Sequence[Call], chance: random.Random) -> Iterator[Outage]:
    """After every call: nothing unsynced, names alone, bytes alone, at random; one change lost."""
    if disk.unknown:
        raise ValueError(f"the model of the disk does not know {disk.unknown[0].name}")
    for after in range(len(calls) + 1):
        names, files = disk.uncertain(after)
        every = frozenset(one.at for one in names)
        if not names and not files:
            yield Outage("synced only", after)
            continue
        nothing: Choice = ("none", 0)
        yield Outage("synced only", after, every, otherwise=nothing)
        yield Outage("names without bytes", after, otherwise=nothing)
        yield Outage("names without bytes", after, otherwise=("nul", 0))
        yield Outage("bytes without names", after, every)
        # What is uncertain only grows until the next sync: its last moment says it all.
        if after == len(calls) or calls[after].name in SYNCS:
            for one in sorted(every):
                yield Outage("one change lost", after, frozenset({one}))
                yield Outage("one change kept", after, every - {one}, otherwise=nothing)
        for _ in range(_RANDOM_EACH):
            yield _at_random(disk, after, sorted(every), files, chance)


def _at_random(
    disk: Disk, after: int, names: list[int], files: list[int], chance: random.Random
) -> Outage:
    share = chance.random()
    dropped = frozenset(one for one in names if chance.random() < share)
    choices: list[tuple[int, Choice]] = []
    for node in files:
        way: Literal["all", "none", "cut", "nul"] = chance.choice(("all", "none", "cut", "nul"))
        size = disk.pending(after, node)
        choices.append((node, (way, chance.randrange(size + 1))))
    return Outage("any subset", after, dropped, tuple(choices))
