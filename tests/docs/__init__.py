"""What the documentation must say: every setting, command, fault and route, and none that is not there."""
