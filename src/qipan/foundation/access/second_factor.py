"""The second factor: a time-based code from a device of one's own, and recovery codes for when it is lost.

The library throttles wrong codes (each further one waits twice as long) and refuses a code that was used.
"""

from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from qipan.foundation.access.models import User
from qipan.foundation.access.scoping import require
from qipan.foundation.audit.reasons import seal_reason
from qipan.foundation.audit.services import audited
from qipan.terms.errors import Absent, BadInput, Refused
from qipan.terms.roles import Actor, Permission

#: recovery codes made at once; each works once
CODES = 10
_NAME = "qipan"


@dataclass(frozen=True, slots=True)
class FactorState:
    """What an account has of it."""

    enrolled: bool
    #: recovery codes that were not used yet
    codes_left: int


def factor_state(user: User) -> FactorState:
    """Whether a device is enrolled, and how many recovery codes are left; two queries."""
    return FactorState(
        TOTPDevice.objects.filter(user=user, confirmed=True).exists(),
        StaticToken.objects.filter(device__user=user, device__confirmed=True).count(),
    )


def new_key() -> str:
    """A fresh secret for a device (160 bits, hexadecimal)."""
    return str(random_hex(20))


def manual_key(key: str) -> str:
    """The secret as it is typed into a device that cannot read the picture: base 32, in groups of four."""
    text = b32encode(bytes.fromhex(key)).decode()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def key_uri(user: User, key: str) -> str:
    """What the picture says to the device."""
    issuer = str(settings.OTP_TOTP_ISSUER)
    secret = b32encode(bytes.fromhex(key)).decode()
    query = urlencode({"secret": secret, "issuer": issuer, "algorithm": "SHA1", "digits": 6, "period": 30})
    return f"otpauth://totp/{quote(f'{issuer}:{user.username}')}?{query}"


def second_factor_enrol(*, actor: Actor, user: User, key: str, code: str, at: datetime) -> tuple[Any, list[str]]:
    """Enrol a device that holds `key` and shows `code`, in place of any other; the device and new recovery codes.

    The recovery codes are readable here and never again. Raises Absent for another's account, BadInput for a code
    that the device does not show now.
    """
    with audited(actor=actor, action="second_factor.enrol", at=at) as entry:
        if actor.user_id != user.pk:
            raise Absent("user")
        entry.about("user", user.pk, area_path=user.area_path)
        TOTPDevice.objects.filter(user=user).delete()
        device = TOTPDevice.objects.create(user=user, name=_NAME, key=key, confirmed=True)
        if not device.verify_token(_digits(code)):
            raise BadInput("This is not the code that the device shows now. Check its clock and try again.")
        codes = _codes_make(user)
    return device, codes


def recovery_codes_make(*, actor: Actor, user: User, at: datetime) -> list[str]:
    """New recovery codes; the old ones are void. Raises Absent for another's account, Refused without a device."""
    with audited(actor=actor, action="second_factor.codes", at=at) as entry:
        if actor.user_id != user.pk:
            raise Absent("user")
        if not TOTPDevice.objects.filter(user=user, confirmed=True).exists():
            raise Refused("Set up the second factor first.")
        entry.about("user", user.pk, area_path=user.area_path)
        return _codes_make(user)


def _codes_make(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name=_NAME, confirmed=True)
    codes = [StaticToken.random_token() for _ in range(CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


def second_factor_verify(*, actor: Actor, user: User, code: str, at: datetime) -> Any:
    """The device that this code proves, or None: a wrong code, a used one, or too soon after a wrong one.

    Wrong tries are counted and logged: nothing is raised for them, so that the count is kept. Raises Absent for
    another's account.
    """
    with audited(actor=actor, action="second_factor", at=at) as entry:
        if actor.user_id != user.pk:
            raise Absent("user")
        entry.about("user", user.pk, area_path=user.area_path)
        # a try that is not let happen proves nothing and is not written down: nobody fills the log with it
        entry.silent = bool(factor_wait(user))
        device = _proved(user, code)
        if device is None:
            entry.action = "second_factor.failed"
        else:
            entry.silent = False
            entry.detail["recovery"] = isinstance(device, StaticDevice)
    return device


def factor_wait(user: User) -> int:
    """Seconds until another try is let happen, 0 for now."""
    longest = 0
    for kind in (TOTPDevice, StaticDevice):
        for device in kind.objects.filter(user=user, confirmed=True):
            allowed, why = device.verify_is_allowed()
            if not allowed:
                longest = max(longest, int((why["locked_until"] - timezone.now()).total_seconds()) + 1)
    return longest


def _proved(user: User, code: str) -> Any:
    """The device that the code proves. Six digits are asked of the device, anything else of the recovery codes."""
    token = _digits(code)
    kind: Any = TOTPDevice if token.isdigit() and len(token) == 6 else StaticDevice
    for device in kind.objects.select_for_update().filter(user=user, confirmed=True):
        if device.verify_token(token.lower()):
            return device
    return None


def _digits(code: str) -> str:
    return "".join(code.split()).replace("-", "")


def second_factor_reset(*, actor: Actor, user: User, reason: str, at: datetime) -> None:
    """Take away somebody's second factor, because the device is lost: he enrols another when he is next asked.

    Raises Denied, Refused (one's own; none there), BadInput (no reason).
    """
    if not reason.strip():
        raise BadInput("Say why: it is kept in the log.")
    with audited(actor=actor, action="second_factor.reset", at=at) as entry:
        require(actor, Permission.USER_MANAGE, user.area_path)
        if actor.user_id == user.pk:
            raise Refused("Nobody resets his own second factor: ask another administrator, or use a recovery code.")
        had = TOTPDevice.objects.filter(user=user).delete()[0]
        had += StaticDevice.objects.filter(user=user).delete()[0]
        if not had:
            raise Refused("%(name)s has set up no second factor.", name=user.username)
        entry.about("user", user.pk, area_path=user.area_path,
                    detail={"reason": seal_reason(reason[:400], write_id=entry.write_id)})  # fmt: skip
