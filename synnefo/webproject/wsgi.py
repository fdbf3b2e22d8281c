"""The entry points of servers: ``synnefo.webproject.wsgi:application``, and the ways beside it."""

from __future__ import annotations

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from synnefo.webproject.objects import Application, unhurried, ways_beside
from synnefo.webproject.start import set_up

set_up()
application: Application = get_wsgi_application()
if "pages" not in settings.SYNNEFO_WEB_SERVES:
    application = unhurried(application)
prompts, lanes = ways_beside()
