"""Every page there is, in both languages, on a desk and on a phone, by day and by night.

What axe finds against WCAG 2.2 A and AA, what the browser complains about (errors, its security policy, requests to
elsewhere), words of the other language: of all of it there is nothing. A new address needs a sample in scenes.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.people import Guest
    from tests.cast import Cast

#: files: taken away, not looked at
FILES = {"import-template", "rulebook-text", "chains-svg", "health"}


@pytest.mark.parametrize(("language", "phone"), [("en", False), ("zh-hans", True)], ids=["en-desk", "zh-phone"])
def test_every_page_is_open_to_everybody(
    cast: Cast, enter: Callable[..., Guest], language: str, phone: bool
) -> None:
    from tests.browser.scenes import behind, samples

    session, pages = behind(lambda: samples(cast))
    guest = enter(session=session, language=language, phone=phone)
    found = []
    for sample in pages:
        if sample.name in FILES:
            continue
        status = guest.open(sample.url)
        wrong = [] if status == 200 else [f"answers {status}"]
        wrong += guest.barriers()
        wrong += guest.chinese_in_english() if language == "en" else guest.english_in_chinese()
        wide = guest.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            wrong.append(f"is {wide} px wider than the window")
        found += [f"{sample.name}: {each}" for each in wrong]
        guest.shot(f"{language}-{sample.name}")
    assert not found, "\n".join(found)
