"""Programs that measure the product: run by ``make bench``, never part of the tests."""
