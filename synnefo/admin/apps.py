from __future__ import annotations

from django.apps import AppConfig


class AdminConfig(AppConfig):
    name = "synnefo.admin"
    label = "synnefo_admin"
