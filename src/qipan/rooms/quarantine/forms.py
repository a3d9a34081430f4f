"""The forms of sites, rooms and stays."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.forms import QipanForm
from qipan.foundation.pages.words import choices
from qipan.rooms.quarantine.models import Room


class SiteForm(QipanForm):
    """A new site."""

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("As it stands at the door."))
    area_code = forms.CharField(
        label=_("Area code"), max_length=20, help_text=_("The county, township or village that the site lies in.")
    )


class RoomsForm(QipanForm):
    """A range of new rooms of one kind."""

    first = forms.CharField(label=_("First room number"), max_length=20, help_text=_("For example 301 or A301."))
    last = forms.CharField(
        label=_("Last room number"), max_length=20, required=False,
        help_text=_("Rooms from the first to this one are added. Leave it empty for one room."),
    )  # fmt: skip
    kind = forms.ChoiceField(label=_("Kind"), choices=())
    capacity = forms.IntegerField(
        label=_("Beds in each room"), min_value=1, max_value=20, initial=1,
        help_text=_("A room of several beds is shared by one household only."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)
        kind.choices = choices(Room.Kind)


class ReasonForm(QipanForm):
    """Why a room is taken out of use."""

    reason = forms.CharField(
        label=_("Reason"), max_length=200, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Damage, disinfection, repair. No names: the log keeps it sealed."),
    )  # fmt: skip


class OpenChoice(forms.TypedChoiceField):
    """A choice that may have gone since the form was opened: whether it still holds, the service says."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(coerce=int, empty_value=None, **kwargs)

    def valid_value(self, value: Any) -> bool:
        """Any id: what was on offer a minute ago is no wrong input, somebody was faster."""
        return str(value).isdecimal() and len(str(value)) < 19


class ReceiveForm(QipanForm):
    """Who arrives, and in which room."""

    order = OpenChoice(label=_("Who has arrived"))
    room = OpenChoice(
        label=_("Room"), required=False,
        help_text=_("Families stay together, everybody else has a room alone; the plainest free room is proposed."),
    )  # fmt: skip


class MoveForm(QipanForm):
    """Into which room."""

    room = OpenChoice(label=_("New room"), help_text=_("Rooms with a bed that this person may have."))
