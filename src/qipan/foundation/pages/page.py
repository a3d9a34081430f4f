"""What every page is: who may open it, what it is called, how it is rendered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.views import View

from qipan.terms.errors import Absent
from qipan.terms.roles import Actor, Permission

#: what asks for the second factor wherever it is done: administration, and judging appeals
GUARDED = frozenset({
    Permission.AREA_LOAD, Permission.UNIT_MANAGE, Permission.USER_MANAGE, Permission.PERSON_PURGE,
    Permission.KEY_ROTATE, Permission.APPEAL_DECIDE, Permission.RULEBOOK_PUBLISH, Permission.BACKUP_RUN,
    Permission.TOKEN_MANAGE,
})  # fmt: skip

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from qipan.foundation.access.models import User

    Words = str | _StrPromise
else:
    Words = str


@dataclass(frozen=True, slots=True)
class AreaChoice:
    """The area that a page is narrowed to. `code` is "" where that is everything the reader may see."""

    code: str
    path: str
    name: str
    level: str = ""
    #: (code, name) of the areas above it that the reader may open, from the top
    above: Sequence[tuple[str, str]] = ()


class PageRequest(HttpRequest):
    """A request as `web.acting` hands it to pages."""

    actor: Actor
    at: datetime
    area: AreaChoice
    user: "User"


class Page(View):
    """A page. Nobody opens it who holds `permission` nowhere; what is on it, selectors scope once more.

    `permission` None: whoever is signed in. `public`: anybody. `second_factor`: only after the second factor
    (exports, appeals, administration; permissions in GUARDED ask for it by themselves). `before_password`: also open
    to whoever still has the password that somebody else gave him.
    """

    title: ClassVar[Words] = ""
    permission: ClassVar[Permission | None] = None
    public: ClassVar[bool] = False
    second_factor: ClassVar[bool] = False
    before_password: ClassVar[bool] = False
    #: the entry of the navigation under which it lies (name of a URL)
    section: ClassVar[str] = ""
    #: one or two sentences: what this page is for and what to do here
    help: ClassVar[Words] = ""
    template: ClassVar[str] = ""
    #: style sheets and scripts of its own, as static files ("room/name.css", "room/name.js")
    assets: ClassVar[Sequence[str]] = ()
    #: may be shown on a wall without chrome (?wall=1)
    wall: ClassVar[bool] = False

    request: PageRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Ask who this is before anything is read."""
        if not self.public:
            if not request.user.is_authenticated:
                return redirect(f"/sign-in?{urlencode({'next': request.get_full_path()})}")
            if request.user.password_temporary and not self.before_password:
                return redirect(f"/account/password?{urlencode({'next': request.get_full_path()})}")
            asked = self.asks_second_factor()
            if asked and settings.SECOND_FACTOR and not is_verified(request):
                return redirect(f"/second-factor?{urlencode({'next': request.get_full_path()})}")
            if self.permission is not None and not cast(PageRequest, request).actor.areas_for(self.permission):
                raise Absent("page")
        return super().dispatch(request, *args, **kwargs)

    def asks_second_factor(self) -> bool:
        """Whether this request needs the second factor."""
        return self.second_factor or self.permission in GUARDED

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return self.request.actor

    @property
    def at(self) -> datetime:
        """The moment of the request."""
        return self.request.at

    @property
    def area(self) -> AreaChoice:
        """What the page is narrowed to."""
        return self.request.area

    def page_title(self) -> Words:
        """The heading; a detail page says of what."""
        return self.title

    def show(self, template: str = "", *, status: int = 200, **context: Any) -> HttpResponse:
        """Render a template inside the frame."""
        return render(
            self.request, template or self.template, {"page": self, "title": self.page_title(), **context},
            status=status,
        )  # fmt: skip


def is_verified(request: HttpRequest) -> bool:
    """Whether the second factor was given in this session."""
    check = getattr(request.user, "is_verified", None)
    return bool(check is not None and check())


def address(name: str, *args: Any) -> str:
    """The address of a page by its name; "" where this installation has no such page (tests know them all)."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def with_area(url: str, area_code: str) -> str:
    """An address that stays in the chosen area."""
    if not area_code or not url:
        return url
    return f"{url}{'&' if '?' in url else '?'}area={area_code}"
