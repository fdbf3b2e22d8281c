"""What identity v3 says of users, groups and projects beyond what they are: domains, names, tags."""
