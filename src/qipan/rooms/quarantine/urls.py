from django.urls import path

from qipan.rooms.quarantine.web.arrivals import Arrivals, Releases
from qipan.rooms.quarantine.web.board import RoomPage, SitePage
from qipan.rooms.quarantine.web.corrections import StayTakeBack
from qipan.rooms.quarantine.web.moving import StayDepart, StayMove, StayReceive
from qipan.rooms.quarantine.web.sites import RoomIn, RoomOut, RoomsAdd, SiteAdd, SiteClose, SiteReopen, Sites
from qipan.rooms.quarantine.web.stays import StayPage, Stays

urlpatterns = [
    path("quarantine/", Sites.as_view(), name="sites"),
    path("quarantine/add", SiteAdd.as_view(), name="site-add"),
    path("quarantine/arrivals", Arrivals.as_view(), name="arrivals"),
    path("quarantine/releases", Releases.as_view(), name="releases"),
    path("quarantine/stays/", Stays.as_view(), name="stays"),
    path("quarantine/stays/<int:stay_id>/", StayPage.as_view(), name="stay"),
    path("quarantine/stays/<int:stay_id>/depart", StayDepart.as_view(), name="stay-depart"),
    path("quarantine/stays/<int:stay_id>/move", StayMove.as_view(), name="stay-move"),
    path("quarantine/stays/<int:stay_id>/take-back", StayTakeBack.as_view(), name="stay-take-back"),
    path("quarantine/rooms/<int:room_id>/", RoomPage.as_view(), name="room"),
    path("quarantine/rooms/<int:room_id>/out", RoomOut.as_view(), name="room-out"),
    path("quarantine/rooms/<int:room_id>/in", RoomIn.as_view(), name="room-in"),
    path("quarantine/<int:site_id>/", SitePage.as_view(), name="site"),
    path("quarantine/<int:site_id>/receive", StayReceive.as_view(), name="stay-receive"),
    path("quarantine/<int:site_id>/rooms/add", RoomsAdd.as_view(), name="rooms-add"),
    path("quarantine/<int:site_id>/close", SiteClose.as_view(), name="site-close"),
    path("quarantine/<int:site_id>/reopen", SiteReopen.as_view(), name="site-reopen"),
]
