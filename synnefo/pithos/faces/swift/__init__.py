"""OpenStack's object storage API as Swift speaks it, on the same objects: ``swift/v1/AUTH_<uuid>``.

Not here: large objects in parts, links signed by keys, sharing by ACLs, bulk requests. What asks for them is
refused, where taking no notice would break a promise (``unsupported``).
"""
