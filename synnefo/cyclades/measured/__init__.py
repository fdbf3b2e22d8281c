"""What servers use: their engine's samples, as figures and as graphs."""
