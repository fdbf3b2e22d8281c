"""The WSGI entry point: ``synnefo.webproject.wsgi:application``."""

from __future__ import annotations

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from synnefo.webproject.objects import Application, unhurried
from synnefo.webproject.start import set_up

set_up()
application: Application = get_wsgi_application()
if "pages" not in settings.SYNNEFO_WEB_SERVES:
    if "pithos" in settings.SYNNEFO_SERVICES and "objects" in settings.SYNNEFO_WEB_SERVES:
        from synnefo.pithos.faces.swift.plain import served_first

        application = served_first(application)
    application = unhurried(application)
