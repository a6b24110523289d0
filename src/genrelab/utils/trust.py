"""Whether this command's configurations may do all that Hydra can, see docs/threats.md."""

import os

TRUST_FLAG = "--trust-config"
TRUSTED = "GENRELAB_TRUST_CONFIG"  # in the environment, for the processes that launchers and sweeps start


def is_trusted() -> bool:
    """Whether `--trust-config` was said."""
    return os.environ.get(TRUSTED) == "1"
