"""The limits of the public API, in one place; each is in a description of the schema too."""

PROJECT_NAME = (1, 100)
RESOURCE_NAME = (1, 63)
DESCRIPTION = (0, 1000)
LOGIN = (3, 32)
PASSWORD = (10, 128)
IMAGE = (1, 255)
IDENTITIES_PER_USER = 20
# Characters of a User-Agent that are kept.
DEVICE = 255
IDEMPOTENCY_KEY = (1, 255)
TOKEN_NAME = (1, 100)
TOKENS_PER_USER = 100
PROJECTS_PER_TOKEN = 20
SANDBOXES_PER_PROJECT = 20
DATABASES_PER_PROJECT = 20
REPLICAS = (1, 5)
# Ports that a sandbox opens beside the app and the terminal: those that no root is needed for.
PORT = (1024, 65535)
PORTS_PER_SANDBOX = 5

PAGE_DEFAULT = 20
PAGE_MOST = 100
NODES_MOST = 100

SESSIONS_MOST = 100

# Bounds of one replica, in Kubernetes quantities.
CPU = ("10m", "16")
MEMORY = ("32Mi", "64Gi")
STORAGE = ("1Gi", "1Ti")

# A user's kubeconfig: bytes of the file; depth and number of its parts; characters of a name and of
# a token (service account tokens have some 1,000); bytes of certificates, of a key in PEM.
KUBECONFIG = 256 * 1024
KUBECONFIG_DEPTH = 16
KUBECONFIG_PARTS = 5000
KUBECONFIG_NAME = 253
KUBECONFIG_TOKEN = 16 * 1024
KUBECONFIG_CERTIFICATES = 64 * 1024
KUBECONFIG_KEY = 16 * 1024

# Variables of a project; bytes are those of UTF-8. A Secret of Kubernetes holds 1 MiB at most, and
# the kernel passes 128 KiB in one variable and a quarter of the stack (2 MiB) in all.
VARIABLE_KEY = (1, 128)
VALUE_BYTES = 32 * 1024
ENVIRONMENT_BYTES = 512 * 1024
VARIABLES_PER_PROJECT = 200
# Values of variables and settings in one answer, and in what is read for it at once.
SHOWN_BYTES = 4 * 1024 * 1024
CATEGORY = (1, 32)

# What a user configures; the Anthropic ones go into headers and environments.
SETTING_KEY = (1, 128)
SETTINGS_PER_USER = 100
ANTHROPIC_URL = (1, 2048)
ANTHROPIC_KEY = (1, 4096)
ANTHROPIC_MODEL = (1, 200)
