"""Synnefo's own face of Cyclades: compute v2.0, network v2.0 and image v1, as 0.21 answered its clients.

Each noun's routes stand in its own ``api/synnefo.py``; here are what they share (``kit``), the versions, and
the three APIs put together (``urls``).
"""
