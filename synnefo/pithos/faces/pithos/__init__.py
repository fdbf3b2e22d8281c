"""Synnefo's own object storage API, with the codes, headers and odd shapes of 0.21 that kamaki relies on."""
