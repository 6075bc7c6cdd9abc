"""Requirements that name a place: URLs and files, with the real program and real servers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from conftest import Program, PublishedIndex
from local_index import Fault
from support.direct import entry, importing, refused, statement
from support.sdists import in_tree_sdist
from support.wheels import build_wheel


@pytest.fixture
def project(local_index: PublishedIndex, ppm: Program) -> Program:
    """An empty project, an index beside it."""
    local_index.publish("birch", "1.0")
    ppm.ok("init")
    return ppm


@pytest.fixture
def files(tmp_path: Path) -> Iterator[PublishedIndex]:
    """Another server, with files that no index lists."""
    folder = tmp_path / "files"
    folder.mkdir()
    with PublishedIndex(folder) as server:
        yield server


def url_of(server: PublishedIndex, path: Path) -> str:
    return f"{server.url.removesuffix('simple/')}files/{path.name}"


def test_a_wheel_at_a_url_is_locked_by_its_digest(project: Program, files: PublishedIndex) -> None:
    wheel = files.publish("ash", "2.0", requires=["birch"])
    digest = sha256(wheel.read_bytes()).hexdigest()
    url = url_of(files, wheel)
    project.ok("add", f"ash @ {url}", "--lock")
    project.ok("apply")
    assert entry(project, "ash")["archive"] == {
        "url": url,
        "size": wheel.stat().st_size,
        "hashes": {"sha256": digest},
    }
    assert statement(project, "ash") == {
        "url": url,
        "archive_info": {"hashes": {"sha256": digest}},
    }
    assert importing(project, "import ash, birch; print('both')") == "both"
    assert json.loads(project.ok("apply", "--json"))["plan"] == "noop"


def test_a_source_distribution_at_a_url_is_built(project: Program, files: PublishedIndex) -> None:
    sdist = in_tree_sdist(files.folder, "cedar", "1.5")
    files.refresh()
    project.ok("add", f"cedar @ {url_of(files, sdist)}", "--lock")
    project.ok("apply")
    assert importing(project, "import cedar; print(cedar.__version__)") == "1.5"
    assert "archive" in entry(project, "cedar")


def test_a_file_of_this_machine(project: Program, tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "here", "ash", "2.0")
    project.ok("add", f"ash @ {wheel.as_uri()}", "--lock")
    project.ok("apply")
    assert statement(project, "ash")["url"] == wheel.as_uri()


def test_a_file_changed_after_the_lock_is_refused(project: Program, tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "here", "ash", "2.0")
    project.ok("add", f"ash @ {wheel.as_uri()}")
    project.ok("lock")
    build_wheel(tmp_path / "here", "ash", "2.0", requires=["birch"])
    store = Path(project.directory.parent.with_name(project.directory.parent.name + "-home"))
    subprocess.run(["rm", "-rf", store / ".ppm" / "store"], check=True)
    refused(project, "apply", code="HASH_MISMATCH")
    assert not (project.directory / ".venv").exists()


def test_a_digest_in_the_url_is_demanded(project: Program, tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "here", "ash", "2.0")
    wrong = f"ash @ {wheel.as_uri()}#sha256={'0' * 64}"
    refused(project, "add", wrong, "--lock", code="HASH_MISMATCH")
    right = sha256(wheel.read_bytes()).hexdigest()
    project.ok("add", f"ash @ {wheel.as_uri()}#sha256={right}", "--lock")


def test_the_place_is_the_only_candidate_of_its_name(
    project: Program, local_index: PublishedIndex, tmp_path: Path
) -> None:
    local_index.publish("ash", "9.0")
    local_index.publish("oak", "1.0", requires=["ash"])
    local_index.publish("elm", "1.0", requires=["ash>=5"])
    wheel = build_wheel(tmp_path / "here", "ash", "2.0")
    project.ok("add", f"ash @ {wheel.as_uri()}", "oak", "--lock")
    packages = json.loads(project.ok("lock", "--json"))["packages"]
    assert packages == {"ash": "2.0", "oak": "1.0"}
    assert not any("ash" in one for one in local_index.requests)
    refused(project, "add", "elm", "--lock", code="RESOLUTION_IMPOSSIBLE")


def test_two_places_for_one_name_contradict(project: Program, tmp_path: Path) -> None:
    one = build_wheel(tmp_path / "one", "ash", "2.0")
    two = build_wheel(tmp_path / "two", "ash", "2.0")
    project.ok("add", f"ash @ {one.as_uri()}")
    project.ok("add", "--dev", f"ash @ {two.as_uri()}")
    told = refused(project, "lock", code="CONFLICTING_REFERENCES")
    assert one.as_uri() in told
    assert two.as_uri() in told


def test_another_projects_wheel_is_refused(project: Program, tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "here", "ash", "2.0")
    refused(project, "add", f"oak @ {wheel.as_uri()}", "--lock", code="WHEEL_NAME")
    renamed = wheel.rename(wheel.with_name("oak-2.0-py3-none-any.whl"))
    result = project.run("add", f"oak @ {renamed.as_uri()}", "--lock")
    assert result.returncode == 1
    assert "oak-2.0" in result.stderr


def test_a_dependency_may_name_only_what_the_project_names(
    project: Program, local_index: PublishedIndex, tmp_path: Path
) -> None:
    wheel = build_wheel(tmp_path / "here", "ash", "2.0")
    local_index.publish("oak", "1.0", requires=[f"ash @ {wheel.as_uri()}"])
    told = refused(project, "add", "oak", "--lock", code="NO_MATCHING_VERSION")
    assert "only your project may name a URL" in told
    project.ok("add", "oak", f"ash @ {wheel.as_uri()}", "--lock")


def test_a_login_stays_with_its_origin_and_out_of_every_file(
    project: Program, files: PublishedIndex
) -> None:
    wheel = files.publish("ash", "2.0")
    url = url_of(files, wheel).replace("://", "://ivy:hunter2@")
    project.ok("add", f"ash @ {url}", "--lock")
    project.ok("apply")
    written = [project.directory / "pylock.toml", *(project.directory / ".ppm").rglob("*")]
    store = project.directory.parent.with_name(project.directory.parent.name + "-home")
    written += store.rglob("*")
    assert [one for one in written if one.is_file() and b"hunter2" in one.read_bytes()] == []
    assert json.loads(project.ok("apply", "--json"))["plan"] == "noop"


def test_another_reference_makes_the_lock_stale(project: Program, tmp_path: Path) -> None:
    one = build_wheel(tmp_path / "one", "ash", "2.0")
    two = build_wheel(tmp_path / "two", "ash", "2.0", requires=["birch"])
    project.ok("add", f"ash @ {one.as_uri()}", "--lock")
    project.ok("add", f"ash @ {two.as_uri()}")
    refused(project, "lock", "--check", code="LOCK_STALE")
    project.ok("apply")
    assert importing(project, "import birch; print('there')") == "there"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ext::sh -c id", "INVALID_REQUIREMENT"),
        ("git+ext::sh", "UNSUPPORTED_REQUIREMENT"),
        ("git+http://host.example/x", "UNSUPPORTED_REQUIREMENT"),
        ("git+https://host.example/x@--upload-pack=id", "UNSAFE_REFERENCE"),
        ("git+ssh://-oProxyCommand=id/x", "UNSAFE_REFERENCE"),
        ("git+https://host.example/x#subdirectory=../y", "UNSAFE_REFERENCE"),
        ("https://host.example/x.tar.gz#subdirectory=/etc", "UNSAFE_REFERENCE"),
        ("https://host.example/x.zip", "UNSUPPORTED_REQUIREMENT"),
        ("https://host.example/x-1.whl#md5=abc", "UNSUPPORTED_REQUIREMENT"),
        ("file://other.example/x-1.whl", "UNSUPPORTED_REQUIREMENT"),
        ("hg+https://host.example/x", "UNSUPPORTED_REQUIREMENT"),
    ],
)
def test_what_is_not_installed_from(project: Program, url: str, code: str) -> None:
    result = project.run("add", f"x @ {url}", "--lock")
    assert result.returncode == 1
    assert code in result.stderr or "MANIFEST_INVALID" in result.stderr, result.stderr


def test_a_login_is_sent_to_its_own_server_only(
    project: Program, files: PublishedIndex, local_index: PublishedIndex
) -> None:
    wheel = files.publish("ash", "2.0")
    elsewhere = local_index.folder / wheel.name
    elsewhere.write_bytes(wheel.read_bytes())
    local_index.refresh()
    target = {"Location": url_of(local_index, elsewhere)}
    files.faults.append(Fault(path=f"*{wheel.name}", status=302, headers=target))
    url = url_of(files, wheel).replace("://", "://ivy:hunter2@")
    project.ok("add", f"ash @ {url}", "--lock")
    asked = {one.headers.get("authorization") for one in files.requests if one.kind == "file"}
    assert len(asked) == 1
    assert asked != {None}
    sent = [one for one in local_index.requests if wheel.name in one.path]
    assert sent
    assert all("authorization" not in one.headers for one in sent)


def test_another_machine_logs_in_with_what_the_manifest_says(
    project: Program, files: PublishedIndex
) -> None:
    wheel = files.publish("ash", "2.0")
    url = url_of(files, wheel).replace("://", "://ivy:hunter2@")
    project.ok("add", f"ash @ {url}", "--lock")
    files.requests.clear()
    other = {"PPM_HOME": str(project.directory.with_name("other-home"))}
    result = project.run("apply", "--frozen", env=other)
    assert result.returncode == 0, result.stderr
    assert all("authorization" in one.headers for one in files.requests)
    assert files.requests
