"""How the Python that runs was compiled. ./rubi runs this as a file, too: exit code 1 says without optimisations."""

import sys
import sysconfig


def optimised() -> bool:
    """Whether it was compiled with its profile of use (`--enable-optimizations`).

    Distributions do that with rules of their own, which the settings do not tell; theirs lives in /usr. What pyenv
    compiles by default lacks it.
    """
    return sys.base_prefix == "/usr" or "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")


if __name__ == "__main__":
    sys.exit(not optimised())
