#!/bin/sh
# Each header compiles alone, with gcc and with clang.
cd "$(dirname "$0")/../.." || exit 1

one() {
	printf '#include "%s"\nextern int nothing_else;\n' "$2" |
		$1 -x c -fsyntax-only -std=c11 -D_GNU_SOURCE -I. \
			-include shared/banned.h -Wall -Wextra -Werror \
			-Wstrict-prototypes -Wno-unused-function -
}

if [ $# -eq 2 ]; then
	if said=$(one "$1" "$2" 2>&1); then
		echo passed
	else
		echo "failed $1 $2"
		echo "$said" | grep -m 3 'error:' >&2
	fi
	exit
fi
clang=$(command -v clang-14 || command -v clang)
out=$(for header in $(find shared fcgi cache deploy tests -name '*.h' -not -path '*/node_modules/*' | sort); do
	echo "gcc $header"
	[ -n "$clang" ] && echo "$clang $header"
done | xargs -P 2 -L 1 tests/check/headers.sh)
echo "$out" | grep -v '^passed$'
passed=$(echo "$out" | grep -c '^passed$')
failed=$(echo "$out" | grep -c '^failed ')
echo "headers: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
