#!/bin/bash
# pyenv.sh - prints the path of a Python environment with the packages of
# tests/clients/requirements.txt, and makes it when it is not there yet.
#
# It lies outside the clone and stays until the requirements change. Every
# package is pinned by its hash. When it can not be made it ends with 1 and
# prints why.
set -u
list=$(cd "$(dirname "$0")/../clients" && pwd)/requirements.txt
hash=$(sha256sum <"$list" | cut -c 1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/chatmock-tests
made=$cache/python-$hash

# The wheels named are those of Debian 12's Python. An environment can not be
# moved, so a note says that it is complete.
make_it() {
	rm -rf "$made"
	python3 -m venv "$made" &&
		"$made/bin/pip" install --quiet --disable-pip-version-check \
			--no-deps --only-binary :all: --require-hashes -r "$list" &&
		: >"$made/complete"
}

give_up() {
	echo "$1"
	exit 1
}

python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
	give_up "the packages are pinned for Python 3.11"
mkdir -p "$cache" || give_up "$cache cannot be made"
exec 9>"$cache/lock-python"
flock 9
if [ ! -e "$made/complete" ]; then
	python3 -c 'import venv, ensurepip' 2>/dev/null ||
		give_up "python3-venv is missing: deploy/deps.sh test"
	make_it >&2 || give_up "the packages could not be fetched"
fi
echo "$made"
