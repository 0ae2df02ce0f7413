"""The version of this code, as manifests and the published file carry it."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("crm-warehouse")
except PackageNotFoundError:  # run from a checkout that was never installed
    VERSION = "0+unknown"
