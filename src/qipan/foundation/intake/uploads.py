"""A file that somebody sends by the browser, between being chosen and being taken in.

One folder an upload under `settings.VAR`/uploads, for its owner alone: the file in sealed pieces, and what was said of
it (kind, source, mapping), sealed too. Its plain text exists only while it is being read, and only where the machine's
own account can read it. It is deleted when the file is in, or after a day. Nothing here is ever executed.
"""

import json
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings

from qipan.foundation import crypto
from qipan.foundation.intake.models import Batch
from qipan.foundation.jobs.models import Job
from qipan.terms.errors import Absent, BadInput, Refused
from qipan.terms.roles import Actor

#: bytes that one file may have
MOST_BYTES = 256 * 1024 * 1024
#: how long a file waits for its owner
KEPT = timedelta(days=1)
#: how long at most, while work on it is in the queue
KEPT_FOR_WORK = timedelta(days=7)
_PIECE = 4 * 1024 * 1024
_TOKEN = re.compile(r"[0-9a-f]{32}")
_STATE = "state"


@dataclass(slots=True)
class Upload:
    """What is known of an uploaded file."""

    token: str
    user_id: int
    file_name: str
    size: int
    pieces: int
    kind: str
    source: str
    created_at: str
    #: the newest batch when it came: batches of this file are newer
    after_batch: int = 0
    mapping: dict[str, Any] = field(default_factory=dict)
    #: where the mapping comes from: "names", "batch:17", "shipped:NAME", "own"
    mapping_from: str = ""
    confirm_rows: int | None = None
    all_or_nothing: bool = False
    #: rows of the file, once they were counted under this header row
    rows: int | None = None
    rows_under: int = 0
    job_id: int | None = None
    #: why it could not be taken in: {"message": msgid, "params": {...}}
    failure: dict[str, Any] | None = None

    def failed(self, error: Any) -> None:
        """Keep an error (a QipanError) so that it can be said in the reader's language."""
        self.failure = {"message": error.message, "params": {key: str(value) for key, value in error.params.items()}}


def _root() -> Path:
    root = Path(settings.VAR) / "uploads"
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root


def _folder(token: str) -> Path:
    if not _TOKEN.fullmatch(token):
        raise Absent("upload")
    return _root() / token


def _write(path: Path, content: bytes) -> None:
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    os.replace(part, path)


def _bound(token: str, name: str) -> bytes:
    return f"upload:{token}:{name}".encode()


def plain_name(name: str) -> str:
    """A sender's file name as ours may be called: no folders, no control characters, at most 200 bytes."""
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    name = "".join(sign for sign in name if sign.isprintable()).strip(". ") or "file"
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > 8:
        stem, suffix = name, ""
    stem = stem.encode()[: 180 - len(suffix.encode())].decode(errors="ignore") or "file"
    return f"{stem}.{suffix}" if suffix else stem


def upload_keep(
    *, actor: Actor, file_name: str, pieces: Iterable[bytes], kind: str, source: str, at: datetime
) -> Upload:
    """Keep a file that came in. Raises BadInput (empty, too large), Refused (nobody signed in, a full disk)."""
    uploads_sweep(at)
    if actor.user_id is None:
        raise Refused("Only somebody who is signed in can send a file here.")
    token = uuid4().hex
    folder = _folder(token)
    size = count = 0
    try:
        folder.mkdir(mode=0o700)
        for piece in _evenly(pieces):
            size += len(piece)
            if size > MOST_BYTES:
                raise BadInput(
                    "%(file)s has more than %(most)s MB: split it, or take it in at the machine (qipan import).",
                    file=plain_name(file_name), most=MOST_BYTES // 1024 // 1024,
                )  # fmt: skip
            _write(folder / f"{count:05d}", crypto.seal("staging", piece, bound_to=_bound(token, str(count))))
            count += 1
        if not size:
            raise BadInput("%(file)s is empty: it has no header row.", file=plain_name(file_name))
        newest = Batch.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        upload = Upload(
            token, actor.user_id, plain_name(file_name), size, count, kind, source, at.isoformat(), newest
        )
        upload_save(upload)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Refused("The file could not be kept: %(why)s.", why=error.strerror or "I/O error") from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return upload


def _evenly(pieces: Iterable[bytes]) -> Generator[bytes]:
    kept = b""
    for piece in pieces:
        kept += piece
        while len(kept) >= _PIECE:
            yield kept[:_PIECE]
            kept = kept[_PIECE:]
    if kept:
        yield kept


def upload_save(upload: Upload) -> None:
    """Keep what was said of an upload."""
    state = json.dumps(asdict(upload), ensure_ascii=False).encode()
    sealed = crypto.seal("staging", state, bound_to=_bound(upload.token, _STATE))
    _write(_folder(upload.token) / _STATE, sealed)


def _read(token: str) -> Upload:
    try:
        sealed = (_folder(token) / _STATE).read_bytes()
        return Upload(**json.loads(crypto.unseal("staging", sealed, bound_to=_bound(token, _STATE))))
    except (OSError, crypto.Unsealable, TypeError, ValueError):
        raise Absent("upload") from None


def access_upload(actor: Actor, token: str) -> Upload:
    """One's own upload; nobody else sees it. Raises Absent."""
    upload = _read(token)
    if actor.user_id is None or upload.user_id != actor.user_id:
        raise Absent("upload")
    return upload


def list_uploads(actor: Actor) -> list[Upload]:
    """One's own uploads that wait, the newest first."""
    found = []
    for folder in _root().iterdir():
        try:
            found.append(access_upload(actor, folder.name))
        except Absent:
            continue
    return sorted(found, key=lambda upload: upload.created_at, reverse=True)


def upload_delete(upload: Upload) -> None:
    """Delete the file and everything that was said of it."""
    shutil.rmtree(_folder(upload.token), ignore_errors=True)


@contextmanager
def opened(upload: Upload) -> Generator[Path]:
    """The file in plain while it is being read, under its own name. Raises Absent where it is gone or damaged."""
    folder = Path(tempfile.mkdtemp(prefix="plain-", dir=_folder(upload.token)))
    path = folder / upload.file_name
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for number in range(upload.pieces):
                sealed = (_folder(upload.token) / f"{number:05d}").read_bytes()
                file.write(crypto.unseal("staging", sealed, bound_to=_bound(upload.token, str(number))))
        yield path
    except (FileNotFoundError, crypto.Unsealable):
        raise Absent("upload") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def uploads_sweep(at: datetime) -> int:
    """Delete what was left behind for a day (a week while work on it is in the queue); returns how many."""
    swept = 0
    for folder in _root().iterdir():
        try:
            upload = _read(folder.name)
            age = at - datetime.fromisoformat(upload.created_at)
        except Absent:
            upload, age = None, None
        if upload is None or age is None:
            # half written, or of keys that are gone; one that is being written is younger than a day
            gone = at.timestamp() - folder.stat().st_mtime > KEPT.total_seconds()
        else:
            busy = Job.objects.filter(
                pk=upload.job_id, state__in=(Job.State.WAITING, Job.State.RUNNING)
            ).exists() if upload.job_id is not None else False  # fmt: skip
            gone = age > (KEPT_FOR_WORK if busy else KEPT)
        if gone:
            shutil.rmtree(folder, ignore_errors=True)
            swept += 1
    return swept
