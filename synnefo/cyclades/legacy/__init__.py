"""Machines, networks, volumes and what belongs to them, out of a Cyclades of 0.19 - 0.21: read there, written
here, once.

``source`` reads its database, ``secrets`` and ``bitmaps`` what is packed in its columns; one module for each
noun turns its rows into ours, ``images`` makes rows of what objects say of themselves, ``rules`` runs the
steps. Nothing here writes to the old database or speaks to an engine.
"""
