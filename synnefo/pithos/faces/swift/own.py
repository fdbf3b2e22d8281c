"""The same routes where Swift itself has them: ``/v1/AUTH_<uuid>``, ``/auth/v1.0`` and ``/info``."""

from synnefo.pithos.faces.swift.urls import at

urlpatterns = at("")
