"""The entry points of servers: ``synnefo.webproject.wsgi:application``, and the ways beside it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from synnefo.common.http.lanes import Lane, Prompt
from synnefo.webproject.objects import Application, in_the_loop, unhurried, unhurried_lane
from synnefo.webproject.start import set_up

set_up()
application: Application = get_wsgi_application()
prompts: list[Prompt] = []
lanes: list[Lane[Any]] = []
if "pages" not in settings.SYNNEFO_WEB_SERVES:
    application = unhurried(application)
    serves_objects = "pithos" in settings.SYNNEFO_SERVICES and "objects" in settings.SYNNEFO_WEB_SERVES
    # Where answers differ with the scheme of the request the application is asked for all.
    if serves_objects and not (settings.SECURE_SSL_REDIRECT or settings.SECURE_HSTS_SECONDS):
        from synnefo.pithos.faces.swift import plain_reads
        from synnefo.pithos.faces.swift.plain_writes import PlainWrites

        prompts = [in_the_loop(plain_reads.answer)]
        lanes = [unhurried_lane(PlainWrites())]
