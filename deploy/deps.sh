#!/bin/bash
# deps.sh - installs what is missing, from Debian's packages.
#
#	deploy/deps.sh build run	what building and running need
#	deploy/deps.sh test		these, and what the tests need
#	deploy/deps.sh --list test	only says what is missing, a line each
#
# Nothing missing: does nothing, needs nobody's password. Else it says what it
# installs and asks for sudo when it is not root. No system service is started
# or enabled by it: we run lighttpd and nginx ourselves, as ourselves. A
# service that was there before is left as it is.
set -u
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
policy=/usr/sbin/policy-rc.d

say() { echo "deps.sh: $*" >&2; }

# group, what shows that it is there (a program, or a file as a pattern), package
table='
build gcc gcc
build make make
build /usr/include/stdio.h libc6-dev
build /usr/include/*/stdio.h libc6-dev
build /usr/include/fcgiapp.h libfcgi-dev
build /usr/include/*/curl/curl.h libcurl4-openssl-dev
build /usr/include/json-c/json.h libjson-c-dev
build /usr/include/openssl/sha.h libssl-dev
build /usr/include/sqlite3.h libsqlite3-dev
build /usr/include/zlib.h zlib1g-dev
build /usr/include/microhttpd.h libmicrohttpd-dev
build /usr/include/zstd.h libzstd-dev
build /usr/include/wslay/wslay.h libwslay-dev
build /usr/include/http_parser.h libhttp-parser-dev
run bash bash
test setpriv util-linux
run spawn-fcgi spawn-fcgi
run lighttpd lighttpd
run curl curl
run /etc/ssl/certs/ca-certificates.crt ca-certificates
test python3 python3
test /usr/lib/python3*/venv/__init__.py python3-venv
test /usr/lib/python3*/ensurepip/__init__.py python3-venv
test nginx nginx-light
test apache2 apache2-bin
test /usr/lib/apache2/modules/mod_proxy_fcgi.so apache2-bin
test clang-14 clang-14
test /usr/lib/llvm-14/lib/clang/14*/lib/linux/libclang_rt.fuzzer-x86_64.a libclang-rt-14-dev
test /usr/lib/llvm-14/lib/clang/14*/lib/linux/libclang_rt.fuzzer-aarch64.a libclang-rt-14-dev
test valgrind valgrind
test openssl openssl
test strace strace
test pgrep procps
test pgrep procps
test ip iproute2
test git git
test node nodejs
test npm npm
test promtool prometheus
test chromium chromium
test tmux tmux
test chromedriver chromium-driver
test zsh zsh
test fish fish
test man man-db
test groff groff-base
test mandoc mandoc
test /usr/lib/python3/dist-packages/jsonschema/__init__.py python3-jsonschema
'

there() {
	local file
	case $1 in
	/*)	for file in $1; do [ -e "$file" ] && return 0; done
		# what the C library or a self-built one brought elsewhere
		[ -e "/usr/local/include/${1##*/include/}" ] ;;
	*)	command -v "$1" >/dev/null ;;
	esac
}

# Packages of the groups named of which no line of the table finds its trace.
missing() {
	local group trace package found=" " absent=" "
	while read -r group trace package; do
		case " $* " in *" ${group:-none} "*) ;; *) continue ;; esac
		if there "$trace"; then
			found+="$package "
		elif [[ $absent != *" $package "* ]]; then
			absent+="$package "
		fi
	done <<<"$table"
	for package in $absent; do
		# a line for each place where it may lie: one is enough
		case $package in
		libc6-dev | libclang-rt-14-dev)
			[[ $found == *" $package "* ]] && continue ;;
		esac
		echo "$package"
	done
}

has_service() {
	[ -e "/lib/systemd/system/$1.service" ] || [ -e "/etc/init.d/$1" ] ||
		[ -e "/etc/systemd/system/$1.service" ]
}

# While packages are set up, nothing may start the services that come with
# them; whoever had a policy keeps it for all others.
deny_start() {
	local names
	names=$(printf '%s|' "$@")
	[ -e "$policy" ] && mv "$policy" "$policy.before-chatmock"
	cat >"$policy" <<-EOT
	#!/bin/sh
	# for the moment of an installation, by chatmock's deploy/deps.sh
	case "\$1" in ${names}chatmock) exit 101 ;; esac
	[ -x $policy.before-chatmock ] && exec $policy.before-chatmock "\$@"
	exit 0
	EOT
	chmod 755 "$policy"
}

allow_start() {
	rm -f "$policy"
	[ -e "$policy.before-chatmock" ] && mv "$policy.before-chatmock" "$policy"
}

# Also for the next boot: the packages enable what they bring.
disable() {
	local unit
	for unit; do
		has_service "$unit" || continue
		if command -v systemctl >/dev/null; then
			systemctl --quiet disable "$unit.service" >/dev/null 2>&1
			[ -d /run/systemd/system ] &&
				systemctl --quiet stop "$unit.service" >/dev/null 2>&1
		fi
		[ -e "/etc/init.d/$unit" ] && command -v update-rc.d >/dev/null &&
			update-rc.d "$unit" disable >/dev/null 2>&1
	done
	return 0
}

apt() {
	DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l \
		apt-get -q -y --no-install-recommends "$@" </dev/null
}

# As root: installs "$@".
install_packages() {
	local unit status
	new=()		# for the trap: those that were not here before
	for unit in lighttpd nginx apache2 prometheus; do
		has_service "$unit" || new+=("$unit")
	done
	trap 'allow_start; disable "${new[@]}"' EXIT
	trap 'exit 75' INT TERM HUP
	deny_start "${new[@]}"
	# The lists of a fresh machine are empty, those of an old one stale.
	apt install "$@" || { apt update && apt install "$@"; }
	status=$?
	[ $status = 0 ] || say "apt-get could not install: $*"
	return $status
}

if [ "${1:-}" = --as-root ]; then
	shift
	install_packages "$@"
	exit
fi
only_list=
[ "${1:-}" = --list ] && { only_list=1; shift; }
[ $# -gt 0 ] || { say "name what is needed: build, run, test"; exit 64; }
case " $* " in *" test "*) set -- build run test ;; esac
wanted=$(missing "$@")
[ -n "$only_list" ] && { [ -z "$wanted" ] || echo "$wanted"; exit 0; }
[ -z "$wanted" ] && exit 0

say "missing, to be installed from Debian's packages:" $wanted
if ! command -v apt-get >/dev/null; then
	say "there is no apt-get here; install them by your system's own means"
	exit 69
elif [ "$(id -u)" = 0 ]; then
	exec "$0" --as-root $wanted
elif command -v sudo >/dev/null; then
	say "this needs root: sudo may ask for your password"
	exec sudo -- "$0" --as-root $wanted
fi
say "this needs root and there is no sudo; as root: apt-get install" $wanted
exit 77
