"""The local engine with real QEMU."""
