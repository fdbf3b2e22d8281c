"""Pithos: object storage. Content in blocks named by their hash, names and versions in SQL, faces on top."""
