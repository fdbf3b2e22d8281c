"""WebDAV (RFC 4918, classes 1 and 2) on the same objects, for what mounts them as a disk: ``dav/``.

At the top are the containers of the caller's account, the accounts of his projects below ``projects``, and
what others share with him below ``shared``. A folder is an object of that type, or the beginning of names; an
object that has the name of a folder is hidden by it.
"""
