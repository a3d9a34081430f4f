from django.urls import path

from qipan.web.account import Account, AccountEdit, OwnPassword
from qipan.web.choosing import AreaSwitch, Language
from qipan.web.guide import Guide
from qipan.web.health import Health
from qipan.web.search import Search
from qipan.web.second_factor import NewDevice, RecoveryCodes, SecondFactor, SecondFactorReset
from qipan.web.sign_in import SignIn, SignOut
from qipan.web.tokens import TokenAdd, TokenRevoke, Tokens

urlpatterns = [
    path("health", Health.as_view(), name="health"),
    path("sign-in", SignIn.as_view(), name="sign-in"),
    path("sign-out", SignOut.as_view(), name="sign-out"),
    path("second-factor", SecondFactor.as_view(), name="second-factor"),
    path("account", Account.as_view(), name="account"),
    path("account/edit", AccountEdit.as_view(), name="account-edit"),
    path("account/password", OwnPassword.as_view(), name="account-password"),
    path("account/second-factor", NewDevice.as_view(), name="second-factor-new"),
    path("account/recovery-codes", RecoveryCodes.as_view(), name="recovery-codes"),
    path("users/<str:username>/second-factor-reset", SecondFactorReset.as_view(), name="user-second-factor-reset"),
    path("account/tokens/", Tokens.as_view(), name="tokens"),
    path("account/tokens/add", TokenAdd.as_view(), name="token-add"),
    path("account/tokens/<int:token_id>/", TokenRevoke.as_view(), name="token-revoke"),
    path("language", Language.as_view(), name="language"),
    path("area", AreaSwitch.as_view(), name="area-switch"),
    path("search", Search.as_view(), name="search"),
    path("guide", Guide.as_view(), name="guide"),
    path("guide/<slug:chapter>", Guide.as_view(), name="guide-chapter"),
]
