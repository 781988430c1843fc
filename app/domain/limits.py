"""The limits of the public API, in one place; each is in a description of the schema too."""

PROJECT_NAME = (1, 100)
RESOURCE_NAME = (1, 63)
DESCRIPTION = (0, 1000)
LOGIN = (3, 32)
PASSWORD = (10, 128)
IMAGE = (1, 255)
IDEMPOTENCY_KEY = (1, 255)
SANDBOXES_PER_PROJECT = 20
DATABASES_PER_PROJECT = 20
REPLICAS = (1, 5)

PAGE_DEFAULT = 20
PAGE_MOST = 100
NODES_MOST = 100

# Bounds of one replica, in Kubernetes quantities.
CPU = ("10m", "16")
MEMORY = ("32Mi", "64Gi")
STORAGE = ("1Gi", "1Ti")
