"""Pithos behind ``common.objects``: content of images for Cyclades. No HTTP, no rules about images."""
