"""One's own account."""

import pytest
from tests.cast import AT

from qipan.foundation.access import services
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.pages.models import SavedView

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_it_shows_roles_duty_and_views(browse, cast, language, django_assert_max_num_queries):
    alice = browse("alice", language=language)
    alice.post("/areas/?level=county", {"act": "save-view", "name": "Counties"})
    with django_assert_max_num_queries(30):
        page = alice.get("/account")
    text = page.content.decode()
    assert page.status_code == 200
    assert "alice" in text
    assert "Counties" in text
    assert ("Demonstration Hubin CDC" if language == "en" else "演示·湖滨区疾控中心") in text


def test_a_view_is_forgotten_by_its_owner_alone(browse):
    alice = browse("alice")
    alice.post("/areas/?level=county", {"act": "save-view", "name": "Counties"})
    view = SavedView.objects.get()
    assert browse("dora").post("/account", {"view": view.pk}).status_code == 404
    for junk in ("", "x", "-1", "9" * 30):
        assert alice.post("/account", {"view": junk}).status_code == 404
    assert alice.post("/account", {"view": view.pk}).status_code == 302
    assert not SavedView.objects.exists()


def test_name_and_language_are_ones_own_matter(browse, cast):
    alice = browse("alice")
    assert alice.get("/account/edit").status_code == 200
    answer = alice.post("/account/edit", {"display_name": "王 爱丽", "language": "zh-hans"})
    assert answer.status_code == 302
    assert answer.cookies["qipan_language"].value == "zh-hans"
    user = cast.users["alice"]
    user.refresh_from_db()
    assert (user.display_name, user.language) == ("王 爱丽", "zh-hans")
    for wrong in ({"display_name": "", "language": "en"}, {"display_name": "x", "language": "tlh"}, {}):
        assert alice.post("/account/edit", wrong).status_code == 400
    assert AuditEntry.objects.filter(action="user.edit").count() == 1


def test_a_new_password_asks_for_the_old_one_and_ends_other_sessions(browse, cast):
    services.password_set(actor=cast.fang, user=cast.users["alice"], password=PASSWORD, at=AT, temporary=False)
    here, there = browse("alice"), browse("alice")
    new = {"new": "another long password", "again": "another long password"}
    assert here.post("/account/password", {"old": "wrong wrong wrong", **new}).status_code == 400
    assert here.post("/account/password", {"old": PASSWORD, "new": "short", "again": "short"}).status_code == 400
    assert here.post("/account/password", {"old": PASSWORD, "new": PASSWORD, "again": PASSWORD}).status_code == 400
    assert here.post("/account/password", {"old": PASSWORD, "new": "another long one", "again": "x"}).status_code == 400
    assert here.post("/account/password", {"old": PASSWORD, **new}).status_code == 302
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 302
    entry = AuditEntry.objects.filter(action="user.password").latest("seq")
    assert entry.actor_user_id == cast.users["alice"].pk


def test_the_pages_speak_chinese(browse):
    text = browse("alice", language="zh-hans").get("/account/password").content.decode()
    assert 'lang="zh-Hans"' in text


def test_services_of_ones_own_account(cast):
    from qipan.rooms.organizations.selectors import INSTALLER
    from qipan.terms.errors import Absent, BadInput

    with pytest.raises(Absent):
        services.own_account_edit(actor=INSTALLER, display_name="x", language="en", at=AT)
    with pytest.raises(BadInput):
        services.own_account_edit(actor=cast.alice, display_name=" ", language="en", at=AT)
