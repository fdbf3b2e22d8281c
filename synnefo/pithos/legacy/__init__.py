"""Accounts, containers, objects and blocks out of a Pithos of 0.19 - 0.21: read there, written here, once.

``source`` reads its database, ``files`` its maps and blocks, ``names`` and ``versions`` turn its rows into
ours, ``rules`` runs the steps. Nothing here writes to the old database or its files.
"""
