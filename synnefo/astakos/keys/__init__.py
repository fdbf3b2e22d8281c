"""Access keys: pairs of a name and a secret by which programs sign requests, as S3 and EC2 have them."""
