"""Floor 4: the processes. URL map, WSGI entry point, command entry points; no rule lives here."""
