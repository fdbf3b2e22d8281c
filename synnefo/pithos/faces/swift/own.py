"""The same routes where Swift has them: ``/v1/AUTH_<uuid>``, ``/auth/v1.0``, ``/info``, ``/healthcheck``."""

from django.urls import re_path

from synnefo.pithos.faces.swift.kit import unknown
from synnefo.pithos.faces.swift.urls import at

urlpatterns = [
    *at(""),
    re_path(r"^(?=v1(?:/|$))(?P<path>.*)$", unknown),
]
