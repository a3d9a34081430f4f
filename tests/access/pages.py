"""Every page: who may open it. Written by hand, beside the pages, so that a slip in one of them shows.

A list asks for its permissions somewhere; a page of one thing asks for all of them where the thing lies.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qipan.terms.roles import Permission

P = Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One page. `needs`: all of these; `one_of`: and one of these; none: whoever is signed in.

    `of`: the thing of the world in its address; there they are asked for, else anywhere. `rest`: what else stands in
    the address. `own`: its owner alone; `own_or`: its owner, or whoever holds this somewhere. `second`: only after the
    second factor. `shows`: says something of the reader's own county. `queries`: asked as well. `answers`: to whom may.
    """

    needs: tuple[P, ...] = ()
    one_of: tuple[P, ...] = ()
    of: str = ""
    rest: Mapping[str, Any] = field(default_factory=dict)
    own: bool = False
    own_or: tuple[P, ...] = ()
    #: `own_or` is asked at the thing's area
    there: bool = False
    second: bool = False
    shows: bool = False
    queries: tuple[str, ...] = ()
    answers: tuple[int, ...] = (200,)
    #: why it deviates from the rule
    why: str = ""


def lists(*needs: P, **more: Any) -> Sample:
    """A page that belongs to no single thing."""
    return Sample(needs=needs, **more)


def one(of: str, *needs: P, **more: Any) -> Sample:
    """A page of one thing."""
    return Sample(of=of, needs=needs, **more)


#: open to anybody: what a GET answers to somebody who is not signed in (tested by itself)
PUBLIC: Mapping[str, tuple[int, ...]] = {
    "health": (200, 503),
    "sign-in": (200,),
    "sign-out": (302,),
    "language": (302,),
    "api-1:openapi-json": (200,),
    "api-docs": (200,),
    "api-1:api-root": (401, 404),
    "resident": (404,),  # of an unknown token; those of the world's people have a test of their own
}

_OWN = "one's own account: nobody else's can be named in the address"
_JOBS = "jobs belong to no area: whoever watches them sees all, others what they started"

PAGES: Mapping[str, Sample] = {
    # the shell
    "second-factor": lists(answers=(200, 302), why=_OWN),
    "account": lists(why=_OWN),
    "account-edit": lists(why=_OWN),
    "account-password": lists(why=_OWN),
    "tokens": lists(second=True, why=_OWN),
    "token-add": lists(second=True, why=_OWN),
    "token-revoke": one("token", own_or=(P.TOKEN_MANAGE,), there=True, second=True,
                        why="one's own, or whoever manages tokens where the account is managed"),
    "second-factor-new": lists(second=True, why="everybody here has a device, and proves it first"),
    "recovery-codes": lists(second=True, why=_OWN),
    "user-second-factor-reset": one("username", P.USER_MANAGE, second=True),
    "area-switch": lists(P.AREA_VIEW, queries=("name=mark", "name=Shanzhou", "name=Hubin")),
    "search": lists(queries=("q=zolmark", "q=yewmark", "q=U-", "q=%23{guest_order}", "q={person}", "q={username}"),
                    why="open to everybody; what it finds, each room scopes"),
    "guide": lists(),
    "guide-chapter": lists(rest={"chapter": "first-hour"}),
    # files
    "imports": lists(P.BATCH_VIEW, queries=("",)),
    "import-new": lists(P.BATCH_VIEW, one_of=(P.PERSON_REGISTER, P.BATCH_IMPORT, P.AREA_LOAD, P.EVIDENCE_RECORD)),
    "import-template": lists(P.PERSON_REGISTER, rest={"kind": "persons", "form": "csv"}),
    "import-read": one("upload", P.PERSON_REGISTER, own=True),
    "import-preview": one("upload", P.PERSON_REGISTER, own=True),
    "import-run": one("job", own_or=(P.JOB_VIEW,), why=_JOBS),
    "import": one("batch", P.BATCH_VIEW),
    "import-rejects": one("batch", P.BATCH_VIEW, P.PERSON_REGISTER, second=True),
    "import-resume": one("batch", P.BATCH_VIEW, P.PERSON_REGISTER),
    "import-void": one("batch", P.BATCH_VIEW, P.PERSON_REGISTER, P.BATCH_VOID),
    # the log, jobs
    "log": lists(P.AUDIT_VIEW),
    "log-export": one("everything", P.AUDIT_VIEW, second=True),
    "log-entry": one("entry", P.AUDIT_VIEW),
    "jobs": lists(P.JOB_VIEW, why=_JOBS),
    "job-start": lists(P.DAY_RUN, rest={"kind": "command.day"}),
    "job": one("job", own_or=(P.JOB_VIEW,), why=_JOBS),
    "job-cancel": one("job", own_or=(P.JOB_VIEW, P.JOB_RUN), why=_JOBS),
    "job-retry": one("stopped_job", own_or=(P.JOB_VIEW, P.JOB_RUN), why=_JOBS),
    # areas, offices, accounts
    "areas": lists(P.AREA_VIEW),
    "area": one("area", P.AREA_VIEW),
    "units": lists(P.UNIT_VIEW),
    "unit-add": lists(P.UNIT_MANAGE, second=True),
    "unit": one("unit", P.UNIT_VIEW),
    "task-forces": lists(P.UNIT_VIEW),
    "task-force-add": lists(P.UNIT_MANAGE, second=True),
    "task-force": one("task_force", P.UNIT_VIEW),
    "task-force-member-add": one("task_force", P.UNIT_VIEW, P.UNIT_MANAGE, second=True),
    "task-force-close": one("task_force", P.UNIT_VIEW, P.UNIT_MANAGE, second=True),
    "duty": lists(P.UNIT_VIEW),
    "duty-assign": lists(P.UNIT_MANAGE, second=True),
    "users": lists(P.USER_MANAGE, second=True),
    "user-add": lists(P.USER_MANAGE, second=True),
    "user": one("user", P.USER_MANAGE, second=True),
    "user-password": one("user", P.USER_MANAGE, second=True),
    "user-close": one("user", P.USER_MANAGE, second=True),
    "user-open": one("user", P.USER_MANAGE, second=True),
    "role-grant": one("user", P.USER_MANAGE, second=True),
    "role-end": one("membership", P.USER_MANAGE, second=True),
    # people
    "persons": lists(P.PERSON_VIEW, shows=True),
    "person-search": lists(P.IDENTITY_SEARCH),
    "person-add": lists(P.PERSON_REGISTER),
    "link-revoke": one("link", P.APPEAL_OPEN),
    "person": one("person", P.PERSON_VIEW, shows=True),
    "identity-open": one("person", P.PERSON_VIEW, P.IDENTITY_OPEN),
    "identity-record": one("person", P.PERSON_VIEW, P.PERSON_REGISTER),
    "person-move": one("person", P.PERSON_VIEW, P.PERSON_REGISTER),
    "person-purge": one("person", P.PERSON_VIEW, P.PERSON_PURGE, second=True),
    "person-link": one("person", P.PERSON_VIEW, P.APPEAL_OPEN),
    # rulebooks
    "rulebooks": lists(P.RULEBOOK_VIEW),
    "rulebook-publish": lists(P.RULEBOOK_PUBLISH, second=True),
    "rule-tables": lists(P.RULEBOOK_VIEW),
    "rule-table-add": lists(P.RULEBOOK_PUBLISH, second=True),
    "rulebook": lists(P.RULEBOOK_VIEW, rest={"rulebook": "covid19-cn-9"}, why="rules hold for everybody"),
    "rulebook-text": lists(P.RULEBOOK_VIEW, rest={"rulebook": "covid19-cn-9"}, why="rules hold for everybody"),
    # orders, appeals, decisions, facts
    "orders": lists(P.ORDER_VIEW, shows=True),
    "order": one("order", P.ORDER_VIEW, shows=True),
    "appeal-open": one("door", P.ORDER_VIEW, P.APPEAL_OPEN),
    "appeals": lists(P.APPEAL_VIEW, shows=True),
    "appeal": one("appeal", P.APPEAL_VIEW),
    "appeal-decide": one("appeal", P.APPEAL_VIEW, P.APPEAL_DECIDE, second=True),
    "decision": one("person", P.DECISION_VIEW),
    "evidence-record": one("person", one_of=(P.EVIDENCE_RECORD, P.TEST_RECORD, P.VISIT_RECORD)),
    "evidence-record-kind": one("person", P.EVIDENCE_RECORD, rest={"kind": "diagnosis"}),
    "evidence": one("evidence", P.EVIDENCE_VIEW),
    "evidence-void": one("evidence", P.EVIDENCE_VIEW, P.EVIDENCE_VOID),
    "replays": lists(P.REPLAY_RUN),
    "replay": one("replay", P.REPLAY_RUN),
    # cases
    "cases": lists(P.CASE_VIEW, shows=True),
    "case-add": lists(P.CASE_EDIT),
    "case": one("case", P.CASE_VIEW, shows=True),
    "case-confirm": one("suspect", P.CASE_VIEW, P.CASE_EDIT),
    "case-discard": one("suspect", P.CASE_VIEW, P.CASE_EDIT, P.EVIDENCE_VOID),
    "contact-add": one("case", P.CASE_VIEW, P.CASE_EDIT),
    "contacts": lists(P.CASE_VIEW, shows=True),
    "chains": lists(P.CASE_VIEW, shows=True),
    "chains-svg": lists(P.CASE_VIEW, P.ROWS_EXPORT, second=True),
    # testing
    "test-results": lists(P.TEST_VIEW, shows=True),
    "test-record": lists(P.TEST_RECORD),
    "test-result": one("result", P.TEST_VIEW),
    "test-void": one("result", P.TEST_VIEW, P.EVIDENCE_VOID),
    # quarantine: the site's area counts, wherever the guest lives
    "sites": lists(P.ROOM_VIEW, shows=True),
    "site-add": lists(P.ROOM_MANAGE),
    "arrivals": lists(P.ROOM_VIEW),
    "releases": lists(P.ROOM_VIEW),
    "stays": lists(P.ROOM_VIEW, shows=True),
    "stay": one("stay", P.ROOM_VIEW),
    "stay-depart": one("stay", P.ROOM_VIEW, P.STAY_MANAGE),
    "stay-move": one("stay", P.ROOM_VIEW, P.STAY_MANAGE),
    "stay-take-back": one("stay", P.ROOM_VIEW, P.STAY_MANAGE),
    "room": one("room", P.ROOM_VIEW),
    "room-out": one("room", P.ROOM_VIEW, P.ROOM_MANAGE),
    "room-in": one("room_out", P.ROOM_VIEW, P.ROOM_MANAGE),
    "site": one("site", P.ROOM_VIEW, shows=True),
    "stay-receive": one("site", P.ROOM_VIEW, P.STAY_MANAGE),
    "rooms-add": one("site", P.ROOM_VIEW, P.ROOM_MANAGE),
    "site-close": one("site", P.ROOM_VIEW, P.ROOM_MANAGE),
    "site-reopen": one("closed_site", P.ROOM_VIEW, P.ROOM_MANAGE),
    # field work
    "field-work": lists(P.VISIT_VIEW, answers=(200, 302), why="whoever records no visits is shown the area's work"),
    "visits-send": lists(P.VISIT_RECORD, answers=(405,), why="a phone posts here; there is nothing to read"),
    "visit-record": one("door", P.ORDER_VIEW, P.VISIT_RECORD),
    "field-cells": lists(P.VISIT_VIEW),
    "field-cell": one("grid", P.VISIT_VIEW, answers=(302,), why="leads to the list, narrowed to the cell"),
    "field-tasks": lists(P.VISIT_VIEW),
    "visits": lists(P.VISIT_VIEW, shows=True),
    "visit": one("visit", P.VISIT_VIEW),
    # the board
    "board": lists(P.INDICATOR_VIEW, queries=("map=quarantine.rooms_per_10000", "wall=1")),
    "indicators": lists(P.INDICATOR_VIEW),
    "indicator": lists(P.INDICATOR_VIEW, rest={"indicator": "investigation.cases_reported"}),
}
#: the stay of somebody of county B in county A's site, and its forms: the site's people see them
GUEST_STAY = ("stay", "stay-depart", "stay-move", "stay-take-back")
