"""The rulebooks as they are published, in plain words; the tables revised daily; publishing."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages import formats
from qipan.foundation.pages.columns import Column, Kind
from qipan.foundation.pages.detail_page import Action, DetailPage, Panel, State
from qipan.foundation.pages.filters import Choice, Days, Text
from qipan.foundation.pages.form_page import Consequence, Done, FormPage
from qipan.foundation.pages.list_page import Link, ListPage
from qipan.foundation.pages.page import Page, Words, address, with_area
from qipan.foundation.pages.words import Grave, register_words
from qipan.rooms.diseases.forms import TABLES, PublishForm, TableRowForm
from qipan.rooms.diseases.models import PublishedRulebook, TableRow
from qipan.rooms.diseases.selectors import access_book, access_published, list_books, list_table_rows
from qipan.rooms.diseases.services import rulebook_publish, table_row_add
from qipan.rooms.geography.selectors import areas_by_code
from qipan.rulebooks.explain import CODE_WORDS, KIND_WORDS, explain_template
from qipan.rulebooks.loader import load_text
from qipan.rulebooks.model import Rulebook
from qipan.terms.errors import BadInput
from qipan.terms.roles import Permission

register_words(TableRow.Table, {value: (title, Grave.QUIET) for value, title in TABLES})

_POLICY = {
    "new_rule": _("Open orders are decided again under this book."),
    "old_rule_until_end": _("Open orders run to their end under the old book."),
}
IN_FORCE, LATER, PAST = "in_force", "later", "past"
_STATES = ((IN_FORCE, _("in force")), (LATER, _("not in force yet")), (PAST, _("no longer in force")))


def _language() -> str:
    return "zh" if formats.is_chinese() else "en"


def state_on(row: PublishedRulebook, day: date) -> str:
    """Whether a book holds on a day."""
    if row.effective_from > day:
        return LATER
    return PAST if row.effective_until is not None and row.effective_until <= day else IN_FORCE


class Rulebooks(ListPage):
    """The published rulebooks, in force and not."""

    title = _("Rulebooks")
    section = "rulebooks"
    permission = Permission.RULEBOOK_VIEW
    columns = (
        Column(key="rulebook", title=_("Rulebook"), sort="rulebook"),
        Column(key="said", title=_("State")),
        Column(key="jurisdiction", title=_("Jurisdiction"), wide=True),
        Column(key="area_path", title=_("Holds in"), kind=Kind.AREA,
               value=lambda row: row.area_path if row.area_path != "/" else None),
        Column(key="effective_from", title=_("From"), kind=Kind.DATE, sort="effective_from"),
        Column(key="effective_until", title=_("Until (excluded)"), kind=Kind.DATE, sort="effective_until"),
        Column(key="published_at", title=_("Published"), kind=Kind.INSTANT, sort="published_at", wide=True),
    )  # fmt: skip
    filters = (Choice(name="state", title=_("State"), options=_STATES, keep=lambda rows, value: rows),)
    sort = ("effective_from", True)
    opens = opens_key = "rulebook"
    row_key = "rulebook"
    help = _(
        "The rules of each edition as data: who is bound by what, for how long, by whose authority. A published book "
        "is never edited; a new one follows it."
    )
    empty = _("No rulebook is published: nobody is restricted. An administrator publishes one.")

    def rows(self) -> QuerySet[PublishedRulebook]:
        """By whether they hold today."""
        rows, today = list_books(self.actor), formats.local(self.at).date()
        past = Q(effective_until__lte=today)
        match self.values().get("state"):
            case "in_force":
                return rows.filter(Q(effective_until=None) | ~past, effective_from__lte=today)
            case "later":
                return rows.filter(effective_from__gt=today)
            case "past":
                return rows.filter(past)
        return rows

    def slice(self, rows: Any) -> Any:
        """Each with its state today."""
        part, today = super().slice(rows), formats.local(self.at).date()
        for row in part.rows:
            row.said = dict(_STATES)[state_on(row, today)]
        return part

    def head(self) -> Sequence[Link]:
        """Tables, comparison, publishing."""
        links = [Link(_("Tables"), address("rule-tables"))]
        if self.actor.areas_for(Permission.REPLAY_RUN) and address("replays"):
            links.append(Link(_("Compare two rulebooks"), address("replays")))
        if self.actor.areas_for(Permission.RULEBOOK_PUBLISH):
            links.append(Link(_("Publish a rulebook"), address("rulebook-publish"), primary=True))
        return links


class RulebookPage(DetailPage):
    """One book in plain words, both languages."""

    title = _("Rulebook")
    section = "rulebooks"
    permission = Permission.RULEBOOK_VIEW
    assets = ("diseases/rulebooks.css",)
    body = "diseases/rulebook.html"
    facts = (
        Column(key="rulebook", title=_("Rulebook")),
        Column(key="jurisdiction", title=_("Jurisdiction")),
        Column(key="area_path", title=_("Holds in"), kind=Kind.AREA,
               value=lambda row: row.area_path if row.area_path != "/" else _("everywhere")),
        Column(key="effective_from", title=_("From"), kind=Kind.DATE),
        Column(key="effective_until", title=_("Until (excluded)"), kind=Kind.DATE),
        Column(key="published_at", title=_("Published"), kind=Kind.INSTANT),
        Column(key="published_by", title=_("Published by"), kind=Kind.USER),
        Column(key="sha256", title="SHA-256", value=lambda row: row.sha256[:16] + "…"),
    )  # fmt: skip
    help = Rulebooks.help

    def fetch(self, **kwargs: Any) -> PublishedRulebook:
        """Absent where there is none."""
        return access_published(self.actor, kwargs["rulebook"])

    def heading(self, thing: PublishedRulebook) -> Words:
        """Its title."""
        return self._book(thing).title.say(_language())

    def _book(self, thing: PublishedRulebook) -> Rulebook:
        return access_book(self.actor, thing.rulebook)

    def state(self, thing: PublishedRulebook) -> Sequence[State]:
        """Whether it holds today."""
        now = state_on(thing, formats.local(self.at).date())
        return (State(dict(_STATES)[now], Grave.GOOD if now == IN_FORCE else Grave.QUIET),)

    def besides(self, thing: PublishedRulebook) -> dict[str, Any]:
        """Every rule with its orders, both languages."""
        book, language = self._book(thing), _language()
        other = "en" if language == "zh" else "zh"
        return {
            "book": book,
            "codes": [(KIND_WORDS[kind].say(language), code.value, CODE_WORDS[code].say(language))
                      for kind, code in book.codes.colours.items()],
            "policy": _POLICY.get(book.changeover.policy, book.changeover.policy),
            "policy_words": book.changeover.words.say(language),
            "exemption": book.exemption.words.say(language) if book.exemption is not None else "",
            "other": "en" if other == "en" else "zh-Hans",
            "rules": [
                (rule, rule.words.say(language), rule.words.say(other),
                 [explain_template(order, language) for order in rule.orders])
                for rule in book.rules
            ],
        }  # fmt: skip

    def panels(self, thing: PublishedRulebook) -> Sequence[Panel]:
        """Its own examples, which run before it is accepted."""
        book = self._book(thing)
        columns = (
            Column(key="name", title=_("Example"), quoted=True),
            Column(key="code", title=_("comes out"), value=lambda e: CODE_WORDS[e.code].say(_language())),
        )
        return (Panel(_("Its own examples"), columns, list(book.examples), _("It has none.")),)

    def actions(self, thing: PublishedRulebook) -> Sequence[Action]:
        """Its exact text."""
        return (Action(_("The file"), address("rulebook-text", thing.rulebook)),)


class RulebookText(Page):
    """A book's exact text, as it was published."""

    title = _("Rulebook")
    section = "rulebooks"
    permission = Permission.RULEBOOK_VIEW

    def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """As a file."""
        published = access_published(self.actor, kwargs["rulebook"])
        answer = HttpResponse(published.text, content_type="text/plain; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{published.rulebook}.toml"'
        return answer


class RulebookPublish(FormPage):
    """A rulebook comes into force: one file, checked with its own examples."""

    title = _("Publish a rulebook")
    section = "rulebooks"
    permission = Permission.RULEBOOK_PUBLISH
    second_factor = True
    form = PublishForm
    button = _("Publish")
    grave = confirm = True
    help = _("A published book is never edited or withdrawn: a later one takes its place. Compare the two first.")

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> forms.Form:
        """The file's text is kept in the form, so that confirming needs no second upload."""
        upload = files.get("file") if files else None
        if data is not None and upload is not None:
            data = data.copy()
            try:
                data["text"], data["name"] = upload.read().decode("utf-8-sig"), upload.name[:120]
            except UnicodeDecodeError:
                data["text"] = ""
        form = PublishForm(data, files)
        form.fields["file"].required = not (data and data.get("text"))
        return form

    def _place(self, data: dict[str, Any]) -> tuple[Rulebook, str]:
        """The book and the area path that are meant. Raises BadInput naming file, line and rule."""
        book = load_text(data["text"], name=(data.get("name") or "rulebook").removesuffix(".toml"))
        code = (data.get("area") or "").strip()
        if not code:
            return book, "/"
        area = areas_by_code([code]).get(code)
        if area is None:
            raise BadInput("There is no area %(area)s.", area=code[:40])
        return book, area.path

    def post(self, *args: Any, **kwargs: Any) -> Any:
        """A book that is refused is refused before anything is asked."""
        form = self.make_form(None, self.request.POST, self.request.FILES)
        if form.is_valid():
            try:
                self._place(form.cleaned_data)
            except BadInput as error:
                return self._answer(None, form, error=error, status=400)
            if "confirmed" not in self.request.POST:
                return self._answer(None, form, consequences=self.consequences(None, form.cleaned_data), asked=True)
        return super().post(*args, **kwargs)

    def consequences(self, thing: Any, data: dict[str, Any]) -> Sequence[Consequence]:
        """Which rules, from when, for whom."""
        book, path = self._place(data)
        until: Words = book.effective_until.isoformat() if book.effective_until else _("until another follows")
        return (
            Consequence(_("Rulebook"), f"{book.title.say(_language())} ({book.id})"),
            Consequence(_("Authority"), book.authority),
            Consequence(_("Where it holds"), path if path != "/" else _("everywhere")),
            Consequence(_("From"), book.effective_from.isoformat()),
            Consequence(_("Until"), until),
            Consequence(_("Orders that run"), _POLICY.get(book.changeover.policy, book.changeover.policy)),
            Consequence(_("Effect"), gettext("%(n)s rules decide about everybody there; the next cycle decides all "
                                             "again.") % {"n": len(book.rules)}),
            Consequence(_("Can it be taken back?"), _("No. A later book takes its place.")),
        )  # fmt: skip

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """One service."""
        _book, path = self._place(data)
        published = rulebook_publish(actor=self.actor, text=data["text"], area_path=path, at=self.at)
        told = gettext("%(book)s is published.") % {"book": published.rulebook}
        return Done(told, with_area(address("rulebook", published.rulebook), self.area.code))

    def back(self, thing: Any) -> str:
        """To the list."""
        return address("rulebooks")


class RuleTables(ListPage):
    """The tables that the rules look into, line by line with author and source."""

    title = _("Tables of the rules")
    section = "rulebooks"
    permission = Permission.RULEBOOK_VIEW
    columns = (
        Column(key="revision", title=_("Revision"), kind=Kind.NUMBER, sort="revision"),
        Column(key="table", title=_("Table"), kind=Kind.WORD, words=TableRow.Table, sort="table"),
        Column(key="place", title=_("Place or post"), sort="place"),
        Column(key="level", title=_("Level or class")),
        Column(key="starts_on", title=_("From"), kind=Kind.DATE, sort="starts_on"),
        Column(key="ends_on", title=_("Until (excluded)"), kind=Kind.DATE, sort="ends_on"),
        Column(key="author", title=_("Who decided it"), wide=True),
        Column(key="source", title=_("Source"), wide=True),
        Column(key="recorded_at", title=_("Recorded"), kind=Kind.INSTANT, wide=True),
    )
    filters = (
        Choice(name="table", title=_("Table"), words=TableRow.Table),
        Text(name="place", title=_("Place or post")),
        Days(name="starts", title=_("From"), field="starts_on"),
    )
    sort = ("revision", True)
    help = _("What changes from day to day apart from the rules: which places carry which risk, which posts count.")
    empty = _("No line is written: no place carries a risk, and arrivals from abroad are told by their code alone.")

    def rows(self) -> QuerySet[TableRow]:
        """All lines."""
        return list_table_rows(self.actor)

    def head(self) -> Sequence[Link]:
        """Adding a line."""
        links = [Link(_("Rulebooks"), address("rulebooks"))]
        if self.actor.areas_for(Permission.RULEBOOK_PUBLISH):
            links.append(Link(_("Add a line"), address("rule-table-add"), primary=True))
        return links


class RuleTableAdd(FormPage):
    """One more line of a table."""

    title = _("Add a line to a table")
    section = "rulebooks"
    permission = Permission.RULEBOOK_PUBLISH
    second_factor = True
    form = TableRowForm
    button = _("Add the line")
    grave = confirm = True
    help = RuleTables.help

    def initial(self, thing: Any) -> dict[str, Any]:
        """From today."""
        return {"starts_on": formats.local(self.at).date()}

    def consequences(self, thing: Any, data: dict[str, Any]) -> Sequence[Consequence]:
        """Whom it may bind."""
        until: Words = data["ends_on"].isoformat() if data.get("ends_on") else _("until another line follows")
        return (
            Consequence(_("Grounds"), f"{data['source']} ({data['author']})"),
            Consequence(_("Effect"), _(
                "The tables get a new revision. Everybody with an arrival or a residence there is decided again.")),
            Consequence(_("End"), until),
            Consequence(_("Can it be taken back?"), _("A line is never edited; a later line for the same place wins.")),
        )  # fmt: skip

    def submit(self, thing: Any, data: dict[str, Any]) -> Done:
        """One service."""
        row = table_row_add(actor=self.actor, disease="covid19", at=self.at, **data)
        told = gettext("The line is added; the tables are at revision %(n)s.") % {"n": row.revision}
        return Done(told, address("rule-tables"))

    def back(self, thing: Any) -> str:
        """To the tables."""
        return address("rule-tables")
