"""What the object stores' tests share with those of Pithos."""

from tests.pithos.conftest import peak_bytes

__all__ = ["peak_bytes"]
