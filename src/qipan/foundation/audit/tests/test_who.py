"""Who takes the log away, and how what somebody was denied is entered."""

import json

import pytest
from tests.cast import AT, COUNTY_A, Cast

from qipan.foundation.audit import anchors
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.selectors import list_entries
from qipan.foundation.audit.services import log_export, record_denial
from qipan.terms.errors import BadInput, Denied
from qipan.terms.roles import Actor, Grant, Permission, Role

EVERYWHERE = [Actor(1, 1, (Grant(role, "/"),), role.value) for role in (Role.AUDITOR, Role.PRIVACY_OFFICER)]


@pytest.mark.parametrize("actor", EVERYWHERE, ids=lambda actor: actor.label)
def test_who_audits_everywhere_exports_the_log_and_is_in_it(cast: Cast, tmp_path, actor: Actor) -> None:
    path = tmp_path / "log.jsonl"
    assert log_export(actor=actor, path=path, at=AT, purpose="yearly audit") == 1
    (entry,) = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert (entry["action"], entry["actor_label"], entry["purpose"]) == ("audit.export", actor.label, "yearly audit")
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(BadInput):
        log_export(actor=actor, path=path, at=AT, purpose="again")


@pytest.mark.parametrize("name", ["eva", "lin", "fang", "ma", "alice", "qiu"])
def test_nobody_else_takes_the_log_away(cast: Cast, tmp_path, name: str) -> None:
    path = tmp_path / "log.jsonl"
    with pytest.raises(Denied):
        log_export(actor=cast.actors[name], path=path, at=AT, purpose="curiosity")
    assert not path.exists()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_label, entry.detail) == ("denied", name, {"action": "audit.export"})


def test_a_denial_is_entered_where_it_happened(cast: Cast) -> None:
    place = cast.path(COUNTY_A)
    denied = Denied(Permission.IDENTITY_OPEN, place)
    record_denial(actor=cast.dora, action="identity.open", at=AT, denied=denied)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_user_id, entry.actor_unit_id) == ("denied", cast.dora.user_id, cast.dora.unit_id)
    assert (entry.subject_kind, entry.subject_id, entry.area_path) == ("permission", "identity.open", place)
    assert (entry.at, entry.detail) == (AT, {"action": "identity.open"})
    assert anchors.verify()["verified"]
    # the city's auditor reads of it; he who was denied does not
    assert list(list_entries(cast.eva, action="denied")) == [entry]
    assert not list_entries(cast.dora).exists()
