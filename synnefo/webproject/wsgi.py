"""The WSGI entry point: ``synnefo.webproject.wsgi:application``."""

from __future__ import annotations

from django.core.wsgi import get_wsgi_application

from synnefo.webproject.start import set_up

set_up()
application = get_wsgi_application()
