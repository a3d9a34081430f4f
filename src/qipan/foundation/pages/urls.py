"""The foundation's own desks: imports, log, jobs."""

from django.urls.resolvers import URLPattern

urlpatterns: list[URLPattern] = []
