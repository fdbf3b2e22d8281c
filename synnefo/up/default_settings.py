"""Settings of the cloud of one machine, with their defaults."""

from __future__ import annotations

SYNNEFO_ADMIN_EMAIL = "admin@example.org"
SYNNEFO_SEED = "samples"
SYNNEFO_SAMPLE_IMAGE = ""
SYNNEFO_WEB_WORKERS = 2
SYNNEFO_WEB_THREADS = 16
SYNNEFO_WEB_STALLED_S = 60
