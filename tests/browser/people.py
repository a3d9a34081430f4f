"""Somebody at a screen: his own window, what he sees, and what his browser complains about."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Request

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
PASSWORD = "a long demonstration password"
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
#: what is wrong, in a line each: rule, its words, the first places. Then the same colours by night
_ASK = """async ({tags, rules}) => {
  const only = rules ? {type: "rule", values: rules} : {type: "tag", values: tags};
  const found = await axe.run(document, {runOnly: only, resultTypes: ["violations"]});
  return found.violations.map(each => each.id + " (" + each.help + "): " + each.nodes.slice(0, 4).map(node =>
    node.target.join(" ") + " " + node.any.concat(node.all, node.none).map(check => check.message).join("; ")
  ).join(" | "));
}"""
_TURN = """() => {
  const root = document.documentElement;
  root.setAttribute("data-bs-theme", root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark");
  document.dispatchEvent(new CustomEvent("qipan:theme"));
}"""
#: what stands in the page or is read out in it, piece by piece; not what is code, a key, or marked as another language
_SAID = """skip => {
  const said = [document.title];
  const visible = element => element.checkVisibility({visibilityProperty: true, opacityProperty: true});
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const at = node.parentElement;
    if (node.data.trim() && !at.closest("script, style, code, kbd, pre, textarea, " + skip) &&
        (visible(at) || at.closest("details, .offcanvas, option"))) { said.push(node.data); }
  }
  for (const name of ["aria-label", "title", "placeholder", "alt", "data-label"]) {
    for (const each of document.querySelectorAll(`[${name}]`)) {
      if (!each.closest(skip)) { said.push(each.getAttribute(name)); }
    }
  }
  return said.map(each => each.replace(/\\s+/g, " ").trim());
}"""
#: the name of the software, and of the language
_OWN = re.compile("棋盘|简体中文")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_ENGLISH = re.compile(r"(?<![\w./@-])[A-Za-z][a-z’'-]*(?: +[A-Za-z][a-z’'-]*){2,}")


def chromium_path() -> str | None:
    """The Chromium of this machine; None where there is none."""
    named = os.environ.get("QIPAN_CHROMIUM", "")
    if named:
        return shutil.which(named)
    return shutil.which("/usr/bin/chromium") or shutil.which("chromium")


class Guest:
    """One window of one person. `page` is Playwright's, `complaints` what no page may do."""

    def __init__(
        self, browser: Browser, home: str, *, phone: bool = False, language: str = "en", session: str = "",
        theme: Literal["light", "dark"] = "light",
    ) -> None:  # fmt: skip
        self.home = home
        self.complaints: list[str] = []
        self._missing: set[str] = set()
        self._context = browser.new_context(
            base_url=home, viewport=PHONE if phone else DESK, has_touch=phone, is_mobile=phone, color_scheme=theme,  # type: ignore[arg-type]
            reduced_motion="reduce", accept_downloads=True, locale="zh-CN" if language == "zh-hans" else "en-GB",
        )  # fmt: skip
        for name, value in (("qipan_language", language), ("sessionid", session)):
            if value:
                self._context.add_cookies([{"name": name, "value": value, "domain": "127.0.0.1", "path": "/"}])
        self.page = self._context.new_page()
        self.page.set_default_timeout(int(os.environ.get("QIPAN_BROWSER_WAIT", "20000")))
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self._complain(f"error: {error}"))
        self.page.on("request", self._request)

    def _complain(self, what: str) -> None:
        self.complaints.append(f"{urlsplit(self.page.url).path}: {what}")

    def _console(self, message: ConsoleMessage) -> None:
        # a page that answers 400 or 404 is an answer: the browser says so of it, too
        refused = "Failed to load resource" in message.text and message.location.get("url", "") in self._missing
        if message.type in ("error", "warning") and not refused:
            self._complain(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        if request.is_navigation_request():
            self._missing.add(request.url)
        where = urlsplit(request.url)
        if where.scheme not in ("data", "blob") and f"{where.scheme}://{where.netloc}" != self.home:
            self._complain(f"asks elsewhere: {request.url}")

    def leave(self) -> None:
        """Close the window."""
        self._context.close()

    # ---- what he does -----------------------------------------------------------------------------------------------

    def open(self, url: str) -> int:
        """Go to an address; the status of the answer."""
        answer = self.page.goto(url, wait_until="load")
        assert answer is not None
        return answer.status

    def press(self, name: str, *, inside: str = "main") -> None:
        """Press the button whose name begins so, and wait for the next page."""
        with self.page.expect_navigation():
            self.page.locator(inside).get_by_role("button", name=re.compile(f"^{re.escape(name)}")).first.click()

    def follow(self, name: str, *, inside: str = "main") -> None:
        """Follow the link of this name."""
        with self.page.expect_navigation():
            self.page.locator(inside).get_by_role("link", name=name, exact=True).first.click()

    def fill(self, **fields: str) -> None:
        """Type into the form's fields."""
        for name, value in fields.items():
            field = self.page.locator(f'main [name="{name}"]').first
            kind = field.evaluate("element => element.type")
            if kind.startswith("select"):
                field.select_option(value)
            elif kind == "radio":
                self.page.locator(f'main [name="{name}"][value="{value}"]').check()
            else:
                field.fill(value)

    # ---- what he sees -----------------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """What stands in the page."""
        return " ".join(self.page.locator("main").inner_text().split())

    def sees(self, *words: str) -> None:
        """Assert that these words stand in the page."""
        text = self.text
        for each in words:
            assert each in text, f"{each!r} is not on {self.page.url}: {text[:3000]}"

    def barriers(self) -> list[str]:
        """What axe finds against WCAG 2.2 A and AA, and in the colours of the other theme."""
        # the tool is handed to the page past its security policy; the page itself cannot be
        if not self.page.evaluate("typeof axe !== 'undefined'"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[str] = self.page.evaluate(_ASK, {"tags": _TAGS})
        self.page.evaluate(_TURN)
        found += self.page.evaluate(_ASK, {"rules": ["color-contrast"]})
        self.page.evaluate(_TURN)
        return found

    def said(self, *, besides: str) -> list[str]:
        """Everything that the page says, but for what lies in elements that match `besides`."""
        said: list[str] = self.page.evaluate(_SAID, besides)
        return said

    def chinese_in_english(self) -> list[str]:
        """Chinese that an English page says (what is marked as Chinese may be)."""
        return [each for each in self.said(besides="[lang|=zh], [translate=no]") if _HAN.search(_OWN.sub("", each))]

    def english_in_chinese(self) -> list[str]:
        """Runs of three English words and more that a Chinese page says."""
        return [each for each in self.said(besides="[lang=en], [translate=no]") if _ENGLISH.search(each)]

    def shot(self, name: str) -> None:
        """A picture of the whole page, where somebody wants to look (QIPAN_SHOTS names the folder)."""
        folder: Any = os.environ.get("QIPAN_SHOTS")
        if folder:
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
