"""Naming an area in a form: by its code or its whole name, with those nearby to choose from."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.formats import is_chinese
from qipan.foundation.pages.forms import SuggestInput
from qipan.rooms.geography.selectors import areas_named, list_areas
from qipan.terms.areas import AreaLevel
from qipan.terms.roles import Actor, Permission

#: areas offered while one types
_OFFERED = 300


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

    def narrow(
        self, actor: Actor, *, below: str, permission: Permission | None, level: AreaLevel | None = None
    ) -> None:
        """Take areas where `actor` holds `permission` (None: any area at all), offer those at and below `below`."""
        self.actor, self.permission = actor, permission
        offered = list_areas(actor, below, level)[:_OFFERED]
        chinese = is_chinese()
        if isinstance(self.widget, SuggestInput):
            self.widget.suggestions = [
                (area.code, area.name_zh if chinese else area.name_en or area.name_zh) for area in offered
            ]

    def clean(self, value: Any) -> str:
        """The code of the area that is meant."""
        text = str(super().clean(value)).strip()
        if not text:
            return ""
        found = [
            area
            for area in areas_named(text)
            if self.permission is None or (self.actor is not None and self.actor.may(self.permission, area.path))
        ]
        if not found:
            raise forms.ValidationError(self.error_messages["unknown"], code="unknown", params={"text": text})
        if len(found) > 1:
            raise forms.ValidationError(self.error_messages["several"], code="several", params={"text": text})
        return found[0].code
