"""The cloud of one machine: its supervisor, its set-up, its files. Everything runs as real processes."""
