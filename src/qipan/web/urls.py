from django.urls import path

from qipan.web.choosing import AreaSwitch, Language
from qipan.web.placeholders import Soon
from qipan.web.sign_in import SignIn, SignOut

urlpatterns = [
    path("sign-in", SignIn.as_view(), name="sign-in"),
    path("sign-out", SignOut.as_view(), name="sign-out"),
    path("second-factor", Soon.as_view(), name="second-factor"),
    path("account", Soon.as_view(), name="account"),
    path("language", Language.as_view(), name="language"),
    path("area", AreaSwitch.as_view(), name="area-switch"),
    path("search", Soon.as_view(), name="search"),
]
