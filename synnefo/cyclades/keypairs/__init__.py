"""Key pairs: public SSH keys that servers are created with."""
