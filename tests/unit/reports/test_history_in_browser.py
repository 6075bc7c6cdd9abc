"""The history page in a real browser: filtered by a person, on a phone, in the dark, offline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.browser import Page, browser
from support.histories import Storyteller, installed, locked, resolved, switched, written

from ppm.engine.reports.history_page import History, history_page
from ppm.projections.history import operations
from ppm.projections.project import fold

EVIL = "<img src='http://127.0.0.1:9/x' onerror=\"document.title='owned'\">"
LONG = "x" * 300


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser."""
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(opened: Page, tmp_path: Path) -> Page:
    """The page of a history with a failure, a run cut short, a hostile note and long words."""
    history = Storyteller()
    add = (written(), locked("birch", "1.0"), resolved())
    history.run("add", *add, argv=("birch", "--lock"))
    history.run("apply", installed("birch", "1.0"), switched("g"), note="first")
    history.run("add", argv=("no-such-tree", "--lock"), ends="UNKNOWN_PACKAGE")
    history.run("add", locked("elm", "3.0"), resolved(), argv=("elm", "--lock"))
    history.run("apply", installed("elm", "3.0"), switched("h"), note=EVIL)
    history.run("lock", argv=(LONG,), note=LONG, ends="cut short")
    records = history.records()
    file = tmp_path / "history.html"
    file.write_bytes(history_page(History(project=fold(records), operations=operations(records))))
    opened.open(file)
    return opened


def shown(page: Page) -> list[str]:
    """The command lines that can be seen, from the top."""
    visible = (
        "[...document.querySelectorAll('main h3 code')].filter(e => e.offsetParent !== null)"
        ".map(e => e.textContent)"
    )
    return list(page.evaluate(visible))


def choose(page: Page, field: str, value: str) -> None:
    """What typing or choosing does."""
    page.evaluate(
        f"(e => {{ e.value = {json.dumps(value)};"
        f" e.dispatchEvent(new Event('input', {{bubbles: true}})); }})"
        f"(document.getElementById({json.dumps(field)}))"
    )


def test_the_timeline_is_filtered(page: Page) -> None:
    everything = [
        f"ppm lock {LONG}",
        "ppm apply",
        "ppm add elm --lock",
        "ppm add no-such-tree --lock",
        "ppm apply",
        "ppm add birch --lock",
        "ppm init",
    ]
    assert shown(page) == everything
    choose(page, "words", "ELM 3.0")
    assert shown(page) == everything[1:3]
    choose(page, "verb", "apply")
    assert shown(page) == ["ppm apply"]
    assert page.evaluate("document.getElementById('count').textContent") == "1 of 7"
    choose(page, "words", "")
    choose(page, "verb", "")
    choose(page, "status", "failed")
    assert shown(page) == ["ppm add no-such-tree --lock"]
    choose(page, "status", "cut short")
    assert shown(page) == everything[:1]
    choose(page, "words", "nothing like this")
    assert shown(page) == []
    assert page.evaluate("document.getElementById('nothing').offsetParent !== null")
    assert page.evaluate("document.querySelectorAll('section:not([hidden])').length") == 0


def test_the_address_keeps_the_filter(page: Page) -> None:
    choose(page, "words", "birch & 1.0")
    choose(page, "verb", "apply")
    address = page.evaluate("location.href")
    page.call("Page.navigate", url="about:blank")
    page.open_address(address)
    assert page.evaluate("document.getElementById('words').value") == "birch & 1.0"
    assert page.evaluate("document.getElementById('verb').value") == "apply"
    assert shown(page) == []
    choose(page, "words", "birch 1.0")
    assert shown(page) == ["ppm apply"]


def test_nothing_is_fetched_and_nothing_hostile_runs(page: Page) -> None:
    assert [address.partition(":")[0] for address in page.requests] == ["file"]
    assert page.complaints == []
    assert page.evaluate("document.title") == "demo: history"
    assert page.evaluate("document.querySelectorAll('img').length") == 0
    assert EVIL in page.evaluate("document.body.textContent")
    # The policy of the page stops even what its own document would ask for.
    refused = (
        "new Promise(told => { addEventListener('securitypolicyviolation',"
        " event => told(event.violatedDirective));"
        " document.body.append(Object.assign(new Image, {src: 'http://127.0.0.1:9/y'})); })"
    )
    assert page.evaluate(refused) == "img-src"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (360, 740)], ids=["desktop", "phone"])
def test_it_is_readable_on_a_phone_and_in_the_dark(
    page: Page, width: int, height: int, *, dark: bool
) -> None:
    page.show_as(width, height, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    everything = "[...document.querySelectorAll('body *')]"
    wide = f"{everything}.filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
    assert page.evaluate(f"{wide}.map(e => e.outerHTML)") == []
    seen = f"{everything}.filter(e => e.offsetParent !== null)"
    sizes = f"{seen}.map(e => parseFloat(getComputedStyle(e).fontSize))"
    assert page.evaluate(f"Math.min(...{sizes})") >= 12
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(17, 21, 27)" if dark else "rgb(246, 247, 249)")
    assert page.evaluate(f"({CONTRASTS})()") >= 4.5
    assert page.screenshot().startswith(b"\x89PNG")


CONTRASTS = """() => {
  // The least contrast (WCAG 2, 1.4.3) of any text with what is behind it.
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = numbers(colour).map((c) => c / 255)
      .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (numbers(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const texts = [...document.querySelectorAll("body *")].filter((e) =>
    e.offsetParent !== null && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
  return Math.min(...texts.map((e) => {
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  }));
}"""
