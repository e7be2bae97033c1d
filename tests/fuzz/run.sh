#!/bin/sh
# Runs each fuzz target for SECONDS, from its corpus where there is one.
#	tests/fuzz/run.sh SECONDS build/fuzz/fuzz_sse ...
set -u
seconds=$1
shift
passed=0 failed=0
for target; do
	name=$(basename "$target")
	seeds=tests/fuzz/corpus/$name
	[ -d "$seeds" ] || seeds=
	found=build/fuzz/found/$name
	mkdir -p "$found"
	if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 \
		-artifact_prefix="$found/" "$found" $seeds >"build/fuzz/$name.log" 2>&1
	then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		tail -n 40 "build/fuzz/$name.log"
	fi
done
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
