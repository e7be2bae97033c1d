#!/bin/bash
# node.sh - real clients from npm, asking through lighttpd.
#
#	tests/clients/node.sh			every suite
#	tests/clients/node.sh openai-errors	some of them
#
# The packages, a Node new enough for them included, are those of
# package-lock.json. They are fetched once, into a directory outside the
# clone, and stay there until the lock file changes.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=${CHATMOCK_TEST_BIN:-$root/build/bin}

give_up() {
	echo "$1"
	echo "clients-node: 0 passed, 1 failed"
	exit 1
}

case $(uname -m) in
x86_64) arch=x64 ;;
aarch64) arch=arm64 ;;
*)
	echo "SKIP clients-node: npm has no Node for $(uname -m)"
	echo "clients-node: 0 passed, 0 failed, 1 skipped"
	exit 0
	;;
esac

hash=$(cat "$here/package.json" "$here/package-lock.json" | sha256sum | cut -c 1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/chatmock-tests
packages=$cache/node-$hash
node=$packages/node_modules/node-linux-$arch/bin/node

# Made beside its place and then moved, so that what is there is complete.
# Scripts of packages do not run: nothing here needs them.
install() {
	local new
	new=$(mktemp -d "$packages.XXXXXX") || return
	rm -rf "$packages"
	cp "$here/package.json" "$here/package-lock.json" "$new/" &&
		(cd "$new" && npm ci --ignore-scripts --no-audit --no-fund \
			--loglevel=error) &&
		[ -x "$new/node_modules/node-linux-$arch/bin/node" ] &&
		mv "$new" "$packages" && return
	rm -rf "$new"
	return 1
}

mkdir -p "$cache" || give_up "$cache cannot be made"
exec 9>"$cache/node.lock"
flock 9
if [ ! -x "$node" ]; then
	command -v npm >/dev/null || give_up "npm is missing: deploy/deps.sh test"
	echo "fetching the clients into $packages"
	install || give_up "the clients could not be fetched"
fi
# half a gigabyte each: those of older lock files go when nobody uses them
touch "$packages"
find "$cache" -mindepth 1 -maxdepth 1 -name 'node-*' -mtime +14 -exec rm -rf {} +
exec 9>&-
for program in chatmock.fcgi chatmock-demo-upstream; do
	[ -x "$bin/$program" ] || give_up "$bin/$program is missing: make"
done
export CLIENTS_PACKAGES=$packages
exec "$node" --import "$here/packages.mjs" "$here/run.mjs" "$@"
