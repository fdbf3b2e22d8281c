"""The OpenStack face of Cyclades: compute v2.1, network v2.0 and image v2, put together from the nouns.

Each noun's routes stand in its own ``api/openstack.py``; here are what they share (``kit``), what belongs to
no noun (versions, extensions, limits, quota, availability zones) and the three APIs themselves.
"""
