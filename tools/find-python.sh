#!/bin/sh
# Print the first Python >= 3.11 that can make virtual environments; else say in one sentence what to install.
# On Debian and Ubuntu, as root, what is missing is installed. PYTHON=/path/to/python chooses one.
set -u

usable() { # prints the path of $1 if it is new enough; fails otherwise
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && command -v "$1"
}

with_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

search() {
    if [ -n "${PYTHON:-}" ]; then
        usable "$PYTHON"
        return
    fi
    for name in python3 python3.13 python3.12 python3.11 python3.14 python; do
        usable "$name" && return
    done
    return 1
}

install() { # on Debian, as root; quietly, and on stderr, because stdout is for the answer
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv; } >&2
}

python=$(search) || { [ -z "${PYTHON:-}" ] && install && python=$(search); } || {
    echo "convscope needs Python 3.11 or newer, and ${PYTHON:-python3} is none: install it (Debian, Ubuntu: apt-get install python3 python3-venv; elsewhere: https://www.python.org/downloads/) or name one with PYTHON=/path/to/python." >&2
    exit 2
}
with_venv "$python" || { install && with_venv "$python"; } || {
    echo "$python cannot make virtual environments: install its venv package (Debian, Ubuntu: apt-get install python3-venv), or name another Python with PYTHON=/path/to/python." >&2
    exit 2
}
printf '%s\n' "$python"
