from __future__ import annotations

import json
from typing import Any

import pytest

from ppm.engine.errors import IndexFailure
from ppm.engine.index.filenames import FileName, parse_filename
from ppm.engine.index.model import DistributionFile, ProjectPage
from ppm.engine.index.simple_api import parse_page

INDEX = "https://index.example/simple/"
URL = "https://index.example/simple/tin-can/"
SHA = "ab" * 32
JSON = "application/vnd.pypi.simple.v1+json"
WHEEL = "tin_can-1.0-py3-none-any.whl"


def html(body: str, *, url: str = URL, content_type: str = "text/html") -> ProjectPage:
    return parse_page(
        body.encode(), content_type=content_type, name="tin-can", index=INDEX, url=url
    )


def entry(filename: str = WHEEL, **fields: Any) -> dict[str, Any]:
    return {"filename": filename, "url": f"../../f/{filename}", "hashes": {}} | {
        key.replace("_", "-"): value for key, value in fields.items()
    }


def page(*files: dict[str, Any], **fields: Any) -> bytes:
    whole = {"meta": {"api-version": "1.4"}, "name": "tin-can", "files": list(files)}
    return json.dumps(whole | {k.replace("_", "-"): v for k, v in fields.items()}).encode()


def parse_json(body: bytes) -> ProjectPage:
    return parse_page(body, content_type=JSON, name="tin-can", index=INDEX, url=URL)


def only_file(found: ProjectPage) -> DistributionFile:
    [release] = found.releases
    [file] = release.files
    return file


def failure(body: bytes, content_type: str = JSON) -> IndexFailure:
    with pytest.raises(IndexFailure) as caught:
        parse_page(body, content_type=content_type, name="tin-can", index=INDEX, url=URL)
    assert caught.value.hint
    return caught.value


def test_html_anchor_says_everything() -> None:
    found = html(
        f'<html><body><a href="../../f/{WHEEL}#sha256={SHA}" data-requires-python="&gt;=3.9"'
        f' data-core-metadata="sha256={"CD" * 32}" data-yanked="broken &amp; old"'
        f' data-upload-time="2026-05-01T09:00:00Z">{WHEEL}</a>'
    )
    assert (found.name, found.index, found.status) == ("tin-can", INDEX, "active")
    assert only_file(found) == DistributionFile(
        filename=WHEEL,
        url=f"https://index.example/f/{WHEEL}",
        kind="wheel",
        version="1.0",
        sha256=SHA,
        requires_python=">=3.9",
        yanked="broken & old",
        upload_time="2026-05-01T09:00:00Z",
        metadata="cd" * 32,
    )


def test_json_entry_says_everything() -> None:
    found = parse_json(
        page(
            entry(
                hashes={"sha256": SHA, "md5": "x"},
                size=4096,
                requires_python=">=3.9",
                core_metadata={"sha256": "cd" * 32},
                yanked="broken",
                upload_time="2026-05-01T09:00:00.123456Z",
                provenance=None,
                unknown_key=[1],
            ),
            versions=["1.0"],
        )
    )
    assert only_file(found) == DistributionFile(
        filename=WHEEL,
        url=f"https://index.example/f/{WHEEL}",
        kind="wheel",
        version="1.0",
        sha256=SHA,
        size=4096,
        requires_python=">=3.9",
        yanked="broken",
        upload_time="2026-05-01T09:00:00.123456Z",
        metadata="cd" * 32,
    )


def test_releases_come_newest_first() -> None:
    names = [f"tin_can-{version}.tar.gz" for version in ("1.9", "1.10", "1.10rc1", "1!0.1", "0.2")]
    found = parse_json(page(*map(entry, names)))
    assert [r.version for r in found.releases] == ["1!0.1", "1.10", "1.10rc1", "1.9", "0.2"]


def test_equal_versions_are_one_release() -> None:
    found = parse_json(page(entry("tin_can-1.0.0-py3-none-any.whl"), entry("tin-can-1.0.tar.gz")))
    [release] = found.releases
    assert release.version == "1.0"
    assert [file.version for file in release.files] == ["1.0.0", "1.0"]
    assert [file.kind for file in release.files] == ["wheel", "sdist"]


@pytest.mark.parametrize(
    ("filename", "reason"),
    [
        ("other-1.0-py3-none-any.whl", "belongs to the project other"),
        ("tin_can-not.a.version-py3-none-any.whl", "not.a.version is not a version"),
        ("tin_can-1.0.egg", "neither a wheel nor a source distribution"),
        ("tin_can-1.0-py3-none.whl", "not a valid wheel file name"),
        ("tin_can-1.0-x1-py3-none-any.whl", "not a valid wheel file name"),
        ("tin__can-1.0-py3-none-any.whl", "not a valid wheel file name"),
        ("-1.0.tar.gz", "not a valid source distribution file name"),
        ("tin_can-1.0-py3-none-any.whl\n", "neither a wheel nor a source distribution"),
        ("../tin_can-1.0-py3-none-any.whl", "not a valid wheel file name"),
    ],
)
def test_files_that_may_not_be_offered_are_skipped_with_the_reason(
    filename: str, reason: str
) -> None:
    found = parse_json(page(entry(filename, url="x"), entry("tin_can-2.0-py3-none-any.whl")))
    assert found.skipped == (f"{filename}: {reason}",)
    assert [release.version for release in found.releases] == ["2.0"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"url": "file:///etc/passwd"}, "its URL leads elsewhere than to the web"),
        ({"url": "ftp://index.example/x"}, "its URL leads elsewhere than to the web"),
        ({"url": "http://[::1/x"}, "its URL is none"),
        ({"hashes": {"sha256": "ab"}}, "its SHA-256 is none"),
    ],
)
def test_files_with_broken_fields_are_skipped(changes: dict[str, Any], reason: str) -> None:
    found = parse_json(page(entry() | changes))
    assert (found.releases, found.skipped) == ((), (f"{WHEEL}: {reason}",))


def test_malformed_json_entry_leaves_the_others() -> None:
    found = parse_json(page({"filename": WHEEL}, entry(size="many"), entry()))
    assert only_file(found).filename == WHEEL
    assert len(found.skipped) == 2


def test_file_listed_twice_counts_once() -> None:
    found = parse_json(page(entry(), entry(url="elsewhere")))
    assert only_file(found).url == f"https://index.example/f/{WHEEL}"
    assert found.skipped == (f"{WHEEL}: is listed twice",)


@pytest.mark.parametrize(
    ("yanked", "expected"), [(None, None), (False, None), ("", None), (True, ""), ("bad", "bad")]
)
def test_json_yanking(yanked: object, expected: str | None) -> None:
    assert only_file(parse_json(page(entry(yanked=yanked)))).yanked == expected


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [("", None), ("data-yanked", ""), ('data-yanked=""', ""), ("data-yanked='bad'", "bad")],
)
def test_html_yanking_is_the_attributes_presence(attribute: str, expected: str | None) -> None:
    assert only_file(html(f'<a href="{WHEEL}" {attribute}>x</a>')).yanked == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"core_metadata": True}, "true"),
        ({"core_metadata": False, "dist_info_metadata": True}, ""),
        ({"core_metadata": {"md5": "x"}}, "true"),
        ({"core_metadata": {"sha256": "short"}}, "true"),
        ({"dist_info_metadata": {"sha256": SHA}}, SHA),
        ({}, ""),
    ],
)
def test_json_metadata_siblings(fields: dict[str, Any], expected: str) -> None:
    assert only_file(parse_json(page(entry(**fields)))).metadata == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('data-core-metadata="true"', "true"),
        ('data-core-metadata="false" data-dist-info-metadata="true"', ""),
        (f'data-dist-info-metadata="sha256={SHA}"', SHA),
        ('data-core-metadata="md5=x"', "true"),
        ("", ""),
    ],
)
def test_html_metadata_siblings(attributes: str, expected: str) -> None:
    assert only_file(html(f'<a href="{WHEEL}" {attributes}>x</a>')).metadata == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("", "https://index.example/simple/tin-can/"),
        ('<base href="https://files.example/d/">', "https://files.example/d/"),
        ('<base href="../x/"><base href="/y/">', "https://index.example/simple/x/"),
    ],
)
def test_relative_urls_count_from_the_first_base_else_from_the_answers_url(
    head: str, expected: str
) -> None:
    assert only_file(html(f'{head}<a href="{WHEEL}">x</a>')).url == expected + WHEEL


def test_file_name_comes_from_the_url_unquoted() -> None:
    found = html(
        '<a href="f/tin_can-1.0%2Bcpu-py3-none-any.whl?sig=a%2Fb#egg=x">truncated..&gt;</a>'
    )
    file = only_file(found)
    assert (file.filename, file.version) == ("tin_can-1.0+cpu-py3-none-any.whl", "1.0+cpu")
    assert file.url.endswith("/f/tin_can-1.0%2Bcpu-py3-none-any.whl?sig=a%2Fb")


def test_login_in_a_file_url_is_dropped() -> None:
    found = html(f'<a href="https://user:hunter2@files.example/{WHEEL}">x</a>')
    assert only_file(found).url == f"https://files.example/{WHEEL}"


def test_digests_other_than_sha256_count_as_none() -> None:
    assert only_file(html(f'<a href="{WHEEL}#md5=abc">x</a>')).sha256 == ""


def test_comments_scripts_and_titles_hold_no_links() -> None:
    link = f'<a href="{WHEEL}">x</a>'
    hidden = f"<!-- {link} --><script>'{link}'</script><title>{link}</title><style>{link}</STYLE >"
    assert html(hidden).releases == ()
    assert only_file(html(hidden + link)).filename == WHEEL
    assert only_file(html("<!-->" + link)).filename == WHEEL


def test_tags_may_be_written_in_any_way() -> None:
    found = html(
        f"<A\n HREF = '{WHEEL}' DATA-requires-python='>=3.9' data-core-metadata=true title=a'b >x"
    )
    file = only_file(found)
    assert (file.requires_python, file.metadata) == (">=3.9", "true")


@pytest.mark.parametrize("version", ["1.0", "1.99"])
def test_minor_versions_are_accepted(version: str) -> None:
    link = f'<a href="{WHEEL}">x</a>'
    meta = f'<meta name="pypi:repository-version" content="{version}">'
    assert html(meta + link).releases
    assert parse_json(page(entry(), meta={"api-version": version})).releases


@pytest.mark.parametrize("version", ["2.0", "0.9", "one", ""])
def test_other_major_versions_are_refused(version: str) -> None:
    meta = f'<meta name="pypi:repository-version" content="{version}">'
    assert failure(meta.encode(), "text/html").code == "INDEX_VERSION"
    assert failure(page(meta={"api-version": version})).code == "INDEX_VERSION"


def test_missing_version_means_1_0() -> None:
    assert parse_json(page(entry(), meta={})).releases


def test_json_of_another_project_is_refused() -> None:
    assert failure(page(name="tin-cup")).code == "INDEX_CONTENT"
    assert parse_json(page(entry(), name="Tin.Can")).name == "tin-can"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"meta":{},"name":"tin-can"}', b"[" * 100_000, b"\xff"]
)
def test_what_is_no_page_in_json_is_refused(body: bytes) -> None:
    assert failure(body).code == "INDEX_CONTENT"


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "text/html5"])
def test_parser_is_chosen_by_the_content_type_only(content_type: str) -> None:
    assert failure(page(entry()), content_type).code == "INDEX_CONTENT"


@pytest.mark.parametrize(
    "content_type",
    ["text/html; charset=utf-8", "TEXT/HTML", "application/vnd.pypi.simple.v1+html"],
)
def test_all_spellings_of_html_are_read(content_type: str) -> None:
    assert html(f'<a href="{WHEEL}">x</a>', content_type=content_type).releases


@pytest.mark.parametrize(
    ("status", "expected"),
    [("archived", "archived"), ("deprecated", "deprecated"), ("confused", "active")],
)
def test_status_is_told(status: str, expected: str) -> None:
    assert parse_json(page(entry(), project_status={"status": status})).status == expected
    in_meta = {"api-version": "1.4", "project-status": {"status": status}}
    assert parse_json(page(entry(), meta=in_meta)).status == expected
    tag = f'<meta name="pypi:project-status" content="{status}">'
    assert html(tag + f'<a href="{WHEEL}">x</a>').status == expected


def test_quarantined_project_offers_nothing() -> None:
    found = parse_json(page(entry(), project_status={"status": "quarantined", "reason": "theft"}))
    assert (found.status, found.releases) == ("quarantined", ())


def test_build_tags_are_part_of_a_wheels_name() -> None:
    found = parse_filename("tin_can-1.0-2a-cp311.cp312-abi3-manylinux_2_17_x86_64.whl")
    assert found == FileName("wheel", "tin-can", "1.0")
