#!/bin/bash
# python.sh - real clients from PyPI, asking through lighttpd.
#
#	tests/clients/python.sh			every suite
#	tests/clients/python.sh openai		some of them
#
# The packages are those of requirements.txt, fetched once into a directory
# outside the clone (tests/lib/pyenv.sh).
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=${CHATMOCK_TEST_BIN:-$root/build/bin}

for program in chatmock.fcgi chatmock-demo-upstream; do
	if [ ! -x "$bin/$program" ]; then
		echo "$bin/$program is missing: make"
		echo "clients-python: 0 passed, 1 failed"
		exit 1
	fi
done
if ! env=$("$root/tests/lib/pyenv.sh"); then
	case $env in
	*"pinned for Python"*)
		echo "SKIP clients-python: $env"
		echo "clients-python: 0 passed, 0 failed, 1 skipped"
		exit 0 ;;
	esac
	echo "$env"
	echo "clients-python: 0 passed, 1 failed"
	exit 1
fi
exec "$env/bin/python" "$here/run.py" "$@"
