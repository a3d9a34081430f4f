"""Who asks: the address of the client, also behind the one proxy that the installation names."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The address that the connection, or the proxy before us (QIPAN_BEHIND_PROXY), says.

    Of a forwarded chain only the last entry counts: it is the proxy's own, the others anybody can make up.
    """
    direct = str(request.META.get("REMOTE_ADDR", "") or "")
    if settings.BEHIND_PROXY:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        return forwarded or direct
    return direct
