"""The access matrix: role x area x every address and every operation of the API, allowed and denied.

It is generated from the list of addresses and the API's own schema: a page or an operation that the tables in
tests/access do not know makes it fail, by name.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from qipan.terms.roles import ROLES_WITH, Permission, Role
from tests.access.operations import OPERATIONS
from tests.access.pages import GUEST_STAY, PAGES, PUBLIC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.access.callers import Callers
    from tests.access.world import World

PURPOSE = "Checked by the access matrix"
TRACER = {permission for permission, roles in ROLES_WITH.items() if Role.TRACER in roles}


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Built once, in a transaction that is taken back at the end."""
    from django.db import transaction

    from tests.access.world import make
    from tests.cast import AT

    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock(), transaction.atomic():
        patch.setenv("QIPAN_NOW", AT.isoformat())
        patch.setattr(logging.getLogger("django.request"), "disabled", True)  # thousands of denials are told here
        yield make()
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def callers(world: World) -> Callers:
    from tests.access.callers import Callers

    return Callers(world)


@pytest.fixture(autouse=True)
def _taken_back(world: World, callers: Callers) -> Iterator[None]:
    from django.core.cache import cache
    from django.db import transaction

    cache.clear()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def url_of(name: str, thing: Any) -> str:
    from django.urls import reverse

    from tests.access.callers import address_of, patterns

    pattern = next(each for found, each in patterns() if found == name)
    return reverse(name, kwargs=address_of(pattern, PAGES[name], thing))


def things(world: World, name: str) -> list[tuple[str, Any]]:
    """(county, thing) for a page of one thing; one line for a list."""
    from tests.access.callers import thing_of

    sample = PAGES[name]
    if not sample.of:
        return [("", None)]
    return [(key, thing_of(place, sample.of)) for key, place in world.places.items()]


def view_of(name: str) -> Any:
    """The class of a page."""
    from tests.access.callers import patterns

    callback: Any = next(each for found, each in patterns() if found == name).callback
    return callback.view_class


def body_of(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode(errors="replace")


def test_every_address_is_in_the_tables():
    from tests.access.callers import patterns

    known = [name for name, _ in patterns()]
    pages = {name for name in known if not name.startswith("api-1:") or name in PUBLIC}
    assert sorted(pages - set(PAGES) - set(PUBLIC)) == []
    assert sorted((set(PAGES) | set(PUBLIC)) - pages) == []
    assert sorted(name for name in set(known) if known.count(name) > 1) == []


def test_every_operation_is_in_the_table():
    from qipan.api.assembly import api
    from tests.access.callers import patterns

    schema = api.get_openapi_schema()["paths"]
    found = {f"{each.upper()} {path.removeprefix('/api/v1')}" for path, methods in schema.items() for each in methods}
    assert sorted(found - set(OPERATIONS)) == []
    assert sorted(set(OPERATIONS) - found) == []
    # nothing is served there that the schema does not tell of
    served = {str(p.pattern).replace("<", "{").replace(">", "}") for n, p in patterns() if n.startswith("api-1:")}
    told = {path.removeprefix("/api/v1/") for path in schema}
    assert served - told == {"openapi.json", ""}


@pytest.mark.parametrize("name", PAGES)
def test_page(world: World, callers: Callers, name: str) -> None:
    """Every GET by everybody; where it is denied, an empty POST as well, which changes nothing."""
    from tests.access.callers import NOBODY, expected, row_counts

    sample, wrong = PAGES[name], []
    denied: dict[str, str] = {}
    for county, thing in things(world, name):
        url = url_of(name, thing)
        for caller in callers.about(county, sample.needs + sample.one_of + sample.own_or):
            answer = callers.browser(caller).get(url)
            status, told = answer.status_code, f"{caller} GET {url}"
            if caller == NOBODY:
                if status != 302 or not answer.headers["Location"].startswith("/sign-in?next="):
                    wrong.append(f"{told}: {status}, not to the door")
                denied[caller] = url
                continue
            may = expected(world, caller, sample, thing)
            if status not in (sample.answers if may else (404,)):
                wrong.append(f"{told}: {status}, {'may' if may else 'may not'}")
            if not may:
                denied[caller] = url
                continue
            text = body_of(answer)
            wrong += [f"{told} shows {marker}" for marker in world.foreign(caller) if marker in text]
            own = {"alice": "A", "dora": "B"}.get(caller)
            if sample.shows and own and not any(marker in text for marker in world.places[own].markers):
                wrong.append(f"{told} shows nothing of one's own")
    # a page that does nothing with a POST says so to everybody (405)
    if not hasattr(view_of(name), "post"):
        denied = {caller: url for caller, url in denied.items() if caller == NOBODY}
    before = row_counts()
    for caller, url in denied.items():
        answer = callers.browser(caller).post(url)
        if answer.status_code != (302 if caller == NOBODY else 404):
            wrong.append(f"{caller} POST {url}: {answer.status_code}")
    after = row_counts()
    wrong += [f"a denied POST changed {table}" for table in after if after[table] != before[table]]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", [name for name, sample in PAGES.items() if not sample.of])
def test_list_asked_otherwise(world: World, callers: Callers, name: str) -> None:
    """Searches, filters, exports and another county's area: nothing of elsewhere comes by them either."""
    from tests.access.callers import expected

    sample, url, wrong = PAGES[name], url_of(name, None), []
    exports = getattr(view_of(name), "export", "")
    for caller in ("alice", "gao", "two-townships", "auditor-a", "privacy-a", "administrator-a", "dora", "roleless"):
        browser, may = callers.browser(caller), expected(world, caller, sample, None)
        there = "A" if caller == "dora" else "B"
        for query in sample.queries:
            asked = query.format(**{key: thing.value for key, thing in world.places[there].things.items()})
            answer = browser.get(f"{url}?{asked}")
            if answer.status_code != (200 if may else 404):
                wrong.append(f"{caller} GET {url}?{asked}: {answer.status_code}")
            text = body_of(answer).replace(f'value="{asked.partition("=")[2]}"', "")
            shown = [marker for marker in world.foreign(caller) if marker in text and marker not in asked]
            wrong += [f"{caller} GET {url}?{asked} shows {marker}" for marker in shown]
        answer = browser.get(f"{url}?area={world.places[there].things['area'].value}")
        if answer.status_code != 404:
            wrong.append(f"{caller} GET {url} of the other county: {answer.status_code}")
        if not exports:
            continue
        leaves = may and bool(world.actors[caller].areas_for(Permission.ROWS_EXPORT))
        answer = browser.get(f"{url}?export=1")
        if answer.status_code != (200 if leaves else 404):
            wrong.append(f"{caller} GET {url}?export=1: {answer.status_code}")
        answer = browser.post(url, {"act": "export", "purpose": PURPOSE, "form": "csv"})
        if answer.status_code != (200 if leaves else 404):
            wrong.append(f"{caller} exports {url}: {answer.status_code}")
        wrong += [f"{caller} exports {m} from {url}" for m in world.foreign(caller) if m in body_of(answer)]
    assert not wrong, "\n".join(wrong)


def test_the_second_factor_is_forced_where_the_table_says(world: World, callers: Callers) -> None:
    """Exports, appeals, administration; nowhere else. Asked before anything else is said."""
    wrong = []
    for name, sample in PAGES.items():
        url = url_of(name, things(world, name)[0][1])
        for caller in ("alice", "fang"):
            answer = callers.browser(caller, verified=False).get(url)
            sent = answer.status_code == 302 and answer.headers["Location"].startswith("/second-factor?next=")
            if sent is not sample.second:
                wrong.append(f"{caller} GET {url}: {answer.status_code}")
        if getattr(view_of(name), "export", "") and not sample.second:
            browser = callers.browser("alice", verified=False)
            for answer in (browser.get(f"{url}?export=1"), browser.post(url, {"act": "export", "purpose": PURPOSE})):
                if not answer.headers.get("Location", "").startswith("/second-factor?next="):
                    wrong.append(f"{url} exports without the second factor: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_the_right_to_export_takes_nothing_from_another_place(world: World, callers: Callers) -> None:
    """A tracer of county A who holds everything in county B takes B's rows away, and none of A's."""
    wrong = []
    browser = callers.browser("tracer-a-all-b")
    for name, sample in PAGES.items():
        export = {"act": "export", "purpose": PURPOSE, "form": "csv"}
        if not getattr(view_of(name), "export", "") and name != "chains-svg":
            continue
        url = url_of(name, None)
        here = any(p in TRACER for p in sample.needs if p is not Permission.ROWS_EXPORT)
        for county, status in (("", 404 if here else 200), ("A", 404), ("B", 200)):
            area = f"?area={world.places[county].things['area'].value}" if county else ""
            answer = browser.post(f"{url}{area}", export)
            if answer.status_code != status:
                wrong.append(f"{url}{area}: {answer.status_code}")
            if any(marker in body_of(answer) for marker in world.places["A"].markers):
                wrong.append(f"{url}{area} takes away what is county A's")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", GUEST_STAY)
def test_a_guest_from_elsewhere_is_the_site_s(world: World, callers: Callers, name: str) -> None:
    """Somebody of county B in county A's site: whoever runs the site sees the stay, and not the person's page."""
    from django.urls import reverse

    from tests.access.callers import expected

    stay, guest = world.places["A"].things["guest_stay"], world.places["B"].things["guest"]
    url, wrong = reverse(name, kwargs={"stay_id": stay.value}), []
    for caller in ("gao", "alice", "qiu", "ma", "chen", "dora", "roleless"):
        status = callers.browser(caller).get(url).status_code
        if status != (200 if expected(world, caller, PAGES[name], stay) else 404):
            wrong.append(f"{caller} GET {url}: {status}")
    assert not wrong, "\n".join(wrong)
    assert callers.browser("gao").get(reverse("person", kwargs={"code": guest.value})).status_code == 404


def test_what_is_public_says_nothing_of_anybody(world: World, callers: Callers) -> None:
    from django.urls import reverse

    from tests.access.callers import NOBODY

    for name, answers in PUBLIC.items():
        answer = callers.browser(NOBODY).get(reverse(name, kwargs={"token": "x" * 32} if name == "resident" else None))
        assert answer.status_code in answers, (name, answer.status_code)
        assert not [each for place in world.places.values() for each in place.markers if each in body_of(answer)]


def test_a_personal_link_opens_one_s_own_page_alone(world: World, callers: Callers) -> None:
    from django.urls import reverse

    from tests.access.callers import NOBODY

    for key, other in (("A", "B"), ("B", "A")):
        token = world.places[key].things["resident"].value
        answer = callers.browser(NOBODY).get(reverse("resident", kwargs={"token": token}))
        assert answer.status_code == 200
        own = world.places[key].things["person"].value
        text = body_of(answer)
        seen = [m for m in world.places[key].markers[2:] + world.places[other].markers if m != own and m in text]
        assert seen == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation(world: World, callers: Callers, name: str) -> None:
    """Every operation by everybody's token, about a thing of each county; one that is denied changes nothing."""
    from tests.access.callers import allowed, row_counts, thing_of

    operation, wrong, before = OPERATIONS[name], [], row_counts()
    for key, place in world.places.items():
        thing = thing_of(place, operation.of)
        for caller in callers.about(key if thing else "", operation.needs):
            if caller not in callers.tokens:
                continue
            status, content = callers.call(caller, name, operation, place)
            told, may = f"{caller} {name} ({key})", allowed(world, caller, operation, thing)
            fine = (200, 201, 400, 409, 422) if may or operation.empty else (404,)
            if not may and allowed(world, caller, operation, None):
                fine += operation.elsewhere
            if status not in fine:
                wrong.append(f"{told}: {status}, {'may' if may else 'may not'}")
            if operation.empty and not may and '"items": []' not in content:
                wrong.append(f"{told} shows {content[:80]}")
            wrong += [f"{told} shows {marker}" for marker in world.foreign(caller) if marker in content]
        status, _ = callers.call("", name, operation, place)
        if status != 401:
            wrong.append(f"{name} without a token: {status}")
    after = row_counts()
    wrong += [f"{name}, denied, changed {table}" for table in after if after[table] != before[table]]
    assert not wrong, "\n".join(wrong)
