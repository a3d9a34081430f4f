"""Naming an area in a form: by its code or its whole name, with those nearby offered while one types.

The foundation knows no areas: the geography room registers how they are found and which are offered.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.forms import SuggestInput
from qipan.terms.roles import Actor, Permission

#: text -> (code, path) of the areas with this code or whole name, wherever they are
Finder = Callable[[str], Sequence[tuple[str, str]]]
#: (actor, path) -> (code, name in the reader's language) of areas to offer at and below the path
Offer = Callable[[Actor, str], Sequence[tuple[str, str]]]

_door: list[tuple[Finder, Offer]] = []


def register(finder: Finder, offer: Offer) -> None:
    """Say how areas are found by what was typed, and which are offered."""
    _door[:] = [(finder, offer)]


class AreaField(forms.CharField):
    """An area; its value is the code. `narrow` it to the actor: which areas it takes and offers."""

    widget = SuggestInput
    default_error_messages = {
        "unknown": _("There is no area “%(text)s” that can be chosen here: write its code, or its whole name."),
        "several": _("Several areas are called “%(text)s”: write the code."),
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Area"))
        kwargs.setdefault("help_text", _("Its code or its whole name, for example 411202."))
        super().__init__(max_length=120, **kwargs)
        self.actor: Actor | None = None
        self.permission: Permission | None = None

    @classmethod
    def of(cls, form: forms.Form, name: str = "area") -> "AreaField":
        """This field of a form."""
        field = form.fields[name]
        assert isinstance(field, cls)
        return field

    def narrow(self, actor: Actor, *, below: str, permission: Permission | None) -> None:
        """Take areas where `actor` holds `permission` (None: any area at all), offer those at and below `below`."""
        self.actor, self.permission = actor, permission
        if _door and isinstance(self.widget, SuggestInput):
            self.widget.suggestions = _door[0][1](actor, below)

    def clean(self, value: Any) -> str:
        """The code of the area that is meant."""
        text = str(super().clean(value)).strip()
        if not text:
            return ""
        found = [
            code
            for code, path in (_door[0][0](text) if _door else ())
            if self.permission is None or (self.actor is not None and self.actor.may(self.permission, path))
        ]
        if not found:
            raise forms.ValidationError(self.error_messages["unknown"], code="unknown", params={"text": text})
        if len(found) > 1:
            raise forms.ValidationError(self.error_messages["several"], code="several", params={"text": text})
        return found[0]
