"""Volumes: disks of servers, with a life of their own; and snapshots of them, which are images."""
