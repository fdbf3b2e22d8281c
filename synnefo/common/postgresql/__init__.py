"""The database engine ``synnefo.common.postgresql``: Django's own, with a cheaper health check."""
