"""The page says what the ledger says, escaped, and needs nothing besides itself."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

from support.histories import Storyteller, installed, switched

from ppm.engine.reports.history_page import History, history_page
from ppm.projections.history import operations
from ppm.projections.project import fold

EVIL = "</script><img src=x onerror='alert(1)'>\"&\x1b[31m\u202e"


class Reader(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.inside: dict[str, str] = {}
        self._tag = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._tag = tag

    def handle_data(self, data: str) -> None:
        if self._tag in ("style", "script"):
            self.inside[self._tag] = self.inside.get(self._tag, "") + data
        else:
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        self._tag = "" if tag == self._tag else self._tag


def page_of(history: Storyteller) -> bytes:
    records = history.records()
    return history_page(History(project=fold(records), operations=operations(records)))


def test_every_text_of_the_ledger_is_escaped() -> None:
    history = Storyteller(name=EVIL)
    event = installed(EVIL, EVIL, EVIL)
    history.run(EVIL, event, switched("g"), argv=(EVIL,), note=EVIL, ends=EVIL)
    page = page_of(history)
    read = Reader(page)
    tags = [tag for tag, _ in read.tags]
    assert tags.count("script") == tags.count("style") == 1
    assert "img" not in tags
    assert not any(name.startswith("on") for _, attributes in read.tags for name in attributes)
    assert "<U+001B>" in read.text
    assert "<U+202E>" in read.text
    assert b"\x1b" not in page


def test_the_page_asks_for_nothing_and_forbids_it() -> None:
    page = page_of(Storyteller())
    read = Reader(page)
    assert not [a for _, a in read.tags if {"src", "href", "action", "srcset"} & a.keys()]
    assert b"://" not in page
    assert not re.search(rb"url\(|@import", page)
    (policy,) = [
        str(attributes["content"])
        for tag, attributes in read.tags
        if tag == "meta" and "http-equiv" in attributes
    ]
    assert policy.startswith("default-src 'none';")
    for name in ("style", "script"):
        digest = b64encode(sha256(read.inside[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy


def test_the_same_ledger_gives_the_same_bytes() -> None:
    history = Storyteller()
    history.run("apply", installed("ash", "1.0"), switched("g"), note="why")
    assert page_of(history) == page_of(history)


def test_the_page_tells_head_count_and_what_each_operation_changed() -> None:
    history = Storyteller()
    history.run("apply", installed("ash", "1.0"), switched("g"), argv=("--note", "why"), note="why")
    history.run("lock", ends="RESOLUTION_IMPOSSIBLE")
    text = Reader(page_of(history)).text
    last = history.records()[-1]
    for words in (last.digest, f"{last.seq} events", "chain verified", "+ash 1.0", "why",
                  "RESOLUTION_IMPOSSIBLE", "it failed", "ppm apply", "alice@laptop"):  # fmt: skip
        assert words in text
    assert text.index("ppm lock") < text.index("ppm apply") < text.index("ppm init")


def test_a_long_list_of_changes_is_folded() -> None:
    history = Storyteller()
    events = [installed(f"tree{number}", "1.0") for number in range(40)]
    history.run("apply", *events, switched("g"))
    page = page_of(history).decode()
    assert "<summary>28 more</summary>" in page
    assert all(f"+tree{number} 1.0<" in page for number in range(40))
