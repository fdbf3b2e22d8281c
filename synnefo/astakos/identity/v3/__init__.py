"""Identity v3 in Keystone's shapes. There is one domain, ``default``; roles are member, reader, admin."""
