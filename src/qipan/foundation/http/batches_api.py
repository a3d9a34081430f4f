"""Batches over the API: what was taken in, with totals and rejects."""

import os
import tempfile
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from ninja import File, Form, Router, Schema
from ninja.files import UploadedFile

from qipan.foundation.http.api import PROBLEMS, USUAL, ApiRequest, Cursor, Limit, row_id, rows_page
from qipan.foundation.intake.models import Batch
from qipan.foundation.intake.selectors import access_batch, list_batches, list_rejects
from qipan.foundation.intake.services import file_import
from qipan.terms.errors import BadInput

router = Router(tags=["batches"])
#: a file taken in while the caller waits; larger ones come by `qipan import` or the import page
LARGEST_FILE = 20 * 1024 * 1024
#: rejects in one answer
REJECTS = 200


class BatchOut(Schema):
    """A file that was taken in: declared = accepted + rejected + duplicate."""

    id: int
    kind: str
    source: str
    file_name: str
    state: str
    declared: int
    accepted: int
    rejected: int
    duplicate: int
    created_at: datetime
    completed_at: datetime | None


class BatchesPage(Schema):
    """A page of batches."""

    items: list[BatchOut]
    next: str


class RejectOut(Schema):
    """A row that was not taken in, and why."""

    row: int
    column: str
    reason: str


class ImportOut(Schema):
    """The document of `qipan import --json`; at most two hundred rejects."""

    batch: int | None
    kind: str
    source: str
    declared: int
    accepted: int
    rejected: int
    duplicate: int
    state: str
    rejects: list[RejectOut]


def _out(batch: Batch) -> BatchOut:
    return BatchOut(
        id=batch.pk, kind=batch.kind, source=batch.source, file_name=batch.file_name, state=str(batch.state),
        declared=batch.declared, accepted=batch.accepted, rejected=batch.rejected, duplicate=batch.duplicate,
        created_at=batch.created_at, completed_at=batch.completed_at,
    )  # fmt: skip


@router.get("/batches", response={200: BatchesPage, **PROBLEMS}, summary="Files that were taken in")
def batches(request: ApiRequest, kind: str = "", cursor: Cursor = "", limit: Limit = USUAL) -> Any:
    """A page of batches, in the order of their arrival."""
    return rows_page(list_batches(request.actor, kind=kind or None), _out, cursor=cursor, limit=limit)


@router.get("/batches/{batch}", response={200: BatchOut, **PROBLEMS}, summary="One batch")
def batch(request: ApiRequest, batch: int) -> Any:
    """One batch with its totals."""
    return _out(access_batch(request.actor, row_id(batch)))


@router.get("/batches/{batch}/rejects", response={200: list[RejectOut], **PROBLEMS}, summary="Rows that were rejected")
def rejects(request: ApiRequest, batch: int) -> Any:
    """The first two hundred rejected rows: where and why, never what they hold."""
    return [RejectOut(row=each["row"], column=each["column"] or "", reason=each["reason"])
            for each in islice(list_rejects(request.actor, row_id(batch)), REJECTS)]  # fmt: skip


@router.post("/batches", response={201: ImportOut, **PROBLEMS}, summary="Take a file in")
def take_in(
    request: ApiRequest, kind: Form[str], source: Form[str], file: File[UploadedFile], dry_run: Form[bool] = False
) -> Any:
    """Take a file in (CSV, XLSX, Parquet, JSON lines; 20 MB). The same file again: every row is a duplicate."""
    if not 1 <= len(source) <= 80 or len(kind) > 40:
        raise BadInput("Name the source in at most 80 characters.")
    if (file.size or 0) > LARGEST_FILE:
        raise BadInput("Files beyond %(mb)s MB come by the import page.", mb=LARGEST_FILE // 1024**2)
    held: Any = file
    with tempfile.TemporaryDirectory(prefix="qipan-upload-") as folder:  # for its owner alone
        path = Path(folder) / (Path(file.name or "").name[-100:] or "upload")
        os.link(held.temporary_file_path(), path)
        result = file_import(actor=request.actor, kind=kind, path=path, source=source, at=request.at, dry_run=dry_run)
    told = result.as_json()
    told["rejects"] = told["rejects"][:REJECTS]
    return 201, told
