"""The import wizard over HTTP: a dirty workbook from the laboratory to totals and rejects."""

import csv
import io
import re
import stat
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.cast import COUNTY_A, COUNTY_B

from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.intake import running, uploads
from qipan.foundation.intake.models import Batch
from qipan.foundation.jobs.models import Job
from qipan.foundation.jobs.services import job_claim, job_run
from qipan.foundation.pages.tests.files import dirty_workbook, results_csv
from qipan.rooms.testing.models import TestResult

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_var(monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "VAR", tmp_path / "var")


def text(answer) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def send(browser, content: bytes, name: str = "结果.xlsx", *, kind: str = "tests", source: str = "city-lab"):
    """Choose a file; answers with the page of what was understood, or the form that says what is wrong."""
    answer = browser.post(
        "/imports/new/", {"kind": kind, "source": source, "file": SimpleUploadedFile(name, content)}, follow=True
    )
    return answer, answer.redirect_chain[-1][0].split("?")[0] if answer.redirect_chain else ""


def take_in(browser, content: bytes, name: str = "f.csv", **options):
    _, url = send(browser, content, name, **options)
    answer = browser.post(url, {"act": "columns"})
    assert answer.status_code == 302, text(answer)
    return browser.post(f"{url}preview/", follow=True), url


def run_jobs(at):
    ran = []
    while (job := job_claim(worker="test", at=at)) is not None:
        ran.append(job_run(job, now=lambda: at))
    return ran


def test_a_dirty_chinese_workbook_walks_to_totals_and_rejects(browse, cast):
    hu = browse("hu")
    page, url = send(hu, dirty_workbook(cast))
    said = text(page)
    assert page.status_code == 200
    assert "Row 2 holds the headers" in said
    assert "Kept aside, not read: 备注" in said
    assert "not read: 说明" in said
    assert "7 (and 1 empty)" in said
    assert 'value="标本编号" selected' in said

    assert hu.post(url, {"act": "columns"}).headers["Location"].startswith(f"{url}preview/")
    page = hu.get(f"{url}preview/")
    said = text(page)
    for reason in ("stored as a number", "There is no such person", "before the sampling", "The value is none of"):
        assert reason in said
    assert '<td class="wrong">20220719001' in said
    assert "2022-07-19 08:30" in said  # the serial number and the digits of full width, understood
    assert TestResult.objects.count() == 0

    page = hu.post(f"{url}preview/", follow=True)
    batch = Batch.objects.get()
    assert page.redirect_chain[-1][0] == f"/imports/{batch.pk}/"
    assert (batch.declared, batch.accepted, batch.rejected, batch.duplicate) == (7, 3, 4, 0)
    assert TestResult.objects.count() == 3
    assert "stored as a number" in text(page)
    assert not list((settings.VAR / "uploads").iterdir())
    assert hu.get(url).status_code == 404  # done: the file is gone

    # the rejects, taken away: names people, so behind the second factor, and in the log
    assert browse("hu", verified=False).post(f"/imports/{batch.pk}/rejects/").headers["Location"].startswith("/second")
    file = hu.post(f"/imports/{batch.pk}/rejects/")
    content = b"".join(file.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [row["rejected_row"] for row in rows] == ["6", "7", "8", "10"]
    assert AuditEntry.objects.filter(action="batch.rejects_export", actor_label="hu").count() == 1

    # mended and sent again as it is
    zhu = rows[2]["人员编号"]
    mended = content.replace("20220719001", "S1-4").replace("P0000000000", zhu).replace("什么", "阴性")
    mended = mended.replace("2022-07-19 07:00", "2022-07-19 19:00")
    assert f'href="/imports/new/?kind=tests&amp;from={batch.pk}' in text(page)
    assert 'value="city-lab"' in text(hu.get(f"/imports/new/?kind=tests&from={batch.pk}"))
    _, _ = take_in(hu, mended.encode(), "mended.csv")
    again = Batch.objects.order_by("-pk").first()
    assert (again.declared, again.accepted, again.rejected, again.duplicate) == (4, 4, 0, 0)


def test_the_same_file_again_is_all_duplicates_and_says_so(browse, cast):
    hu = browse("hu")
    take_in(hu, results_csv(cast, 3))
    answer, _ = take_in(hu, results_csv(cast, 3))
    batch = Batch.objects.order_by("-pk").first()
    assert (batch.declared, batch.accepted, batch.duplicate) == (3, 0, 3)
    assert "Every row of this file was here before: nothing changed." in text(answer)


def test_gb18030_is_read_and_said(browse, cast):
    page, url = send(browse("hu"), results_csv(cast, 2, encoding="gb18030"), "结果.csv")
    assert "it is not UTF-8, and every byte is valid GB18030" in text(page)


def zip_bomb() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 30_000_000)
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.pdf", b"%PDF-1.7 whatever", "is a PDF file, not a table"),
        ("b.csv", b"", "is empty"),
        ("c.xlsx", b"PK\x03\x04 not a workbook", "damaged workbook"),
        ("d.csv", b"specimen_id,person_id\n\xff\xff\xff,1\n", "neither UTF-8 nor GB18030"),
        ("e.xls", b"\xd0\xcf\x11\xe0" + b"\0" * 600, "old (.xls) or password-protected"),
        ("f.csv", b'a,"b\n1,2\n', "quotation mark"),
    ],
)
def test_wrong_files_are_answered_in_words(browse, name, content, said):
    page, _ = send(browse("hu"), content, name)
    assert page.status_code == 400
    assert said in text(page)
    assert Batch.objects.count() == 0


def test_a_zip_bomb_is_refused(browse):
    page, _ = send(browse("hu"), zip_bomb(), "bomb.xlsx")
    assert page.status_code == 400
    assert 'role="alert"' in text(page)
    assert "bomb.xlsx" in text(page)


def test_a_file_too_large_is_refused_and_nothing_stays(browse, cast, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_BYTES", 1024 * 1024)
    page, _ = send(browse("hu"), b"x" * (1024 * 1024 + 1), "big.csv")
    assert page.status_code == 400
    assert "big.csv has more than 1 MB" in text(page)
    assert list((settings.VAR / "uploads").iterdir()) == []


def test_a_file_that_ends_where_spreadsheets_cut_asks_for_the_senders_count(browse, cast, monkeypatch):
    from qipan.foundation.intake import totals, understanding

    monkeypatch.setattr(totals, "ROW_LIMITS", (5,))
    monkeypatch.setattr(understanding, "ROW_LIMITS", (5,))
    hu = browse("hu")
    page, url = send(hu, results_csv(cast, 5), "f.csv")
    assert "there spreadsheets cut files off" in text(page)
    assert hu.post(url, {"act": "columns"}).status_code == 400
    assert hu.post(url, {"act": "columns", "confirm_rows": "x"}).status_code == 400
    assert hu.post(url, {"act": "columns", "confirm_rows": "6"}).status_code == 302
    page = hu.get(f"{url}preview/", follow=True)
    assert "the sender counted 6" in text(page)
    assert hu.post(url, {"act": "columns", "confirm_rows": "5"}).status_code == 302
    hu.post(f"{url}preview/")
    assert Batch.objects.get().accepted == 5


def test_missing_columns_are_chosen_and_remembered_for_the_source(browse, cast):
    hu = browse("hu")
    content = results_csv(cast, 2).replace(b"specimen_id", b"tube").replace(b"result,lab", b"outcome,lab")
    page, url = send(hu, content, "f.csv")
    assert "Missing: specimen_id, result" in text(page)
    assert hu.post(url, {"act": "columns"}).status_code == 400
    assert hu.post(url, {"act": "columns", "col-result": "nonsense"}).status_code == 400
    assert hu.post(url, {"act": "columns", "col-specimen_id": "tube", "col-result": "outcome"}).status_code == 302
    hu.post(f"{url}preview/")
    batch = Batch.objects.get()
    assert batch.mapping["columns"] == {"specimen_id": "tube", "result": "outcome"}
    assert batch.accepted == 2
    page, _ = send(hu, content.replace(b"T0000", b"U0000"), "g.csv")
    assert f"as batch {batch.pk} of this source was read" in text(page)
    assert "Missing" not in text(page)


def test_a_shipped_mapping_reads_a_foreign_line_list(browse, cast):
    header = b"CaseID,date_onset_symptoms,date_confirmation,sex,age,outcome,date_discharge\n"
    content = header + b"1,2022-01-22,2022-01-23,M,66,,\n"
    alice = browse("alice")
    page, url = send(alice, content, "sg.csv", kind="cases", source="sg")
    assert "Missing: case_id" in text(page)
    page = alice.post(url, {"act": "read", "mapping": "shipped:singapore_2020_cases"}, follow=True)
    assert "Missing" not in text(page)
    assert "the same in every row" in text(page)
    assert alice.post(url, {"act": "read", "mapping": "shipped:../../etc/passwd"}).status_code == 400
    assert alice.post(url, {"act": "read", "mapping": "batch:99999"}).status_code == 400
    assert alice.post(url, {"act": "columns"}).status_code == 302
    alice.post(f"{url}preview/")
    assert Batch.objects.get().accepted == 1


WRONG = [{"header_row": "0"}, {"header_row": "x"}, {"header_row": "99"}, {"time_zone": "Mars"}]


@pytest.mark.parametrize("data", WRONG)
def test_a_wrong_header_row_or_zone_is_answered_in_words(browse, cast, data):
    hu = browse("hu")
    _, url = send(hu, results_csv(cast, 2), "f.csv")
    answer = hu.post(url, {"act": "read", "mapping": "names", **data})
    assert answer.status_code == 400
    assert 'role="alert"' in text(answer)


def test_a_large_file_is_taken_in_by_a_job_that_may_be_killed(browse, cast, at, monkeypatch):
    monkeypatch.setattr(running.upload_start, "__kwdefaults__", {"small": 5})
    from qipan.foundation.intake import chunks, services

    monkeypatch.setattr(chunks, "CHUNK_ROWS", 10)
    hu = browse("hu")
    answer, url = take_in(hu, results_csv(cast, 30))
    job = Job.objects.get()
    assert answer.redirect_chain[-1][0] == f"/imports/running/{job.pk}/"
    assert "It waits for a worker." in text(answer)
    assert f'href="/imports/running/{job.pk}/"' in text(hu.get("/imports/"))
    assert hu.get(f"/imports/running/{job.pk}/?part=1").status_code == 200

    # the worker dies in the middle: between two chunks
    class Killed(BaseException):
        pass

    real, done = services.chunks.chunk_commit, []

    def dying(*arguments):
        if len(done) == 1:
            raise Killed
        done.append(1)
        return real(*arguments)

    claimed = job_claim(worker="first", at=at)
    with monkeypatch.context() as patch:
        patch.setattr(services.chunks, "chunk_commit", dying)
        with pytest.raises(Killed):
            job_run(claimed, now=lambda: at)
    batch = Batch.objects.get()
    assert (batch.state, batch.accepted) == ("open", 10)
    [ran] = run_jobs(at)
    batch.refresh_from_db()
    assert (ran.state, batch.state) == ("done", "complete")
    assert (batch.declared, batch.accepted, batch.duplicate) == (30, 30, 0)
    assert ran.result["accepted"] == 30
    assert hu.get(f"/imports/running/{job.pk}/").headers["Location"] == f"/imports/{batch.pk}/"
    assert list((settings.VAR / "uploads").iterdir()) == []


def test_a_job_that_died_after_its_last_chunk_reports_the_batch_and_takes_nothing_twice(browse, cast, at, monkeypatch):
    monkeypatch.setattr(running.upload_start, "__kwdefaults__", {"small": 1})
    hu = browse("hu")
    take_in(hu, results_csv(cast, 3))
    claimed = job_claim(worker="first", at=at)

    class Killed(BaseException):
        pass

    def died(upload):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(uploads, "upload_delete", died)
        with pytest.raises(Killed):
            job_run(claimed, now=lambda: at)
    [ran] = run_jobs(at)
    assert (ran.state, ran.result["accepted"], Batch.objects.count()) == ("done", 3, 1)


def test_a_job_acts_with_the_rights_of_its_starter_at_the_time(browse, cast, at, monkeypatch):
    from qipan.rooms.organizations.models import Membership

    monkeypatch.setattr(running.upload_start, "__kwdefaults__", {"small": 1})
    take_in(browse("hu"), results_csv(cast, 3))
    Membership.objects.filter(user=cast.users["hu"]).update(ends_on=at.date().replace(day=1))
    [ran] = run_jobs(at)
    assert ran.state == "failed"
    assert Batch.objects.count() == 0


def test_a_job_is_cancelled_by_its_owner_alone_and_gone_on_with(browse, cast, at, monkeypatch):
    monkeypatch.setattr(running.upload_start, "__kwdefaults__", {"small": 1})
    hu = browse("hu")
    take_in(hu, results_csv(cast, 3))
    job = Job.objects.get()
    assert browse("ning").get(f"/imports/running/{job.pk}/").status_code == 404
    assert browse("ning").post(f"/jobs/{job.pk}/cancel/", {"confirmed": "1"}).status_code == 404
    asked = hu.post(f"/jobs/{job.pk}/cancel/")
    assert "Before you confirm" in text(asked)
    hu.post(f"/jobs/{job.pk}/cancel/", {"confirmed": "1"})
    assert run_jobs(at) == []
    page = hu.get(f"/imports/running/{job.pk}/")
    assert "It was stopped" in text(page)
    assert hu.post(f"/jobs/{job.pk}/retry/").status_code == 302
    assert run_jobs(at)[0].state == "done"
    assert Batch.objects.get().accepted == 3


def test_what_a_job_could_not_take_in_is_said_on_its_page(browse, cast, at, monkeypatch):
    monkeypatch.setattr(running.upload_start, "__kwdefaults__", {"small": 1})
    hu = browse("hu")
    content = results_csv(cast, 3) + b"\nT9,nobody,2022-07-19,2022-07-19,pcr,negative,x\n"
    _, url = send(hu, content, "f.csv")
    hu.post(url, {"act": "columns", "all_or_nothing": "1"})
    hu.post(f"{url}preview/")
    run_jobs(at)
    page = hu.get(f"/imports/running/{Job.objects.get().pk}/")
    assert "1 of 4 rows cannot be taken in, so none was" in text(page)
    assert "cannot be taken in" in text(hu.get(url))
    assert TestResult.objects.count() == 0


def test_a_batch_is_taken_back_after_a_look_at_what_follows(browse, cast):
    hu = browse("hu")
    take_in(hu, results_csv(cast, 3))
    batch = Batch.objects.get()
    url = f"/imports/{batch.pk}/void/"
    # the laboratory may take its own file back; the epidemiologist of another county does not see it
    assert browse("dora").get(url).status_code == 404
    asked = hu.post(url)
    assert "3 rows that were taken in are voided" in text(asked)
    assert TestResult.objects.filter(voided_at=None).count() == 3
    done = hu.post(url, {"confirmed": "1"}, follow=True)
    assert "The batch is taken back." in text(done)
    batch.refresh_from_db()
    assert batch.state == "voided"
    assert TestResult.objects.filter(voided_at=None).count() == 0
    assert hu.post(url, {"confirmed": "1"}).status_code == 400


def test_an_open_batch_is_gone_on_with(browse, cast, at, monkeypatch):
    from qipan.foundation.intake import chunks, services

    monkeypatch.setattr(chunks, "CHUNK_ROWS", 2)
    hu = browse("hu")

    def dying(*arguments):
        raise KeyboardInterrupt

    _, url = send(hu, results_csv(cast, 5), "f.csv")
    hu.post(url, {"act": "columns"})
    with monkeypatch.context() as patch:
        patch.setattr(services.chunks, "chunk_commit", dying)
        with pytest.raises(KeyboardInterrupt):
            hu.post(f"{url}preview/")
    batch = Batch.objects.get()
    assert "This batch was interrupted" in text(hu.get(f"/imports/{batch.pk}/"))
    assert browse("dora").post(f"/imports/{batch.pk}/resume/").status_code == 404
    assert hu.post(f"/imports/{batch.pk}/resume/").status_code == 302
    batch.refresh_from_db()
    assert (batch.state, batch.accepted) == ("complete", 5)
    assert hu.post(f"/imports/{batch.pk}/resume/").status_code == 400


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("hu", {"tests", "cases", "contacts", "rooms"}),
        ("alice", {"tests", "cases", "contacts", "rooms", "persons", "evidence"}),
        ("chen", {"persons"}),
        ("fang", {"tests", "cases", "contacts", "rooms", "areas", "population"}),
        ("ma", set()),
    ],
)
def test_each_role_is_offered_the_kinds_that_it_may_take_in(browse, cast, name, kinds):
    browser = browse(name)
    page = browser.get("/imports/new/")
    assert page.status_code == (200 if kinds else 404)
    assert set(re.findall(r'<option value="([a-z]+)"', page.content.decode())) == kinds
    assert ("/imports/new/" in text(browser.get("/imports/"))) is bool(kinds)
    for kind in ("areas", "persons", "tests"):
        for form in ("csv", "xlsx"):
            assert browser.get(f"/imports/template/{kind}.{form}").status_code == (200 if kind in kinds else 404)
    if kinds:
        forbidden = ({"areas", "persons", "tests", "evidence"} - kinds or {"nonsense"}).pop()
        page, url = send(browser, b"a,b\n1,2\n", "f.csv", kind=forbidden)
        assert (page.status_code, url) == (400, "")


def test_an_upload_is_its_owners_alone_and_sealed(browse, cast):
    _, url = send(browse("hu"), results_csv(cast, 2), "f.csv")
    for name in ("alice", "fang", "ma"):
        assert browse(name).get(url).status_code == 404
        assert browse(name).post(f"{url}preview/").status_code == 404
    [folder] = (settings.VAR / "uploads").iterdir()
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"specimen" not in path.read_bytes()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_upload_is_swept_away_after_a_day(browse, cast, at, monkeypatch):
    hu = browse("hu")
    _, url = send(hu, results_csv(cast, 2), "f.csv")
    assert url in text(hu.get("/imports/"))
    monkeypatch.setenv("QIPAN_NOW", "2022-07-21T13:00:00+08:00")
    hu.get("/imports/")
    assert hu.get(url).status_code == 404
    assert list((settings.VAR / "uploads").iterdir()) == []


def test_an_upload_is_thrown_away(browse, cast):
    hu = browse("hu")
    _, url = send(hu, results_csv(cast, 2), "f.csv")
    assert hu.post(url, {"act": "discard"}).headers["Location"] == "/imports/"
    assert hu.get(url).status_code == 404


@pytest.mark.parametrize("name", ["../../../etc/passwd", "a\0b.csv", "演示" * 100 + ".csv", "..", "C:\\x\\y.csv"])
def test_a_senders_file_name_is_only_a_name(name):
    plain = uploads.plain_name(name)
    assert plain == Path(plain).name
    assert plain not in ("", ".", "..")
    assert "\0" not in plain
    assert len(plain.encode()) <= 200


def test_batches_of_another_area_look_absent(browse, cast):
    """Alice's file is of her county: Dora, of another, sees neither batch nor rejects."""
    alice = browse("alice")
    take_in(alice, results_csv(cast, 2), kind="tests", source="a")
    # an epidemiologist records no tests: all rows are rejected, and the batch is there all the same
    batch = Batch.objects.get()
    assert batch.rejected == 2
    assert COUNTY_A in batch.area_path
    dora = browse("dora")
    assert dora.get(f"/imports/{batch.pk}/").status_code == 404
    assert dora.post(f"/imports/{batch.pk}/rejects/").status_code == 404
    assert "There is no such" not in text(dora.get("/imports/"))
    assert alice.get("/imports/99999999999999999999/").status_code == 404
    assert alice.get(f"/imports/{batch.pk}/?page=zzz").status_code == 400
    assert alice.get(f"/imports/?area={COUNTY_B}").status_code == 404
    # auditors see the batch and its reasons, and take no rows away
    eva = browse("eva")
    assert eva.get(f"/imports/{batch.pk}/").status_code == 200
    assert eva.get(f"/imports/{batch.pk}/rejects/").status_code == 404
    assert eva.get(f"/imports/{batch.pk}/void/").status_code == 404


def test_chinese_is_spoken_and_queries_stay_few(browse, cast, django_assert_max_num_queries):
    hu = browse("hu", language="zh-hans")
    _, url = send(hu, dirty_workbook(cast))
    for address in ("/imports/", "/imports/new/", url, f"{url}preview/"):
        with django_assert_max_num_queries(30):
            assert hu.get(address).status_code == 200
    assert "标本编号 specimen_id" in text(hu.get(url))
    hu.post(f"{url}preview/")
    batch = Batch.objects.get()
    with django_assert_max_num_queries(30):
        assert hu.get(f"/imports/{batch.pk}/").status_code == 200
