from django.urls import path

from qipan.rooms.organizations.web.accounts import (
    RoleEnd,
    RoleGrant,
    UserAdd,
    UserClose,
    UserOpen,
    UserPage,
    UserPassword,
    Users,
)
from qipan.rooms.organizations.web.task_forces import (
    DutyAssign,
    DutyList,
    TaskForceAdd,
    TaskForceClose,
    TaskForceMemberAdd,
    TaskForcePage,
    TaskForces,
)
from qipan.rooms.organizations.web.units import UnitAdd, UnitPage, Units

urlpatterns = [
    path("units/", Units.as_view(), name="units"),
    path("units/add/", UnitAdd.as_view(), name="unit-add"),
    path("units/unit/<str:code>/", UnitPage.as_view(), name="unit"),
    path("task-forces/", TaskForces.as_view(), name="task-forces"),
    path("task-forces/add/", TaskForceAdd.as_view(), name="task-force-add"),
    path("task-forces/<int:task_force_id>/", TaskForcePage.as_view(), name="task-force"),
    path(
        "task-forces/<int:task_force_id>/members/add/", TaskForceMemberAdd.as_view(), name="task-force-member-add"
    ),
    path("task-forces/<int:task_force_id>/close/", TaskForceClose.as_view(), name="task-force-close"),
    path("duty/", DutyList.as_view(), name="duty"),
    path("duty/add/", DutyAssign.as_view(), name="duty-assign"),
    path("users/", Users.as_view(), name="users"),
    path("users/add/", UserAdd.as_view(), name="user-add"),
    path("users/<int:user_id>/", UserPage.as_view(), name="user"),
    path("users/<int:user_id>/password/", UserPassword.as_view(), name="user-password"),
    path("users/<int:user_id>/close/", UserClose.as_view(), name="user-close"),
    path("users/<int:user_id>/open/", UserOpen.as_view(), name="user-open"),
    path("users/<int:user_id>/roles/add/", RoleGrant.as_view(), name="role-grant"),
    path("users/roles/<int:membership_id>/end/", RoleEnd.as_view(), name="role-end"),
]
