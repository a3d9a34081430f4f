"""The base of every form: words, hints and errors tied to their fields for those who do not see them."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from qipan.foundation import clock


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


class MomentField(forms.DateTimeField):
    """A moment as it is written at the place: local in the field, an aware instant in the data."""

    def prepare_value(self, value: Any) -> Any:
        """On the clock of the place."""
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(ZoneInfo(clock.civil_zone())).replace(tzinfo=None, second=0, microsecond=0)
        return value

    def clean(self, value: Any) -> Any:
        """What was written, without a zone, is local."""
        moment = super().clean(value)
        if not isinstance(moment, datetime):
            return moment
        # Django has read it in its own zone (UTC): the digits are the place's
        return moment.replace(tzinfo=ZoneInfo(clock.civil_zone()))
