"""Where the quick reading of a command line has an answer, typer must have the same one."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Callable
from typing import Any

import pytest

from ppm.commands.app import _STOP_AT_FIRST, VERBS, split_verb
from ppm.commands.arguments import parameters_of, parse
from ppm.commands.explain import explain
from ppm.commands.options import Option

PLAIN = [
    "init",
    "init some/dir --json",
    "add rich<14 'httpx; python_version>\"3\"' --dev --lock",
    "add --group test pytest -q",
    "add --optional=web flask --index-url http://127.0.0.1/simple --offline",
    "remove rich --lock",
    "lock --upgrade-package a --upgrade-package b --resolution lowest --check",
    "plan --out p.json --no-dev --extra web --extra more",
    "apply p.json --note 'two words' --frozen --link-mode copy",
    "apply --note=",
    "import --from-file s.py -v",
    "import a b -- -c",
    "ensure numpy --project x",
    "run --no-sync python -c 'print(1)' --json -v",
    "tree --json",
    "snapshot --name n",
    "snapshots",
    "rollback --last",
    "rollback here --note n",
    "replay --check",
    "replay --at 12 --out d",
    "replay --until 7",
    "undo --note n --offline",
    "redo --json",
    "diff",
    "diff git:HEAD~1 pylock.toml --json",
    "why rich -v",
    "bisect --good 3 --bad here -- python -c 'print(1)' --json",
    "bisect --good 3 pytest -x --json",
    "provenance --last 3 --all",
    "provenance --html page.html",
    "provenance --last=10 --json",
    "log --type 'artifact.*' --since 3 --package rich -f",
    "ledger verify",
    "ledger verify --against c.txt --pub k.pub --pub n+h+k --json",
    "ledger checkpoint --sk k --out c.txt",
    "ledger prove 12 --against=c.txt",
    "ledger export --out l.jsonl",
    "keygen --out-priv a --out-pub b --force",
    "version",
]
DOUBTFUL = [
    "apply --help",
    "apply --not",
    "apply --frozen=yes",
    "apply a b",
    "add",
    "snapshot",
    "provenance --last zero",
    "provenance --last 0",
    "provenance --last -1",
    "lock -vq",
    "log --type",
    "rollback --note",
    "why",
    "diff a b c",
    "bisect --good 3",
    "bisect python",
    "version extra",
    "ledger verify extra",
    "ledger verify --sk k",
    "ledger checkpoint",
    "ledger prove one",
    "ledger prove",
    "keygen",
]


def recorder(name: str, calls: list[dict[str, Any]]) -> Callable[..., None]:
    """The verb's own signature on a function that only notes what it was called with."""
    module = importlib.import_module(f"ppm.commands.{VERBS[name]}")
    verb = getattr(module, VERBS[name])

    def note(**values: Any) -> None:
        calls.append(values)

    note.__wrapped__ = verb  # type: ignore[attr-defined]
    note.__annotations__ = verb.__annotations__
    note.__doc__ = verb.__doc__
    note.__globals__.update(
        {key: value for key, value in vars(module).items() if not key.startswith("__")}
    )
    return note


@pytest.mark.parametrize("line", PLAIN)
def test_a_plain_line_means_what_typer_says(line: str) -> None:
    name, words = split_verb(shlex.split(line))
    calls: list[dict[str, Any]] = []
    verb = recorder(name, calls)
    quick = parse(verb, words, stop_at_first=name in _STOP_AT_FIRST)
    with pytest.raises(SystemExit) as stop:
        explain({name: verb}, shlex.split(line), stop_at_first=_STOP_AT_FIRST)
    assert stop.value.code == 0
    assert calls == [quick]


@pytest.mark.parametrize("line", DOUBTFUL)
def test_a_doubtful_line_is_left_to_typer(line: str) -> None:
    name, words = split_verb(shlex.split(line))
    assert parse(recorder(name, []), words, stop_at_first=name in _STOP_AT_FIRST) is None


def test_a_verb_of_two_words_is_two_words() -> None:
    assert split_verb(["ledger", "verify", "--json"]) == ("ledger verify", ["--json"])
    assert split_verb(["log", "ledger"]) == ("log", ["ledger"])
    for words in ([], ["ledger"], ["ledger verify"], ["ledger", "--json", "verify"], ["prove"]):
        assert split_verb(words) == ("", words)


@pytest.mark.parametrize("words", [["ledger", "--help"], ["--help"]])
def test_help_for_a_family_tells_its_verbs(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    known = {name: recorder(name, []) for name in VERBS}
    with pytest.raises(SystemExit) as stop:
        explain(known, words, stop_at_first=_STOP_AT_FIRST)
    assert stop.value.code == 0
    told = capsys.readouterr().out
    family = [name.split()[1] for name in VERBS if name.startswith("ledger ")]
    assert len(family) >= 4
    assert all(f"  {name} " in told for name in family) == (words[0] == "ledger")
    assert ("  ledger " in told) == (words[0] != "ledger")


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_tells_what_it_does_and_each_option_for_what(name: str) -> None:
    module = importlib.import_module(f"ppm.commands.{VERBS[name]}")
    verb = getattr(module, VERBS[name])
    assert verb.__doc__
    parameters = parameters_of(verb)
    assert all(one.declared.help for one in parameters if isinstance(one.declared, Option))
    names = [
        name
        for one in parameters
        if isinstance(one.declared, Option)
        for name in one.declared.names
    ]
    assert len(names) == len(set(names))
