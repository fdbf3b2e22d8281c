"""The object store in real web processes: granian's, as ``synnefo up`` runs them, and gunicorn's."""
