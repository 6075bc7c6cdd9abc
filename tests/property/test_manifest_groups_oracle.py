from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from packaging.dependency_groups import resolve_dependency_groups

from ppm.engine.errors import ProjectError
from ppm.engine.manifest.groups import expand_group
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.read import parse_manifest

GROUPS = ("a", "b-c", "d")
ITEM = st.one_of(
    st.sampled_from(["x", "y>=1", "z[e]"]),
    st.sampled_from(["a", "B_c", "d", "missing"]).map(lambda name: {"include-group": name}),
)
TABLES = st.dictionaries(st.sampled_from(GROUPS), st.lists(ITEM, max_size=4))


def toml(item: str | dict[str, str]) -> str:
    if isinstance(item, str):
        return json.dumps(item)
    return f"{{include-group = {json.dumps(item['include-group'])}}}"


def ours(table: dict[str, list[str | dict[str, str]]]) -> Manifest | None:
    lines = [f"{name} = [{', '.join(map(toml, items))}]" for name, items in table.items()]
    data = "\n".join(["[dependency-groups]", *lines]).encode()
    try:
        return parse_manifest(data, file_name="pyproject.toml", directory=Path("/folder"))
    except ProjectError:
        return None


@given(TABLES)
def test_groups_expand_as_in_the_reference_implementation(
    table: dict[str, list[str | dict[str, str]]],
) -> None:
    manifest = ours(table)
    try:
        theirs = {name: resolve_dependency_groups(table, name) for name in table}
    except ExceptionGroup:
        assert manifest is None
        return
    assert manifest is not None
    assert {name: expand_group(manifest, name) for name in table} == theirs
