"""`qipan serve`: what it refuses, what it keeps, how it starts and ends; the served demonstration."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.own_database


def environment(folder: Path, **settings: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("QIPAN_") and "DATABASE" not in k}
    return kept | {"QIPAN_VAR": str(folder), "HOME": str(folder / "home"), "XDG_RUNTIME_DIR": ""} | settings


def qipan(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "qipan", *arguments], env=environment(folder, **settings), capture_output=True, text=True
    )


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def fetch(port: str, path: str = "/health", headers: dict[str, str] | None = None) -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def wait_for(port: str, process: "subprocess.Popen[str]") -> None:
    for _ in range(240):
        assert process.poll() is None, process.communicate()
        try:
            fetch(port)
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail("it never answered")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    done = qipan(folder, "init")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (["--host", "0.0.0.0"], {}, "QIPAN_BEHIND_PROXY=1"),
        (["--host", "192.0.2.1"], {"QIPAN_PLAIN_HTTP": "1"}, "QIPAN_BEHIND_PROXY=1"),
        ([], {"QIPAN_BEHIND_PROXY": "1", "QIPAN_PLAIN_HTTP": "1"}, "QIPAN_PLAIN_HTTP=1"),
        ([], {"QIPAN_SECRET": "short"}, "QIPAN_SECRET is too weak"),
        ([], {"QIPAN_SECRET": "a" * 80}, "QIPAN_SECRET is too weak"),
        ([], {"QIPAN_SECOND_FACTOR": "off"}, "QIPAN_SECOND_FACTOR=off"),
        (["--host", "0.0.0.0"], {"QIPAN_SECOND_FACTOR": "off", "QIPAN_DEMO": "1", "QIPAN_BEHIND_PROXY": "1"},
         "QIPAN_SECOND_FACTOR=off"),
        ([], {"QIPAN_SECOND_FACTOR": "off", "QIPAN_DEMO": "1", "QIPAN_BEHIND_PROXY": "1"}, "QIPAN_SECOND_FACTOR=off"),
        ([], {"QIPAN_SECOND_FACTOR": "off", "QIPAN_DEMO": "1", "QIPAN_HOSTS": "a.example"},
         "QIPAN_SECOND_FACTOR=off"),
        (["--port", "70000"], {}, "70000"),
    ],
)  # fmt: skip
def test_what_is_not_safe_is_refused_in_one_line(installed, arguments, settings, said):
    refused = qipan(installed, "serve", *([] if "--port" in arguments else ["--port", free_port()]), *arguments,
                    **settings)  # fmt: skip
    assert refused.returncode == 2, refused.stderr
    assert said in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_tables_of_another_version_are_refused(tmp_path):
    refused = qipan(tmp_path, "serve", "--port", free_port())
    assert refused.returncode == 2
    assert "qipan init" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_port_that_is_taken(installed):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = qipan(installed, "serve", "--port", str(taken.getsockname()[1]))
    assert refused.returncode == 2
    assert "--port" in refused.stderr


def test_a_secret_that_others_can_read_is_refused(tmp_path):
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    (keys / "web.secret").write_text("x" * 64)
    (keys / "web.secret").chmod(0o644)
    refused = qipan(tmp_path, "serve", "--port", free_port())
    assert refused.returncode == 2
    assert "0600" in refused.stderr


def test_nothing_is_served_without_a_secret(installed):
    done = subprocess.run(
        [sys.executable, "-c", "import qipan.config.wsgi"], env=environment(installed), capture_output=True, text=True
    )
    assert "There is no secret for web sessions" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_with_a_worker_and_ends_with_it(installed, number):
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "qipan", "serve", "--port", port, "--workers", "1"],
        env=environment(installed), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_for(port, process)
        assert json.loads(fetch(port)[1]) == {"app": "ok", "database": "ok", "queue": "ok", "keys": "ok"}
        assert "qipan" in fetch(port, "/sign-in")[1]
        assert fetch(port, "/static/pages/qipan.css")[0] == 200
        assert fetch(port, "/static/vendor/bootstrap.min.css")[0] == 200
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        workers = [
            pid for pid in children if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        ]
        assert len(workers) == 1
    finally:
        process.send_signal(number)
        out, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    assert f"http://127.0.0.1:{port}/" in out
    assert "Traceback" not in err
    assert not Path(f"/proc/{workers[0]}").exists()
    secret = installed / "keys" / "web.secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert len(secret.read_text()) >= 50
    assert not (installed / "home").exists()


def test_the_secret_is_made_once(installed):
    before = (installed / "keys" / "web.secret").read_text()
    qipan(installed, "serve", "--port", free_port(), "--host", "0.0.0.0")
    assert (installed / "keys" / "web.secret").read_text() == before


def test_the_demonstration_is_served_with_an_account_a_role(tmp_path):
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "qipan", "demo", "--people", "120", "--days", "1", "--json", "--port", port],
        env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        report = json.loads(process.stdout.readline())
        wait_for(port, process)
        assert report["url"] == f"http://127.0.0.1:{port}/"
        assert len({account["role"] for account in report["accounts"]}) == 11
        assert len({account["password"] for account in report["accounts"]}) == 11
        import http.cookiejar
        import re
        import urllib.parse

        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        home = f"http://127.0.0.1:{port}"
        for account in report["accounts"][:2]:
            page = opener.open(f"{home}/sign-in?next=/account").read().decode()
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
            data = {"username": account["name"], "password": account["password"], "csrfmiddlewaretoken": token}
            answer = opener.open(f"{home}/sign-in?next=/account", urllib.parse.urlencode(data).encode())
            text = answer.read().decode()
            assert answer.url == f"{home}/account"
            assert account["name"] in text
            # its own clock, going on from the close of its last day
            assert "2022-07-20 22:0" in text
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=90)
    assert process.returncode == 0
