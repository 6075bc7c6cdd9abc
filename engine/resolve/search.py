"""resolvelib's search with two answers remembered, and an eye on where it may go wrong.

Each round asks of every identifier whether its pin satisfies and how much it is preferred, which is
quadratic in the packages; both depend only on the criterion, which never changes once made.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from resolvelib.resolvers import Resolution

from ppm.engine.resolve.candidates import Candidate
from ppm.engine.resolve.provider import Provider
from ppm.engine.resolve.requirement import Need

if TYPE_CHECKING:
    from resolvelib import BaseReporter
    from resolvelib.providers import Preference
    from resolvelib.resolvers import Criterion

MAX_REMEMBERED = 10_000
"""Criteria remembered before beginning anew: long backtracking makes many."""


class Search(Resolution[Need, Candidate, str]):
    """Overrides private methods; without them the search is slower and never doubtful.

    Attributes:
        doubtful: It replaced a pin or jumped over one, so that an ``impossible`` may be wrong.
    """

    def __init__(self, provider: Provider, reporter: BaseReporter[Need, Candidate, str]) -> None:
        super().__init__(provider, reporter)
        self.doubtful = False
        self._provider = provider
        self._satisfied: dict[Criterion[Need, Candidate], tuple[Candidate, bool]] = {}
        self._preferences: dict[tuple[Criterion[Need, Candidate], bool], Preference] = {}

    def _is_current_pin_satisfying(self, name: str, criterion: Criterion[Need, Candidate]) -> bool:
        pin = self._states[-1].mapping.get(name)
        if pin is None:
            return False
        known = self._satisfied.get(criterion)
        if known is None or known[0] is not pin:
            if len(self._satisfied) > MAX_REMEMBERED:
                self._satisfied.clear()
            known = pin, super()._is_current_pin_satisfying(name, criterion)
            self._satisfied[criterion] = known
        return known[1]

    def _get_preference(self, name: str) -> Preference:
        key = (self._states[-1].criteria[name], self._provider.is_promoted(name))
        known = self._preferences.get(key)
        if known is None:
            if len(self._preferences) > MAX_REMEMBERED:
                self._preferences.clear()
            known = self._preferences[key] = super()._get_preference(name)
        return known

    def _remove_information_from_criteria(
        self, criteria: dict[str, Criterion[Need, Candidate]], parents: Collection[str]
    ) -> None:
        self.doubtful = self.doubtful or bool(parents)
        super()._remove_information_from_criteria(criteria, parents)

    def _save_state(self) -> None:
        self.doubtful = True
        super()._save_state()
