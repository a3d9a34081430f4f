"""The form: one column, errors in words beside the field and summed at the top, nothing lost on error."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.page import Page, Words
from qipan.foundation.pages.speech import say
from qipan.terms.errors import BadInput, Conflict, QipanError, Refused


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a form: what to say, and where to go."""

    text: Words
    url: str


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a restrictive act means, said before it is confirmed: grounds, end, effect, the way to appeal."""

    title: Words
    text: Words


def act_on(act: Words, thing: Words) -> Words:
    """The heading of a form about something: ``Close the account: Li``, with the colon of the language."""
    return gettext("%(act)s: %(thing)s") % {"act": act, "thing": thing}


class FormPage(Page):
    """A form. `fetch` gives what it is about (and authorises), `submit` calls one service.

    `confirm`: the form is shown once more with its consequences before it is done (restrictive or final acts).
    """

    template = "pages/form.html"
    form: ClassVar[type[forms.Form]] = forms.Form
    button: ClassVar[Words] = _("Save")
    confirm: ClassVar[bool] = False
    #: it restricts somebody or takes something back
    grave: ClassVar[bool] = False

    def fetch(self, **kwargs: Any) -> Any:
        """What the form is about; None where it makes something new."""
        return None

    def initial(self, thing: Any) -> dict[str, Any]:
        """What the fields hold to begin with."""
        return {}

    def make_form(self, thing: Any, data: Any = None, files: Any = None) -> forms.Form:
        """The form; override to narrow its choices to what the reader may choose."""
        return self.form(data, files, initial=self.initial(thing))

    def submit(self, thing: Any, data: dict[str, Any]) -> Done | HttpResponseBase:
        """Call the one service. Raises QipanError: shown at the top, with everything that was typed kept."""
        raise NotImplementedError

    def consequences(self, thing: Any, data: dict[str, Any]) -> Sequence[Consequence]:
        """What it will mean, shown before it is confirmed."""
        return ()

    def back(self, thing: Any) -> str:
        """Where "cancel" goes."""
        return ""

    def heading(self, thing: Any) -> Words:
        """What the form does, and to what."""
        return self.page_title()

    def get(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The empty form."""
        thing = self.fetch(**kwargs)
        return self._answer(thing, self.make_form(thing))

    def post(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The filled form: done, or shown again with what is wrong."""
        thing = self.fetch(**kwargs)
        form = self.make_form(thing, self.request.POST, self.request.FILES)
        if not form.is_valid():
            return self._answer(thing, form, status=400)
        if self.confirm and "confirmed" not in self.request.POST:
            return self._answer(thing, form, consequences=self.consequences(thing, form.cleaned_data), asked=True)
        try:
            done = self.submit(thing, form.cleaned_data)
        except (BadInput, Refused, Conflict) as error:
            return self._answer(thing, form, error=error, status=409 if isinstance(error, Conflict) else 400)
        if isinstance(done, HttpResponseBase):
            return done
        messages.success(self.request, done.text)
        return redirect(done.url)

    def _answer(
        self,
        thing: Any,
        form: forms.Form,
        *,
        error: QipanError | None = None,
        consequences: Sequence[Consequence] = (),
        asked: bool = False,
        status: int = 200,
    ) -> HttpResponse:
        return self.show(
            thing=thing, heading=self.heading(thing), form=form, error=say(error) if error else "",
            consequences=consequences, asked=asked, back=self.back(thing), button=self.button,
            multipart=form.is_multipart(), status=status,
        )  # fmt: skip
