"""Without a mouse: in by the door, past the head, through a list, to help and back, a form sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.people import PASSWORD
from tests.cast import COUNTY_A

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.people import Guest
    from tests.cast import Cast

#: where the keyboard is, and whether that can be seen: an outline, a shadow, or a border of another colour
_AT = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) { return null; }
  const style = getComputedStyle(at), box = at.getBoundingClientRect();
  return {
    name: at.id || at.getAttribute("name") || at.textContent.trim().slice(0, 40) || at.tagName,
    visible: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none",
    inside: box.width > 0 && box.height > 0 && box.right > 0 && box.bottom > 0 && box.left < innerWidth,
    path: (function path(e) { return e && e.parentElement
      ? path(e.parentElement) + "/" + [...e.parentElement.children].indexOf(e) : ""; })(at),
  };
}"""


def stops(guest: Guest, *, most: int = 400) -> list[dict[str, object]]:
    """Where Tab leads on this page until it has been everywhere."""
    guest.page.evaluate("document.activeElement.blur()")
    seen: list[dict[str, object]] = []
    for _ in range(most):
        guest.page.keyboard.press("Tab")
        at = guest.page.evaluate(_AT)
        if at is None or (seen and at["path"] == seen[0]["path"]):
            return seen
        seen.append(at)
    pytest.fail(f"Tab does not get out of {guest.page.url}: {[stop['name'] for stop in seen[-5:]]}")


def focused(guest: Guest) -> str:
    """The id or name of what has the keyboard."""
    at = guest.page.evaluate(_AT)
    return str(at["name"]) if at else ""


def test_everything_is_reached_without_a_mouse(cast: Cast, enter: Callable[..., Guest]) -> None:
    from tests.browser.scenes import behind, passwords, samples

    session, pages = behind(lambda: samples(cast))
    behind(lambda: passwords(cast))
    urls = {sample.name: sample.url for sample in pages}

    # the door: two fields and Enter
    alice = enter()
    alice.open("/areas/")
    keys = alice.page.keyboard
    assert focused(alice) == "id_username"
    keys.type("alice")
    keys.press("Tab")
    keys.type(PASSWORD)
    with alice.page.expect_navigation():
        keys.press("Enter")
    assert alice.page.url.endswith("/areas/")

    # past the head to the content
    keys.press("Tab")
    skip = alice.page.locator(".skip")
    assert skip.evaluate("element => element === document.activeElement")
    box = skip.bounding_box()
    assert box is not None
    assert box["width"] > 50
    keys.press("Enter")
    assert focused(alice) == "main"

    # search from everywhere, by name of the key
    keys.press("Control+k")
    assert focused(alice) == "q"
    keys.type(COUNTY_A)
    with alice.page.expect_navigation():
        keys.press("Enter")
    assert "Hubin District" in alice.text

    # a list: to its filters, down and up its rows, open one
    alice.open("/orders/")
    keys.press("/")
    assert alice.page.evaluate("document.activeElement.closest('.filters') !== null")
    chosen = alice.page.url
    keys.press("ArrowDown")  # a choice is walked through, and nothing happens before it is sent
    alice.page.wait_for_timeout(300)
    assert alice.page.url == chosen
    alice.page.evaluate("document.activeElement.blur()")
    for key, row in (("j", 0), ("j", 1), ("k", 0), ("k", 0)):
        keys.press(key)
        assert alice.page.evaluate("[...document.querySelectorAll('tbody tr')].findIndex(r => r.matches('.at'))") == row
        assert alice.page.evaluate("document.activeElement.closest('tr.at') !== null")

    # help, and back to where one was
    before = focused(alice)
    keys.press("?")
    helped = alice.page.locator("#help.show")
    helped.wait_for()
    alice.page.wait_for_function("document.getElementById('help').contains(document.activeElement)")
    for _ in range(40):  # it keeps the keyboard from the page behind it (the browser's own bar may have it)
        keys.press("Tab")
        assert alice.page.evaluate("document.activeElement.matches('body, #help, #help *')")
    keys.press("Escape")
    helped.wait_for(state="detached")
    alice.page.wait_for_function("document.activeElement !== document.body")
    assert focused(alice) == before
    with alice.page.expect_navigation():
        keys.press("Enter")
    assert re.search(r"/(orders|people)/\w+/", alice.page.url)

    # a form is filled and sent; what comes of it is said where the keyboard then is
    alice.open("/cases/add/")
    alice.page.locator("main form .buttons button").focus()
    with alice.page.expect_navigation():
        keys.press("Enter")
    alice.page.wait_for_function("document.activeElement.getAttribute('role') === 'alert'")

    # no trap anywhere, and one sees where one is
    zoe = enter(session=session)
    for name in ("board", "orders", "order", "decision", "site", "case-add", "import-read", "chains", "field-work"):
        zoe.open(urls[name])
        found = stops(zoe)
        assert len(found) > 10, name
        assert [stop["name"] for stop in found if not stop["visible"] or not stop["inside"]] == [], name
    resident = enter(phone=True)
    resident.open(urls["resident"])
    assert all(stop["visible"] and stop["inside"] for stop in stops(resident))
