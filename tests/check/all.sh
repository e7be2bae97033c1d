#!/bin/sh
# The habits of the house: each check prints "name: N passed, N failed".
cd "$(dirname "$0")" || exit 1
bad=0
for check in layers.py headers.sh lengths.py words.sh docs.py routes.py params.py; do
	"./$check" || bad=1
done
exit $bad
