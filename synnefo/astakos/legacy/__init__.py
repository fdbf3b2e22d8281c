"""Accounts, projects and quota out of the database of a Synnefo 0.19 - 0.21: read there, written here, once.

``source`` reads, ``steps`` says what a noun's step is, one file per noun turns its old rows into ours,
``rules`` runs the steps in their order. Nothing here writes to the old database.
"""
