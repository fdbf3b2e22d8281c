"""What Cyclades serves under its base path."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from synnefo.common.http.mounting import mounted
from synnefo.common.http.rendering import glance, neutron, nova
from synnefo.cyclades.openstack import compute, image, network, volume
from synnefo.cyclades.synnefo_api import urls as synnefo_api

urlpatterns: list[URLPattern | URLResolver] = [
    *mounted("openstack/compute", compute.api, nova, compute.versions),
    *mounted("openstack/network", network.api, neutron, network.versions),
    *mounted("openstack/image", image.api, glance, image.versions),
    *mounted("openstack/volume", volume.api, nova, volume.versions),
    *synnefo_api.urlpatterns,
]
