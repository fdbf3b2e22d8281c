from __future__ import annotations

from django.apps import AppConfig


class WebprojectConfig(AppConfig):
    name = "synnefo.webproject"
    label = "webproject"
