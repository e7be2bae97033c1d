#!/bin/sh
# The unit tests once under valgrind: no bad access, nothing lost.
#
# What is asked here is memory alone. A test that fails for being twenty times
# slower has its say in the stage "unit"; here it is only mentioned.
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
for test in build/unit/test_*; do
	[ -x "$test" ] && [ -f "$test" ] || continue
	said=$(timeout 300 valgrind -q --error-exitcode=99 --leak-check=full \
		--errors-for-leak-kinds=definite --trace-children=no \
		--child-silent-after-fork=yes "$test" 2>&1)
	code=$?
	if [ $code -eq 99 ] || [ $code -ge 124 ]; then
		failed=$((failed + 1))
		echo "$test ended with $code under valgrind:"
		echo "$said" | head -n 40
	else
		passed=$((passed + 1))
		[ $code -eq 0 ] || echo "NOTE $test is clean but too slow here"
	fi
done
echo "valgrind: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
