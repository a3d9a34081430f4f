"""What other rooms show on a person's page: panels, and things to do, registered by the rooms that own them.

The page of a person lies in the persons room, on a floor below control, investigation, quarantine and the others, and
may not know them. Each of them says in its `apps.ready` what it has to show of a person::

    from qipan.foundation.pages import person_panels

    def ready(self) -> None:
        from qipan.rooms.control.web.person import orders_panel, orders_actions
        person_panels.register("orders", orders_panel, order=20)
        person_panels.register_actions("orders", orders_actions, order=20)

A panel is a function `(actor, person_id, at) -> Panel | None`; actions are a function `(actor, person_id, area_path,
at) -> Sequence[Action]`, where `area_path` is where the person lives. The reader may see the person (`PERSON_VIEW`
where the person lives); what he may see *of* him beyond that is the registering room's business: it asks through its
own scoped selectors and answers None (or nothing) where there is nothing to see or the reader may not see it. A
`Denied` or `Absent` that comes out of one counts as None, so that no panel closes the page. At most three queries a
panel: the whole page has thirty. At most ten rows, the rest behind `Panel.more`.

The orders in use, so that the page reads from what binds to what was found: 10 health code and decision, 20 orders,
30 case and contacts, 40 stays, 50 visits, 60 tests, 70 evidence, 80 appeals.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from qipan.foundation.pages.detail_page import Action, Panel
from qipan.terms.errors import Absent, Denied
from qipan.terms.roles import Actor

#: (actor, person id, at) -> the panel; None where this reader is shown nothing
PersonPanel = Callable[[Actor, int, datetime], Panel | None]
#: (actor, person id, area path, at) -> what this reader may do for this person in the room that registers
PersonActions = Callable[[Actor, int, str, datetime], Sequence[Action]]

_T = TypeVar("_T")
_panels: dict[str, tuple[int, PersonPanel]] = {}
_actions: dict[str, tuple[int, PersonActions]] = {}


def register(name: str, panel: PersonPanel, *, order: int) -> None:
    """Show this panel on every person's page. Raises ValueError where another panel has the name."""
    _add(_panels, name, panel, order)


def register_actions(name: str, actions: PersonActions, *, order: int) -> None:
    """Offer these actions on every person's page. Raises ValueError where others have the name."""
    _add(_actions, name, actions, order)


def panels_of(actor: Actor, person_id: int, at: datetime) -> list[Panel]:
    """The panels of a person that this actor may see, in their order."""
    shown = []
    for _, panel in sorted(_panels.values(), key=lambda entry: entry[0]):
        try:
            made = panel(actor, person_id, at)
        except (Absent, Denied):
            continue
        if made is not None:
            shown.append(made)
    return shown


def actions_of(actor: Actor, person_id: int, area_path: str, at: datetime) -> list[Action]:
    """What this actor may do for a person in the rooms that registered, in their order."""
    offered: list[Action] = []
    for _, actions in sorted(_actions.values(), key=lambda entry: entry[0]):
        try:
            offered += actions(actor, person_id, area_path, at)
        except (Absent, Denied):
            continue
    return offered


def _add(registry: dict[str, tuple[int, _T]], name: str, function: _T, order: int) -> None:
    if registry.setdefault(name, (order, function))[1] is not function:
        raise ValueError(f"{name!r} is registered twice on the person's page")
