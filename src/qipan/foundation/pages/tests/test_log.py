"""The desk of the log over HTTP."""

import json
import re

import pytest
from django.conf import settings
from tests.cast import COUNTY_A, COUNTY_B, TOWNSHIP_A1

from qipan.foundation.audit import verify_log
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.reasons import seal_reason
from qipan.foundation.audit.services import audited
from qipan.foundation.jobs.models import Job
from qipan.foundation.jobs.services import job_claim, job_run
from qipan.rooms.organizations.models import Membership
from qipan.terms.identity import person_code

pytestmark = pytest.mark.django_db
REASON = "He wrote a name: 演示·张"


@pytest.fixture(autouse=True)
def own_var(monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "VAR", tmp_path / "var")


@pytest.fixture
def entries(cast, at):
    """A few entries in both counties; the first has a sealed reason."""
    with audited(actor=cast.alice, action="case.discard", at=at) as entry:
        sealed = seal_reason(REASON, write_id=entry.write_id)
        entry.about("case", 7, area_path=cast.path(TOWNSHIP_A1), detail={"reason": sealed, "rows": 3, "of": {"a": 1}})
    with audited(actor=cast.dora, action="evidence.record", at=at) as entry:
        entry.about("person", cast.tao, area_path=cast.path(COUNTY_B))
    with audited(actor=cast.alice, action="evidence.record", at=at) as entry:
        entry.about("person", cast.xia, area_path=cast.path(COUNTY_A))
    return list(AuditEntry.objects.order_by("seq"))


def text(answer) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def shown(answer) -> set[int]:
    return {int(seq) for seq in re.findall(r'data-href="/log/(\d+)/', answer.content.decode())}


def everywhere(cast, name: str) -> None:
    Membership.objects.filter(user=cast.users[name]).update(area=None, area_path="/")


def test_the_log_is_for_auditors_and_privacy_officers_of_the_area(browse, cast, entries):
    assert shown(browse("eva").get("/log/")) == {1, 2, 3}
    for name in ("alice", "fang", "ma", "hu"):
        for url in ("/log/", "/log/1/", "/log/export/"):
            assert browse(name).get(url).status_code == 404
    Membership.objects.filter(user=cast.users["lin"]).update(
        area_id=cast.areas[COUNTY_A].id, area_path=cast.path(COUNTY_A)
    )
    assert shown(browse("lin").get("/log/")) == {1, 3}
    assert browse("lin").get("/log/2/").status_code == 404
    assert browse("lin").get("/log/1/").status_code == 200


@pytest.mark.parametrize(
    ("query", "seqs"),
    [
        ("action=evidence.record", {2, 3}),
        ("action=case.", {1}),
        ("action=nothing", set()),
        ("about=case", {1}),
        ("about=case+7", {1}),
        ("about=case+8", set()),
        ("about=PERSON", {3}),
        ("who=dora", {2}),
        ("who=nobody", set()),
        ("days_from=2022-07-20&days_to=2022-07-20", {1, 2, 3}),
        ("days_from=2022-07-21", set()),
        (f"area={COUNTY_B}", {2}),
    ],
)
def test_it_is_filtered(browse, cast, entries, query, seqs):
    query = query.replace("PERSON", person_code(cast.xia))
    assert shown(browse("eva").get(f"/log/?{query}")) == seqs


@pytest.mark.parametrize("query", ["sort=at", "page=zzz", "days_from=x", "days_from=2022-07-21&days_to=2022-07-20"])
def test_a_wrong_address_is_answered_in_words(browse, entries, query):
    assert browse("eva").get(f"/log/?{query}").status_code == 400


def test_an_entry_shows_everything_but_sealed_words(browse, entries):
    page = text(browse("eva").get("/log/1/"))
    for said in (entries[0].hash, entries[0].prev_hash, "a: 1", "sealed", "/log/2/"):
        assert said in page
    assert REASON not in page
    assert entries[0].detail["reason"] not in page
    assert browse("eva").get("/log/999/").status_code == 404
    assert browse("eva").get("/log/99999999999999999999999/").status_code == 404


def test_sealed_words_are_read_for_a_purpose_and_that_is_an_entry(browse, cast, entries):
    eva = browse("eva")
    assert eva.post("/log/1/", {"purpose": "x"}).status_code == 400
    assert eva.post("/log/2/", {"purpose": "A complaint of a resident"}).status_code == 400
    assert AuditEntry.objects.count() == 3
    page = eva.post("/log/1/", {"purpose": "A complaint of a resident"})
    assert REASON in text(page)
    entry = AuditEntry.objects.get(action="audit.reason_open")
    assert (entry.purpose, entry.subject_kind, entry.subject_id) == ("A complaint of a resident", "entry", "1")
    assert REASON not in json.dumps(entry.detail)
    assert browse("alice").post("/log/1/", {"purpose": "A complaint of a resident"}).status_code == 404


def verify(browser, at) -> Job:
    assert browser.post("/log/", {"act": "verify"}).status_code == 302
    job = job_claim(worker="test", at=at)
    return job_run(job, now=lambda: at)


def test_verify_now_runs_as_a_job_and_shows_what_came_of_it(browse, cast, at, entries):
    lin = browse("lin")
    assert "Nobody has verified the log here yet." in text(lin.get("/log/"))
    folder = settings.VAR / "anchors"
    folder.mkdir(parents=True)
    anchor = {"seq": 2, "hash": entries[1].hash, "at": "2022-07-20T04:00:00.000000Z"}
    (folder / "log.jsonl").write_text(json.dumps(anchor) + "\n")
    done = verify(lin, at)
    assert done.result["verified"] is True
    page = text(lin.get("/log/"))
    assert "✓ verified" in page
    assert "1 anchor held, the newest at entry 2" in page
    assert lin.get(f"/jobs/{done.pk}/").status_code == 200
    assert browse("alice").post("/log/", {"act": "verify"}).status_code == 404

    # an anchor that contradicts: the log was chained anew
    (folder / "log.jsonl").write_text(json.dumps({**anchor, "hash": "0" * 64}) + "\n")
    assert verify(lin, at).result["verified"] is False
    assert "does not verify" in text(lin.get("/log/"))


def test_the_whole_log_leaves_only_for_those_who_see_all_of_it(browse, cast, entries, tmp_path):
    assert browse("eva").get("/log/export/").status_code == 404
    assert "/log/export/" not in text(browse("eva").get("/log/"))
    everywhere(cast, "eva")
    assert browse("eva", verified=False).get("/log/export/").headers["Location"].startswith("/second-factor")
    eva = browse("eva")
    assert "/log/export/" in text(eva.get("/log/"))
    assert eva.post("/log/export/", {"purpose": "x"}).status_code == 400
    file = eva.post("/log/export/", {"purpose": "Yearly audit by the province"})
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"".join(file.streaming_content))
    report = verify_log.check_chain(verify_log.read_log(path), {})
    assert report["verified"]
    assert report["entries"] == 4
    assert list((settings.VAR / "exports").iterdir()) == []


def test_queries_stay_few_and_chinese_is_spoken(browse, entries, django_assert_max_num_queries):
    eva = browse("eva", language="zh-hans")
    for url in ("/log/", "/log/1/", "/log/?action=case.&about=case"):
        with django_assert_max_num_queries(30):
            assert eva.get(url).status_code == 200
