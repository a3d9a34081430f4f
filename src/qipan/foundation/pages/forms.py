"""The base of every form: words, hints and errors tied to their fields for those who do not see them."""

from typing import Any

from django import forms


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
