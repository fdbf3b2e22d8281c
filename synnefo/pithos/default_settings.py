"""Settings of Pithos, with their defaults."""

from __future__ import annotations

PITHOS_BASE_PATH = "pithos"
PITHOS_BLOCKS = "synnefo.pithos.blocks.filesystem.FilesystemBlocks"
PITHOS_BACKEND_BLOCK_PATH = ""
PITHOS_BACKEND_BLOCK_SIZE = 4 * 1024 * 1024
PITHOS_BACKEND_VERSIONING = "auto"
PITHOS_BACKEND_CONTAINER_QUOTA = 0
PITHOS_RESOURCE_MAX_METADATA = 32
PITHOS_API_LIST_LIMIT = 10_000
PITHOS_UPDATE_MD5 = True
PITHOS_MAX_UPLOAD_BYTES = 5 * 1024**3
