#!/bin/bash
# fetch-timer.sh - the fetcher now and every ten minutes, where no cron runs it.
#
#	deploy/fetch-timer.sh PROGRAM LOG
#
# TERM ends it, as soon as a run that is at work says that it may be ended: a
# login that is just being renewed is written first.
set -u
child=
trap 'trap "" TERM INT HUP; [ -n "$child" ] && kill "$child" 2>/dev/null && wait "$child"; exit 0' TERM INT HUP
while :; do
	"$1" --now >>"$2" 2>&1 &
	child=$!
	wait "$child"
	sleep 600 &
	child=$!
	wait "$child"
done
