"""The base of every form: words, hints and errors tied to their fields for those who do not see them."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

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
