"""Jobs in words: states, kinds, errors, results."""

import re
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from qipan.foundation.jobs.models import Job
from qipan.foundation.jobs.registry import job_kind
from qipan.foundation.pages import formats
from qipan.foundation.pages.page import Words
from qipan.foundation.pages.words import Grave, register_words

register_words(
    Job.State,
    {
        "waiting": (_("waiting"), Grave.INFO),
        "running": (_("running"), Grave.INFO),
        "done": (_("done"), Grave.GOOD),
        "failed": (_("failed"), Grave.ALARM),
        "cancelled": (_("cancelled"), Grave.QUIET),
    },
)

#: keys of results in words; others are shown as they are
_KEYS: dict[str, Words] = {
    "batch": _("Batch"), "kind": _("Kind"), "declared": _("Rows declared"), "accepted": _("Accepted"),
    "rejected": _("Rejected"), "duplicate": _("Duplicate"), "verified": _("Verified"), "entries": _("Entries"),
    "anchors": _("Anchors"), "last_anchor": _("Newest anchor"), "findings": _("Findings"),
    "more": _("Further findings"), "date": _("Day"), "changed": _("Changed"), "state": _("State"), "steps": _("Steps"),
    "head": _("Newest entry"),
}  # fmt: skip
_PLACEHOLDER = re.compile(r"%\(\w+\)s")


def kind_title(name: str) -> str:
    """What a kind of job does."""
    kind = job_kind(name)
    return gettext(kind.title) if kind is not None and kind.title else name


def share_of(job: Job) -> str | None:
    """How much of a job is done; None where nobody knows."""
    if not job.progress_total:
        return None
    return f"{100 * job.progress_done // job.progress_total}\u202f%"


def error_text(error: str) -> str:
    """A job's error in the reader's language. Jobs keep message ids, never what fills them (it may be personal)."""
    if not error:
        return ""
    kind, colon, message = error.partition(": ")
    if not colon:
        if error == "the worker was lost":
            return gettext("The worker was lost while it ran, more often than a job is tried.")
        return gettext("A defect of ours or of this machine stopped it: %(what)s.") % {"what": kind}
    return _PLACEHOLDER.sub("…", gettext(message))


def _key(key: str) -> Words:
    return _KEYS.get(key) or key


def result_rows(result: Any) -> list[tuple[Words, str]]:
    """(what, value) of a result, for a table."""
    if not isinstance(result, dict):
        return []
    rows: list[tuple[Words, str]] = []
    for key, value in result.items():
        if key == "steps" and isinstance(value, list):
            rows += [(str(step.get("name", "")), _flat(step.get("counts"))) for step in value if isinstance(step, dict)]
        else:
            rows.append((_key(str(key)), _flat(value)))
    return rows


def _flat(value: Any) -> str:
    if value is None or value in ([], {}):
        return formats.NO_DATA
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, int | float):
        return formats.number(value, 3)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_flat(each)}" for key, each in value.items())
    if isinstance(value, list):
        return "; ".join(_flat(each) for each in value)
    return str(value)
