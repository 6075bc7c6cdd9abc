"""What the documentation says of types, verbs and files is so, and its programs run."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from conftest import Program, PublishedIndex

from ppm.commands.app import VERBS
from ppm.commands.arguments import parameters_of
from ppm.commands.options import Option
from ppm.events.catalog import EVENTS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LEDGER = ROOT / "docs/ledger.md"
CLI = ROOT / "docs/cli.md"
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def section(page: Path, heading: str) -> str:
    """The text below the heading that reads ``heading``, up to the next one of any level."""
    _, _, rest = text(page).partition(f"\n{heading}\n")
    assert rest, f"{page.name} has no heading {heading!r}"
    return re.split(r"^#{1,6} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def code(page: Path, heading: str, language: str) -> str:
    """The first block of ``language`` below the heading."""
    found = re.search(
        rf"^```{language}\n(.*?)^```$", section(page, heading), re.DOTALL | re.MULTILINE
    )
    assert found is not None, f"no {language} below {heading!r}"
    return found[1]


def rows(page: Path, heading: str) -> dict[str, tuple[str, ...]]:
    """The table below a heading: the code in the first cell to the cells that follow."""
    lines = (line for line in section(page, heading).splitlines() if line.startswith("|"))
    cells = (line.strip("|").split("|") for line in lines)
    return {
        first.strip().strip("`"): tuple(cell.strip() for cell in others)
        for first, *others in cells
        if first.strip().startswith("`")
    }


def test_the_ledger_page_lists_every_event_type_with_its_fields() -> None:
    documented = {
        word: tuple(re.findall(r"`(\w+)`", cells[1]))
        for word, cells in rows(LEDGER, "## Event types").items()
    }
    assert documented == {
        word: tuple(field.name for field in msgspec.structs.fields(event))
        for word, event in EVENTS.items()
    }


def options(verb: str) -> set[str]:
    module = importlib.import_module(f"ppm.commands.{VERBS[verb]}")
    declared = [one.declared for one in parameters_of(getattr(module, VERBS[verb]))]
    names = [name for one in declared if isinstance(one, Option) for name in one.names]
    return {name for name in names if name.startswith("--")}


@pytest.mark.parametrize("verb", VERBS)
def test_the_command_page_tells_exactly_the_options_of_each_verb(verb: str) -> None:
    common = set(_OPTION.findall(section(CLI, "## Options of every verb")))
    synopsis = set(_OPTION.findall(code(CLI, f"### ppm {verb}", "text")))
    assert synopsis == options(verb) - common


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = [
        link for link in _LINK.findall(_FENCE.sub("", text(page))) if not re.match(r"\w+:", link)
    ]
    for target in targets:
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        assert other.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(other), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#{1,6} (.+)$", _FENCE.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_decision_is_linked_from_the_architecture() -> None:
    linked = set(_LINK.findall(text(ROOT / "docs/architecture.md")))
    records = {f"adr/{path.name}" for path in (ROOT / "docs/adr").glob("*.md")}
    assert records
    assert records - linked == set()


def test_every_dependency_has_its_reason() -> None:
    import tomllib

    table = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]
    declared = [*table["dependencies"], *table["optional-dependencies"]["gpu"]]
    named = {re.split(r"[^\w-]", requirement)[0] for requirement in declared}
    assert named - rows(ROOT / "docs/adr/0002-dependencies.md", "## Decision").keys() == set()


@pytest.fixture
def project(local_index: PublishedIndex, ppm: Program) -> Path:
    """A project with a history and an environment that has modules and a script."""
    local_index.publish(
        "ash",
        "1.0",
        entry_points={"console_scripts": {"ash": "ash:main"}},
        files={"ash/__init__.py": "def main() -> None:\n    print('ash')\n"},
    )
    ppm.ok("init")
    ppm.ok("add", "ash", "--lock")
    ppm.ok("apply", "--note", 'says "prev":"0" and "data":{} and a\nnew line, \\ and é')
    return ppm.directory


PROGRAMS = {
    "python": [sys.executable, "-c", code(LEDGER, "### In Python", "python")],
    "shell": ["sh", "-c", code(LEDGER, "### In a POSIX shell", "sh")],
}


def verify(program: str, project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        PROGRAMS[program], cwd=project, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_verification_programs_have_five_lines() -> None:
    for heading, language in (("### In Python", "python"), ("### In a POSIX shell", "sh")):
        assert len(code(LEDGER, heading, language).splitlines()) == 5


def test_both_verification_programs_agree_with_replay(project: Path, ppm: Program) -> None:
    import json

    answers = [verify(program, project) for program in PROGRAMS]
    assert [answer.returncode for answer in answers] == [0, 0], answers
    assert answers[0].stdout == answers[1].stdout
    lines = (project / ".ppm/ledger.jsonl").read_bytes().splitlines()
    assert answers[0].stdout.startswith(f"{len(lines)} events, head ")
    told = json.loads(ppm.ok("replay", "--check", "--json"))
    checkpoint = code(LEDGER, "### A checkpoint", "sh").replace("103p", f"{told['seq']}p")
    kept = subprocess.run(["sh", "-c", checkpoint], cwd=project, capture_output=True, check=True)
    assert kept.stdout.decode().split()[0] == told["head"]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("damage", ["none", "edited", "left out", "swapped", "repeated"])
def test_the_verification_programs_find_a_changed_line(
    tmp_path: Path, program: str, damage: str
) -> None:
    lines = (ROOT / "tests/unit/events/golden.jsonl").read_bytes().splitlines(keepends=True)
    before, (line, following), after = lines[:9], lines[9:11], lines[11:]
    changed = {
        "none": [line, following],
        "edited": [line.replace(b'"data":{', b'"data": {'), following],
        "left out": [following],
        "swapped": [following, line],
        "repeated": [line, line, following],
    }
    (tmp_path / ".ppm").mkdir()
    ledger = b"".join([*before, *changed[damage], *after])
    (tmp_path / ".ppm/ledger.jsonl").write_bytes(ledger)
    answer = verify(program, tmp_path)
    told = answer.stdout + answer.stderr
    if damage == "none":
        assert told.startswith(f"{len(lines)} events, head ")
    else:
        assert answer.returncode == 1
        first_wrong = {"edited": 11, "left out": 10, "swapped": 10, "repeated": 11}
        assert f"line {first_wrong[damage]}" in told


def test_the_tree_root_program_computes_what_the_ledger_says(project: Path) -> None:
    import json

    answer = subprocess.run(
        [sys.executable, "-c", code(LEDGER, "## Tree roots", "python")],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    events = map(json.loads, (project / ".ppm/ledger.jsonl").read_bytes().splitlines())
    built = [event["data"] for event in events if event["type"] == "generation.built/1"]
    assert built[-1]["generation"] == (project / ".venv").resolve().name
    assert answer.stdout.strip() == built[-1]["root"]
