"""The base of every form: words, hints and errors tied to their fields for those who do not see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from qipan.foundation import clock
from qipan.foundation.pages.formats import local
from qipan.terms.identity import parse_person_code


class QipanForm(forms.Form):
    """A form whose fields carry `aria-describedby`, and `aria-invalid` once they are wrong."""

    required_css_class = "required"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field.widget, forms.DateInput):
                field.widget.input_type = "date"
                field.widget.format = "%Y-%m-%d"
            if isinstance(field.widget, forms.DateTimeInput):
                field.widget.input_type = "datetime-local"
                field.widget.format = "%Y-%m-%dT%H:%M"
            if name in self.initial and isinstance(field.widget, forms.TextInput):
                field.widget.attrs.setdefault("autocomplete", "off")


class PersonCodeField(forms.CharField):
    """A person's code (P, digits, a check character); its value is the person's id, None where it is left empty."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 24)
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Any:
        """The id. A typing error is found by the check character."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_person_code(text)
        except ValueError:
            raise forms.ValidationError(_("This is no person’s code: P, digits, and a check character.")) from None


class LocalDateTimeField(forms.DateTimeField):
    """A moment as people at the place say it: typed and shown on the local clock, an aware instant inside.

    (Django's own field would take what is typed for UTC, in which the whole installation counts.)
    """

    def to_python(self, value: Any) -> datetime | None:
        """The instant of what was typed. An hour that the clock skips is taken as the one after it."""
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value
        try:
            # past Django's conversion, which would take it for UTC
            typed = forms.Field.to_python(self, value)
            if typed in self.empty_values:
                return None
            moment = typed if isinstance(typed, datetime) else datetime.fromisoformat(str(typed).strip())
        except ValueError:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(clock.civil_zone()))

    def prepare_value(self, value: Any) -> Any:
        """An instant on the local clock."""
        return local(value).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value


class SuggestInput(forms.TextInput):
    """A text with suggestions, (value, words), which the browser offers while one types."""

    template_name = "pages/suggest.html"
    suggestions: Sequence[tuple[str, str]] = ()

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """The input's own context, with the list that it points to."""
        found = super().get_context(name, value, attrs)
        found["widget"]["attrs"]["list"] = f"{found['widget']['attrs'].get('id', name)}_list"
        return {**found, "suggestions": self.suggestions}
