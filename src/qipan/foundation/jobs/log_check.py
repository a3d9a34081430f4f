"""The job that verifies the log against its anchors."""

from collections.abc import Iterator, Mapping
from typing import Any

from qipan.foundation.audit import verify_log
from qipan.foundation.audit.anchors import anchor_path, anchors_read, exported, head
from qipan.foundation.jobs.registry import JobContext, JobKind
from qipan.terms.roles import Permission

VERIFY = "audit.verify"
#: entries between two signs of progress
_STEP = 5_000
#: findings that the result keeps: the first say what happened
_KEPT = 20


def _counted(context: JobContext, total: int) -> Iterator[dict[str, Any]]:
    for number, entry in enumerate(exported(), 1):
        if number % _STEP == 0:
            context.progress(number, max(total, number))
        yield entry


def _run(context: JobContext) -> Mapping[str, Any]:
    path = anchor_path()
    anchors = anchors_read(path) if path.is_file() else {}
    report = verify_log.check_chain(_counted(context, head(context.now()).seq), anchors)
    findings = [str(finding) for finding in report["findings"]]
    return {
        **report, "findings": findings[:_KEPT], "more": report["more"] + max(len(findings) - _KEPT, 0),
        "last_anchor": max(anchors, default=0),
    }  # fmt: skip


LOG_CHECK = JobKind(
    VERIFY, _run, title="Verify the log", permission=Permission.AUDIT_VIEW, view=Permission.AUDIT_VIEW,
    by_hand=lambda at: ({}, "log"),
    hint="Every entry is read and chained again, and compared with the anchors. A large log takes minutes.",
)  # fmt: skip
