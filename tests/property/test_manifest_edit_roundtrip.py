from __future__ import annotations

import tomllib
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ppm.engine.manifest.edit import add_requirements, remove_requirements
from ppm.engine.manifest.names import requirement_name
from ppm.engine.manifest.read import parse_manifest

NAMES = ("alpha", "Beta_two", "gamma.x", "delta")
NEW = ("new>=1", "other[x]; python_version < '4'", "third @ https://index.example/third-1.zip")
COMMENT = st.sampled_from(["", " # said why", '  # it\'s "quoted", [with] brackets'])
ITEM = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(["", ">=1", "[x]~=2.0", " ; os_name == 'nt'"]),
    st.sampled_from(['"{}"', "'''{}'''", '"""{}"""']),
    COMMENT,
)


@st.composite
def arrays(draw: st.DrawFn) -> str:
    """An array of requirements in one of the many ways people write them."""
    items = draw(st.lists(ITEM, max_size=4, unique_by=lambda item: item[0]))
    texts = [quotes.format(name + rest) for name, rest, quotes, _ in items]
    if draw(st.booleans()):
        return "[" + draw(st.sampled_from(["", " "])) + ", ".join(texts) + "]"
    indent = draw(st.sampled_from(["  ", "    ", "\t"]))
    lines = [draw(st.sampled_from(["[", "[ # the head"]))]
    for place, (text, item) in enumerate(zip(texts, items, strict=True)):
        if draw(st.booleans()):
            lines.append(f"{indent}# above {place}")
        last = place == len(texts) - 1
        comma = draw(st.sampled_from(["", ","])) if last else ","
        lines.append(f"{indent}{text}{comma}{item[3]}")
    if draw(st.booleans()):
        lines.append(f"{indent}# at the end")
    return "\n".join([*lines, "]"])


@st.composite
def manifests(draw: st.DrawFn) -> str:
    """A ``pyproject.toml`` with comments, tables in some order, groups there or not."""
    project = "# the project\n[project]\nname = 'tin-can' # named\nversion = '1'\n"
    if draw(st.booleans()):
        project += f"dependencies = {draw(arrays())}\n"
    tables = ["[tool.other] # mine\nx = 1\n", "[project.scripts]\nrun = 'a:b'\n"]
    if draw(st.booleans()):
        tables.append(f"[dependency-groups]\nDev = {draw(arrays())} # for work\n")
    if draw(st.booleans()):
        tables.append(f"[project.optional-dependencies]\nweb = {draw(arrays())}\n")
    text = project + draw(st.sampled_from(["", "\n"])).join(draw(st.permutations(tables)))
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def comments(text: str) -> list[str]:
    return sorted(line.partition("#")[2].strip() for line in text.splitlines() if "#" in line)


def without_empty(document: dict[str, object]) -> dict[str, object]:
    """Less empty arrays and tables: ``remove`` leaves those that ``add`` made."""
    kept: dict[str, object] = {}
    for key, value in document.items():
        inner = without_empty(value) if isinstance(value, dict) else value
        if inner not in ({}, []):
            kept[key] = inner
    return kept


@settings(deadline=None, max_examples=60)
@given(
    text=manifests(),
    group=st.sampled_from(["", "dev", "extra:web"]),
    new=st.lists(st.sampled_from(NEW), min_size=1, unique=True),
)
def test_add_then_remove_gives_the_same_document_with_its_comments(
    text: str, group: str, new: list[str]
) -> None:
    before = text.encode()
    added = add_requirements(
        before, file_name="pyproject.toml", project="tin-can", group=group, requirements=new
    )
    assert (
        add_requirements(
            added, file_name="pyproject.toml", project="tin-can", group=group, requirements=new
        )
        == added
    )
    read = parse_manifest(added, file_name="pyproject.toml", directory=Path("/folder"))
    declared = [one.requirement for one in read.requirements if one.group == group]
    assert declared[len(declared) - len(new) :] == new
    assert comments(added.decode()) == comments(text)
    names = [requirement_name(one) or "" for one in new]
    removed = remove_requirements(added, file_name="pyproject.toml", group=group, names=names)
    assert without_empty(tomllib.loads(removed.decode())) == without_empty(tomllib.loads(text))
    assert comments(removed.decode()) == comments(text)
    assert ("\r\n" in text) == ("\r\n" in removed.decode())


@settings(deadline=None, max_examples=60)
@given(text=manifests(), group=st.sampled_from(["", "dev", "extra:web"]), data=st.data())
def test_replacing_and_removing_touch_nothing_else(
    text: str, group: str, data: st.DataObject
) -> None:
    read = parse_manifest(text.encode(), file_name="pyproject.toml", directory=Path("/folder"))
    present = [one for one in read.requirements if one.group == group]
    if not present:
        return
    chosen = data.draw(st.sampled_from(present))
    edited = add_requirements(
        text.encode(),
        file_name="pyproject.toml",
        project="tin-can",
        group=group,
        requirements=[f"{chosen.name}==9"],
    )
    after = parse_manifest(edited, file_name="pyproject.toml", directory=Path("/folder"))
    assert [one.requirement for one in after.requirements] == [
        f"{chosen.name}==9" if one == chosen else one.requirement for one in read.requirements
    ]
    assert comments(edited.decode()) == comments(text)
    removed = remove_requirements(
        text.encode(), file_name="pyproject.toml", group=group, names=[chosen.name]
    )
    left = parse_manifest(removed, file_name="pyproject.toml", directory=Path("/folder"))
    assert left.requirements == tuple(one for one in read.requirements if one != chosen)
    lost = len(comments(text)) - len(comments(removed.decode()))
    assert lost in {0, 1}
