"""`qipan audit`, `backup` and `restore` as somebody types them: exit codes, one line, one JSON document."""

import json
import subprocess
import sys

import pytest
from django.db import connection

from qipan.cli import audit, backup, commands, restore, worker
from qipan.cli.main import main
from qipan.foundation import crypto
from qipan.foundation.audit import guard, verify_log
from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.owner import as_owner
from qipan.foundation.audit.services import audited
from qipan.foundation.clock import now
from qipan.terms.roles import SYSTEM_ACTOR

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def log(tmp_path, settings, monkeypatch):
    settings.KEYS = tmp_path / "keys"
    crypto.keys_create(settings.KEYS)
    adders = tuple(module.add_parser for module in (audit, backup, restore, worker))
    monkeypatch.setattr(commands, "ADD_PARSERS", adders)
    for _ in range(5):
        with audited(actor=SYSTEM_ACTOR, action="test", at=now()):
            pass


def said(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_log_is_anchored_verified_and_exported(tmp_path, capsys):
    anchors, export = tmp_path / "anchors", tmp_path / "log.jsonl"
    assert said(capsys, "audit", "anchor", anchors)[0] == 0
    code, out, _ = said(capsys, "audit", "verify", "--anchor", anchors, "--json")
    assert code == 0
    assert json.loads(out)["entries"] == 5
    assert json.loads(out)["anchors"] == 1
    code, out, _ = said(capsys, "audit", "export", export, "--json")
    assert (code, json.loads(out)["entries"]) == (0, 6)  # the export is an entry, too
    assert AuditEntry.objects.get(action="audit.export").actor_label == "machine"
    script = [sys.executable, "-I", "-S", verify_log.__file__, str(export), "--anchor", str(anchors)]
    assert subprocess.run(script, capture_output=True).returncode == 0
    code, out, err = said(capsys, "audit", "export", export)
    assert (code, out, len(err.splitlines())) == (2, "", 1)


def test_a_log_that_does_not_verify_is_exit_code_1(tmp_path, capsys):
    said(capsys, "audit", "anchor", tmp_path / "anchors")
    with as_owner(), guard.unguarded(connection):
        AuditEntry.objects.filter(seq=5).delete()
    code, out, _ = said(capsys, "audit", "verify")
    assert code == 0
    assert "No anchor given" in out
    code, out, _ = said(capsys, "audit", "verify", "--anchor", tmp_path / "anchors")
    assert code == 1
    assert "DOES NOT VERIFY" in out
    code, out, err = said(capsys, "audit", "verify", "--anchor", tmp_path / "absent")
    assert (code, out, len(err.splitlines())) == (2, "", 1)


def test_a_backup_is_written_and_restored(tmp_path, capsys):
    path = tmp_path / "backup"
    code, out, _ = said(capsys, "backup", path, "--json")
    assert code == 0
    manifest = json.loads(out)
    assert manifest["log_head"]["seq"] == 6
    assert said(capsys, "backup", path)[0] == 2
    assert said(capsys, "restore", path)[0] == 1
    code, out, _ = said(capsys, "restore", path, "--replace", "--json")
    assert (code, json.loads(out)) == (0, manifest)
    path.write_bytes(path.read_bytes()[:-1])
    code, out, err = said(capsys, "restore", path, "--replace")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert said(capsys, "restore", tmp_path / "absent")[0] == 2


def test_a_worker_stops_when_no_job_is_due(capsys):
    code, out, err = said(capsys, "worker", "--once")
    assert (code, out, err) == (0, "", "0 jobs\n")
