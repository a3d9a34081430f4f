"""What the log's actions are called: each `audited(action=…)` in words."""

from django.utils.translation import gettext_lazy as _

from qipan.foundation.pages.page import Words

_WORDS: dict[str, Words] = {
    "anchor.write": _("the log's head was written down"),
    "appeal.decide": _("an appeal was answered"),
    "appeal.open": _("an appeal was opened"),
    "appeals.release": _("appeals past their clock were released"),
    "areas.load": _("areas were loaded"),
    "audit.export": _("the log was exported"),
    "backup.restore": _("a backup was put back"),
    "backup.write": _("a backup was written"),
    "batch.chunk": _("rows of a file were taken in"),
    "batch.close": _("a file was taken in to its end"),
    "batch.open": _("a file was opened for intake"),
    "batch.void": _("a batch was taken back"),
    "case.confirm": _("a case was confirmed"),
    "case.discard": _("a case was discarded"),
    "contact.add": _("a contact was added"),
    "decisions.refresh": _("decisions were made again"),
    "denied": _("something was refused to somebody"),
    "duty.assign": _("somebody was put on duty"),
    "evidence.record": _("a fact was recorded"),
    "evidence.void": _("a fact was taken back"),
    "identity.open": _("identities were opened"),
    "identity.search": _("somebody was searched for by name, number or phone"),
    "indicators.store": _("the day's figures were kept"),
    "membership.end": _("a role was ended"),
    "membership.grant": _("a role was given"),
    "person.purge": _("a person's identity was destroyed"),
    "person.register": _("a person was registered"),
    "rows.export": _("rows were exported"),
    "stay.arrive": _("somebody arrived at a site"),
    "stay.depart": _("somebody left a site"),
    "task_force.open": _("a task force was opened"),
    "unit.create": _("a unit was made"),
    "user.create": _("an account was made"),
    "view.save": _("a view was saved"),
    "view.forget": _("a view was forgotten"),
    "visit.record": _("a visit was recorded"),
}


def action_words(action: str) -> Words:
    """An action in words; its own name where it has none."""
    return _WORDS.get(action, action)
