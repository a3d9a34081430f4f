"""The second factor: set up, asked for where it must be, throttled, never replayed, recovered, reset."""

import re
import time

import pytest
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from tests.cast import AT

from qipan.foundation.access import second_factor, services
from qipan.foundation.audit.models import AuditEntry
from qipan.terms.errors import Absent, Denied, Refused

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


def code_of(key: str, ahead: int = 0) -> str:
    totp = TOTP(bytes.fromhex(key))
    totp.time = time.time() + 30 * ahead
    return f"{totp.token():06d}"


@pytest.fixture
def sign_in(browse, cast):
    def entered(name: str) -> Client:
        services.password_set(actor=cast.fang if name != "fang" else _other(cast), user=cast.users[name],
                              password=PASSWORD, at=AT, temporary=False)  # fmt: skip
        cast.users[name].refresh_from_db()
        return browse(name, verified=False)

    return entered


def _other(cast):
    from qipan.rooms.organizations.selectors import INSTALLER

    return INSTALLER


def enrol(client: Client, url: str = "/second-factor"):
    client.get(url)
    key = client.session["second_factor_key"]
    return key, client.post(url, {"code": code_of(key), "password": PASSWORD})


def test_it_is_set_up_with_a_picture_or_a_typed_key_and_gives_recovery_codes(sign_in):
    alice = sign_in("alice")
    page = alice.get("/second-factor?next=%2Fareas%2F%3Fexport%3D1").content.decode()
    assert "data:image/png;base64," in page
    key = alice.session["second_factor_key"]
    assert second_factor.manual_key(key) in page
    assert key not in page
    before = alice.cookies["sessionid"].value
    answer = alice.post("/second-factor?next=%2Fareas%2F%3Fexport%3D1", {"code": code_of(key), "password": PASSWORD})
    assert answer.status_code == 200
    codes = re.findall(r"<li><code>(\w{8})</code>", answer.content.decode())
    assert len(set(codes)) == 10
    assert 'href="/areas/?export=1"' in answer.content.decode()
    assert alice.cookies["sessionid"].value != before
    assert alice.get("/areas/?export=1").status_code == 200
    assert "second_factor.enrol" in AuditEntry.objects.values_list("action", flat=True)
    assert not [entry for entry in AuditEntry.objects.values() if key in str(entry) or codes[0] in str(entry)]


def test_setting_it_up_asks_for_the_password(sign_in):
    alice = sign_in("alice")
    alice.get("/second-factor")
    key = alice.session["second_factor_key"]
    assert alice.post("/second-factor", {"code": code_of(key), "password": "wrong wrong"}).status_code == 400
    assert alice.post("/second-factor", {"code": "000000", "password": PASSWORD}).status_code == 400
    assert not TOTPDevice.objects.exists()


def test_a_code_opens_once(sign_in, browse, cast):
    key, _ = enrol(sign_in("alice"))
    cast.users["alice"].refresh_from_db()
    other = browse("alice", verified=False)
    assert other.get("/areas/?export=1").headers["Location"] == "/second-factor?next=%2Fareas%2F%3Fexport%3D1"
    replayed = other.post("/second-factor", {"code": code_of(key)})
    assert replayed.status_code == 400
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    answer = other.post("/second-factor?next=%2Fareas%2F%3Fexport%3D1", {"code": code_of(key, 1)})
    assert answer.headers["Location"] == "/areas/?export=1"
    assert other.get("/areas/?export=1").status_code == 200


def test_wrong_codes_are_slowed_down(sign_in, browse, cast):
    key, _ = enrol(sign_in("alice"))
    other = browse("alice", verified=False)
    for _try in range(3):
        assert other.post("/second-factor", {"code": "000000"}).status_code == 400
        TOTPDevice.objects.update(throttling_failure_timestamp="2020-01-01T00:00:00Z")
    assert TOTPDevice.objects.get().throttling_failure_count == 3
    other.post("/second-factor", {"code": "000000"})
    too_soon = other.post("/second-factor", {"code": code_of(key, 1)})
    assert too_soon.status_code == 400
    assert re.search(r"Wait [5-8] s", too_soon.content.decode())
    assert AuditEntry.objects.filter(action="second_factor.failed").count() == 4


def test_a_recovery_code_opens_once_and_lets_another_device_in(sign_in, browse):
    _, answer = enrol(sign_in("alice"))
    codes = re.findall(r"<li><code>(\w{8})</code>", answer.content.decode())
    lost = browse("alice", verified=False)
    assert lost.get("/account/second-factor").headers["Location"].startswith("/second-factor?")
    assert lost.post("/second-factor", {"code": codes[0].upper()}).status_code == 302
    again = browse("alice", verified=False)
    assert again.post("/second-factor", {"code": codes[0]}).status_code == 400
    key, done = enrol(lost, "/account/second-factor")
    assert done.status_code == 200
    assert TOTPDevice.objects.get().key == key
    assert StaticToken.objects.count() == 10
    assert not StaticToken.objects.filter(token=codes[1]).exists()


def test_new_recovery_codes_void_the_old_ones(sign_in):
    alice = sign_in("alice")
    assert alice.get("/account/recovery-codes").headers["Location"].startswith("/second-factor")
    _, answer = enrol(alice)
    old = re.findall(r"<li><code>(\w{8})</code>", answer.content.decode())
    new = re.findall(r"<li><code>(\w{8})</code>", alice.post("/account/recovery-codes").content.decode())
    assert len(new) == 10
    assert not set(old) & set(new)


def test_an_administrator_does_nothing_administrative_without_it(browse, cast):
    fang = browse("fang", verified=False)
    url = "/users/alice/second-factor-reset"
    assert fang.get(url).headers["Location"] == f"/second-factor?next={url.replace('/', '%2F')}"
    assert fang.post(url, {"reason": "x", "confirmed": "1"}).status_code == 302
    assert browse("fang").get(url).status_code == 200


def test_an_administrator_resets_a_lost_one(sign_in, browse):
    enrol(sign_in("alice"))
    fang = browse("fang")
    url = "/users/alice/second-factor-reset"
    asked = fang.post(url, {"reason": "phone lost"})
    assert "call back" in asked.content.decode()
    assert TOTPDevice.objects.filter(user__username="alice").exists()
    assert fang.post(url, {"reason": "phone lost", "confirmed": "1"}).status_code == 302
    assert not TOTPDevice.objects.filter(user__username="alice").exists()
    assert not StaticToken.objects.exists()
    entry = AuditEntry.objects.get(action="second_factor.reset")
    assert "phone lost" not in str(entry.detail)
    assert fang.post(url, {"reason": "again", "confirmed": "1"}).status_code == 400


@pytest.mark.parametrize("name", ["alice", "eva", "ma"])
def test_nobody_else_resets_it(browse, name):
    assert browse(name).get("/users/bob/second-factor-reset").status_code == 404
    assert browse(name).get("/users/nobody/second-factor-reset").status_code == 404


def test_the_services_know_whose_it_is(cast):
    key = second_factor.new_key()
    with pytest.raises(Absent):
        second_factor.second_factor_enrol(actor=cast.bob, user=cast.users["alice"], key=key, code=code_of(key), at=AT)
    with pytest.raises(Absent):
        second_factor.second_factor_verify(actor=cast.bob, user=cast.users["alice"], code="1", at=AT)
    with pytest.raises(Absent):
        second_factor.recovery_codes_make(actor=cast.bob, user=cast.users["alice"], at=AT)
    with pytest.raises(Refused):
        second_factor.recovery_codes_make(actor=cast.alice, user=cast.users["alice"], at=AT)
    with pytest.raises(Denied):
        second_factor.second_factor_reset(actor=cast.dora, user=cast.users["alice"], reason="x", at=AT)
    with pytest.raises(Refused):
        second_factor.second_factor_reset(actor=cast.fang, user=cast.users["fang"], reason="x", at=AT)
