"""Amazon's S3 API on the same objects, on a port of its own: ``/<bucket>/<key>``.

Buckets are containers, keys objects, credentials the access keys of Astakos (signature version 4). Without a
signature one is nobody, and finds what is open to everybody below ``/<account>/<bucket>``.
"""
