"""Direct references: what they ask for, their one spelling, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppm.engine.direct.asked import references_in
from ppm.engine.direct.locked import build_key, direct_url, pinned_url
from ppm.engine.direct.reference import Reference, parse_reference
from ppm.engine.direct.repository import git_environ
from ppm.engine.errors import RequirementError
from ppm.events.resolution import LockedFile
from ppm.projections.lock import LockedPackage

ROOT = Path("/home/ivy/project")
COMMIT = "c0ffee" + "0" * 34


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("https://host.example/a-1-py3-none-any.whl", "https://host.example/a-1-py3-none-any.whl"),
        (
            "https://ivy:pw@host.example/a-1.tar.gz?token=s#subdirectory=x/./y&egg=a",
            "https://host.example/a-1.tar.gz?token=****#subdirectory=x/y",
        ),
        ("./libs/core", "file:./libs/core"),
        ("file:libs/core/", "file:./libs/core"),
        ("file:./libs/../libs/core", "file:./libs/core"),
        ("file:../core#editable=true", "file:../core#editable=true"),
        ("file:.#editable=true", "file:.#editable=true"),
        ("file:.#subdirectory=libs", "file:./libs"),
        ("file:///srv/a%20b", "file:///srv/a%20b"),
        ("file://localhost/srv/a", "file:///srv/a"),
        ("/srv/a-1.tar.gz", "file:///srv/a-1.tar.gz"),
        ("git+https://host.example/a.git", "git+https://host.example/a.git"),
        (
            "git+https://ivy:pw@host.example/a@v1#subdirectory=x",
            "git+https://host.example/a@v1#subdirectory=x",
        ),
        ("git+ssh://git@host.example/a@feature/x", "git+ssh://git@host.example/a@feature/x"),
        ("git+file:///srv/a@main", "git+file:///srv/a@main"),
    ],
)
def test_a_reference_has_one_spelling(text: str, source: str) -> None:
    reference = parse_reference(text)
    assert reference.source == source
    if "****" not in source:
        assert parse_reference(source).source == source


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("git+ext::sh -c id", "UNSUPPORTED_REQUIREMENT"),
        ("git+http://host.example/a", "UNSUPPORTED_REQUIREMENT"),
        ("git+https://host.example", "UNSUPPORTED_REQUIREMENT"),
        ("git+https://host.example/a@-x", "UNSAFE_REFERENCE"),
        ("git+https://host.example/-a", "UNSAFE_REFERENCE"),
        ("git+ssh://-oProxyCommand=id/a", "UNSAFE_REFERENCE"),
        ("git+ssh://git@-oProxyCommand=id/a", "UNSAFE_REFERENCE"),
        ("git+https://host.example/a@b\x1b[0m", "UNSAFE_REFERENCE"),
        ("git+https://host.example/a@main:refs/heads/x", "UNSUPPORTED_REQUIREMENT"),
        ("git+https://host.example/a@v1..v2", "UNSUPPORTED_REQUIREMENT"),
        ("git+https://host.example/a#subdirectory=../x", "UNSAFE_REFERENCE"),
        ("git+https://host.example/a#subdirectory=x/../../y", "UNSAFE_REFERENCE"),
        ("git+https://host.example/a#subdirectory=%2Fetc", "UNSAFE_REFERENCE"),
        ("git+https://host.example/a#subdirectory=%2e%2e/x", "UNSAFE_REFERENCE"),
        ("git+https://host.example/a#editable=true", "UNSUPPORTED_REQUIREMENT"),
        ("https://host.example/a-1.whl#sha256=12", "UNSUPPORTED_REQUIREMENT"),
        ("https://host.example/a-1.whl#sha512=12", "UNSUPPORTED_REQUIREMENT"),
        ("https://host.example/a-1.whl#subdirectory=x", "UNSUPPORTED_REQUIREMENT"),
        ("https://host.example/a-1.zip", "UNSUPPORTED_REQUIREMENT"),
        ("file://other.example/a", "UNSUPPORTED_REQUIREMENT"),
        ("file:./a#editable=perhaps", "UNSUPPORTED_REQUIREMENT"),
        ("file:./a%00b", "UNSUPPORTED_REQUIREMENT"),
        ("ftp://host.example/a-1.whl", "UNSUPPORTED_REQUIREMENT"),
        ("svn+https://host.example/a", "UNSUPPORTED_REQUIREMENT"),
        ("https://[oops/a-1.whl", "UNSUPPORTED_REQUIREMENT"),
    ],
)
def test_what_is_refused(text: str, code: str) -> None:
    with pytest.raises(RequirementError) as caught:
        parse_reference(text)
    assert caught.value.code == code


def test_refusals_hold_no_login() -> None:
    with pytest.raises(RequirementError) as caught:
        parse_reference("https://ivy:hunter2@host.example/a-1.zip")
    assert "hunter2" not in caught.value.message


@given(st.text(max_size=60), st.sampled_from(["", "git+https://", "file:", "https://h.example/"]))
def test_any_text_is_read_or_refused(text: str, before: str) -> None:
    try:
        reference = parse_reference(before + text)
    except RequirementError:
        return
    if "****" not in reference.source:
        assert parse_reference(reference.source).source == reference.source
    assert not reference.revision.startswith("-")
    assert not reference.url.startswith("-")
    assert ".." not in reference.subdirectory.split("/")


def test_requirements_give_their_references_and_logins() -> None:
    texts = ["a>=1", "b @ https://ivy:pw@host.example/b-1.tar.gz ; os_name == 'x'", "c @ oops @@"]
    found = references_in(texts)
    assert list(found) == ["https://host.example/b-1.tar.gz"]
    assert found["https://host.example/b-1.tar.gz"].url == "https://ivy:pw@host.example/b-1.tar.gz"


def locked(source: str, url: str, kind: str) -> LockedPackage:
    file = LockedFile(filename="a", url=url, sha256="ab" * 32, size=0, kind=kind)
    return LockedPackage(
        name="a",
        version="1",
        index="",
        extras=(),
        groups=("",),
        requires_python="",
        dependencies=(),
        files=(file,),
        source=source,
    )


@pytest.mark.parametrize(
    ("source", "url", "kind", "document"),
    [
        (
            "https://host.example/a-1.tar.gz#subdirectory=x",
            "https://host.example/a-1.tar.gz#subdirectory=x",
            "sdist",
            {
                "url": "https://host.example/a-1.tar.gz",
                "archive_info": {"hashes": {"sha256": "ab" * 32}},
                "subdirectory": "x",
            },
        ),
        (
            "file:../a",
            "file:../a",
            "directory",
            {"url": "file:///home/ivy/a", "dir_info": {}},
        ),
        (
            "file:.#editable=true",
            "file:.",
            "editable",
            {"url": "file:///home/ivy/project", "dir_info": {"editable": True}},
        ),
        (
            "git+ssh://git@host.example/a@main",
            f"git+ssh://git@host.example/a@{COMMIT}",
            "git",
            {
                "url": "ssh://git@host.example/a",
                "vcs_info": {"vcs": "git", "requested_revision": "main", "commit_id": COMMIT},
            },
        ),
    ],
)
def test_the_statement_is_that_of_the_specification(
    source: str, url: str, kind: str, document: dict[str, object]
) -> None:
    from packaging.direct_url import DirectUrl

    said = json.loads(direct_url(locked(source, url, kind), ROOT))
    assert said == document
    assert DirectUrl.from_dict(said).to_dict() == document


def test_wheels_are_kept_apart_by_all_they_depend_on() -> None:
    def key(url: str, kind: str, root: Path = ROOT) -> str:
        return build_key(locked("", url, kind).files[0], root)

    keys = [
        key("https://host.example/a-1.tar.gz", "sdist"),
        key("https://host.example/a-1.tar.gz#subdirectory=x", "sdist"),
        key("https://host.example/a-1.tar.gz#subdirectory=y", "sdist"),
        key("file:.", "editable"),
        key("file:./x", "editable"),
        key("file:.", "editable", Path("/home/ivy/copy")),
    ]
    assert len(set(keys)) == len(keys)
    assert key("file:./x", "directory") == key("file:./y", "directory") == "ab" * 32


def test_a_pin_names_the_commit() -> None:
    reference = parse_reference("git+https://ivy:pw@host.example/a@v1#subdirectory=x")
    assert pinned_url(reference, COMMIT) == (f"git+https://host.example/a@{COMMIT}#subdirectory=x")
    assert isinstance(reference, Reference)


def test_git_gets_no_repository_at_hand_no_prompt_and_the_login_aside() -> None:
    environ = {
        "PATH": "/bin",
        "GIT_DIR": "/elsewhere",
        "GIT_CONFIG_COUNT": "1",
        "GIT_ASKPASS": "/bin/asks",
        "GIT_SSH_COMMAND": "ssh -i key",
        "GIT_EXEC_PATH": "/elsewhere",
    }
    plain = git_environ(environ, "https://host.example/a")
    assert plain["GIT_TERMINAL_PROMPT"] == "0"
    assert plain["GIT_ASKPASS"] == ""
    assert plain["GIT_ALLOW_PROTOCOL"] == "https:ssh:file"
    assert plain["GIT_SSH_COMMAND"] == "ssh -i key"
    assert {"GIT_DIR", "GIT_CONFIG_COUNT", "GIT_EXEC_PATH"}.isdisjoint(plain)
    secret = git_environ(environ, "https://ivy:hunter2@host.example/a")
    assert secret["GIT_CONFIG_VALUE_0"] == ""
    assert secret["GIT_CONFIG_KEY_1"] == "credential.https://host.example.helper"
    assert "hunter2" not in secret["GIT_CONFIG_VALUE_1"]


@pytest.mark.parametrize(
    ("server", "said"),
    [("host.example", "username=ivy\npassword=hunter 2\n"), ("other.example", "")],
)
def test_git_gives_the_login_to_its_own_server_only(server: str, said: str) -> None:
    environ = git_environ(os.environ, "https://ivy:hunter%202@host.example/a")
    asked = subprocess.run(
        ["git", "credential", "fill"],
        input=f"protocol=https\nhost={server}\n\n",
        env={**environ, "GIT_CONFIG_GLOBAL": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.stdout == (f"protocol=https\nhost={server}\n{said}" if said else "")
