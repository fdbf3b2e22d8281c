"""What the dispatcher does for the object store from time to time: collecting blocks, taking checksums."""
