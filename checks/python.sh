#!/bin/sh
# Which Python `make` builds .venv with: `python3`, or the system's own where that is the faster of the two.
#
# CPython is about a fifth faster if it was compiled with a profile of itself. Distributions and Docker's images do that;
# pyenv and a plain `./configure` do not, unless told with --enable-optimizations. PYTHON=... chooses another.
with_profile='import sys, sysconfig; sys.exit("--enable-optimizations" not in str(sysconfig.get_config_var("CONFIG_ARGS")))'
can_serve='import ensurepip, sys; sys.exit(sys.version_info < (3, 11))'
if ! python3 -c "$with_profile" 2>/dev/null && /usr/bin/python3 -c "$can_serve" 2>/dev/null; then
    echo /usr/bin/python3
else
    echo python3
fi
