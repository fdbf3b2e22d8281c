"""The contract of ``synnefo.cyclades.backends.base``, checked on every engine."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.suite", f"{__name__}.disks_suite")
