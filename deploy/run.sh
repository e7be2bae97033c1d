#!/bin/bash
# run.sh - the whole gateway in the foreground: chatmock.fcgi and health.fcgi
# under spawn-fcgi and lighttpd in front of them, as the user who calls it,
# under CHATMOCK_HOME.
#
#	deploy/run.sh [DIRECTORY OF THE PROGRAMS]
#
# Settings as everywhere: environment, then the config file. Ctrl-C or TERM
# ends all of it: streams that are open get CHATMOCK_DRAIN_TIMEOUT to finish
# (2 s unless it is set) and then an error event; a second one ends them at
# once. Without a login and without an upstream a local demo answers.
set -u
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 71
bin=${1:-$top/build/bin}
# installed: PREFIX/share/chatmock and PREFIX/lib/chatmock
[ $# -gt 0 ] || [ -d "$bin" ] || bin=$top/../../lib/chatmock
bin=$(cd "$bin" 2>/dev/null && pwd) || {
	echo "chatmock: ${1:-$top/build/bin} is not there; run make" >&2
	exit 66
}
gateway=$bin/chatmock.fcgi
health=$bin/health.fcgi
demo=$bin/chatmock-demo-upstream
. "$top/deploy/lib.sh"
umask 077

# Set by signals: how often we were told to end.
told=0
trap 'told=$((told + 1)); [ $told -gt 1 ] && tell TERM gateway' INT TERM HUP QUIT

read_settings() {
	[ -x "$gateway" ] || die 66 "$gateway is not there; run make"
	[ -x "$health" ] || die 66 "$health is not there; run make"
	home=$(setting CHATMOCK_HOME) || exit $?
	port=$(setting CHATMOCK_PORT) || exit $?
	bind=$(setting CHATMOCK_BIND) || exit $?
	drain=$(setting CHATMOCK_DRAIN_TIMEOUT) || exit $?
	was_given CHATMOCK_DRAIN_TIMEOUT || {
		drain=2
		export CHATMOCK_DRAIN_TIMEOUT=2
	}
	case $home in
	*[\"\\]* | *$'\n'*)
		die 78 "CHATMOCK_HOME $home has a quote, a backslash or a line" \
			"break in it, which web servers can not be told" ;;
	esac
	run=$home/run
	socket=$run/chatmock.sock
	health_socket=$run/health.sock
	[ ${#socket} -le 107 ] || die 78 "the socket's path $socket is" \
		"${#socket} bytes long and only 107 are possible; choose a" \
		"shorter CHATMOCK_HOME"
	case $bind in *:*) [[ $bind == \[* ]] || bind="[$bind]" ;; esac
	base=http://$bind:$port
	# what listens everywhere is called by a name of its own
	local hosts
	case $bind in
	0.0.0.0 | "[::]" | "*")
		hosts=$(setting CHATMOCK_ALLOWED_HOSTS) || exit $?
		hosts=${hosts%%,*}
		base=http://${hosts:-127.0.0.1}:$port ;;
	esac
}

# No account and no upstream: say so, and answer all the same.
choose_upstream() {
	use_demo=
	"$gateway" --login-file >/dev/null
	[ $? = 1 ] || return 0
	was_given CHATMOCK_UPSTREAM_URL || was_given CODEX__BASE_URL && return 0
	[ -x "$demo" ] || die 66 "$demo is not there; run make"
	use_demo=1
}

# Its faults and warnings, a line each. Where the demo will answer, nothing is
# asked of the login or of ChatGPT's host.
self_check() {
	local said code demos=
	[ -z "$use_demo" ] ||
		demos="CHATMOCK_UPSTREAM_URL=http://127.0.0.1:1 CHATMOCK_UPSTREAM_KIND=responses"
	said=$(env $demos "$gateway" --check 2>&1)
	code=$?
	echo "$said" | grep -v -x ok | sed 's/^/chatmock: /' >&2
	[ $code = 0 ] || exit $code
}

prepare() {
	mkdir -p -m 700 "$home" && mkdir -p -m 700 "$run" "$run/tmp" "$run/www" \
		"$home/log" || die 73 "$home can not be written"
	# Held by all parts, so it is free only when all have gone.
	exec 9>>"$run/lock" || die 73 "$run/lock can not be written"
	flock -n 9 || die 75 "another gateway runs on $home (its pid is" \
		"$(cat "$run/pid" 2>/dev/null)); stop it or set another CHATMOCK_HOME"
	port_taken "$bind" "$port" && die 69 "port $port of $bind is taken by" \
		"another program; set CHATMOCK_PORT to a free one"
	echo $$ >"$run/pid"
	local fds
	fds=$(ulimit -Hn)
	[ "$fds" = unlimited ] || [ "$fds" -gt 131072 ] && fds=131072
	fill "$top/lighttpd.conf.sample" "$run/lighttpd.conf" HOME "$home" \
		BIND "$bind" PORT "$port" MAX_FDS "$fds"
	ulimit -n "$fds" 2>/dev/null
	: >"$run/start.log"
}

start_demo() {
	local i line
	: >"$run/demo.out"
	start demo "$run/demo.out" "$demo" --demo --port 0
	for ((i = 0; i < 50; i++)); do
		line=$(grep -o -m 1 -E 'http://127\.0\.0\.1:[0-9]+[^ ]*' "$run/demo.out")
		[ -n "$line" ] && break
		alive demo || break
		sleep 0.1
	done
	[ -n "$line" ] || give_up "the demo upstream did not start: $(tail -n 1 "$run/demo.out")"
	# it has no list of models either
	export CHATMOCK_UPSTREAM_URL=$line CHATMOCK_UPSTREAM_KIND=responses \
		CHATMOCK_MODEL_SYNC=0
}

# Whether it answers: without a key it does so with 401.
answers() {
	local host=$bind code
	case $host in 0.0.0.0 | "*") host=127.0.0.1 ;; "[::]") host="[::1]" ;; esac
	code=$(curl -s -o /dev/null -m 2 --noproxy '*' -w '%{http_code}' \
		-H 'Host: localhost' "http://$host:$port/")
	case $code in
	401) key_header="-H 'Authorization: Bearer YOUR KEY' " ;;
	200) key_header= ;;
	*) return 1 ;;
	esac
}

wait_until_ready() {
	local i part
	for ((i = 0; i < 100; i++)); do
		[ $told = 0 ] || return
		part=$(dead_part) && give_up "$part ended: $(tail -n 1 "$run/start.log")"
		[ -S "$health_socket" ] && answers && return
		sleep 0.1
	done
	give_up "no answer from $base/ within 10 s; see $home/log/error.log"
}

greet() {
	local model=gpt-5.5
	if [ -n "$use_demo" ]; then
		note "there is no login ($home/auth.json and the other places of" \
			"README) and no CHATMOCK_UPSTREAM_URL: a local DEMO answers," \
			"with canned text. No model is asked."
	fi
	cat <<-EOT

	ChatMock listens on $base

	  OpenAI base URL      $base/v1
	  Anthropic base URL   $base
	  Ollama base URL      $base
	  how it is            $base/status
	  state and logs       $home
	  pid                  $$ (gateway ${pid[gateway]}: HUP reloads it)

	Try it (-N shows the answer as it comes):

	curl -N $base/v1/chat/completions ${key_header}-H 'Content-Type: application/json' -d '{"model":"$model","stream":true,"messages":[{"role":"user","content":"Say hello."}]}'

	Ctrl-C stops everything.
	EOT
}

# Streams first, then who carries them. lighttpd stops listening at once (INT)
# and stays until their last event has left.
stop_all() {
	local tenths
	trap 'told=$((told + 1)); tell TERM gateway' INT TERM HUP QUIT
	tell TERM gateway
	tell INT lighttpd
	tell TERM health
	tell TERM fetch
	tenths=$(awk -v s="$drain" 'BEGIN { print int(s * 10) + 20 }')
	finish gateway "$tenths"
	finish lighttpd 5
	tell TERM demo
	finish health 10
	finish demo 10
	# a login that is being renewed is written first
	await fetch 350
	rm -f "$socket" "$health_socket" "$run/lighttpd.pid" "$run/pid" "$run/demo.out"
}

give_up() {
	echo "chatmock: $*" >&2
	stop_all
	exit 70
}

need setsid setpriv flock awk spawn-fcgi lighttpd curl
read_settings
choose_upstream
self_check
prepare
[ -z "$use_demo" ] || start_demo
start gateway "$run/start.log" spawn-fcgi -n -s "$socket" -M 0600 -b 4096 -- "$gateway"
start health "$run/start.log" spawn-fcgi -n -s "$health_socket" -M 0600 -- "$health"
# the key is no business of the web server's
start lighttpd "$run/start.log" env -u CHATMOCK_UPSTREAM_KEY \
	lighttpd -D -f "$run/lighttpd.conf"
wait_until_ready
# beside the gateway, not part of it: it may fail, and nothing waits for it
[ $told = 0 ] && start fetch "$run/start.log" "$top/deploy/fetch-timer.sh" \
	"$bin/chatmock-fetch" "$home/log/fetch.log"
[ $told = 0 ] && greet
while [ $told = 0 ]; do
	# who ended before wait begins does not end it: so not for ever
	sleep 2 9>&- & tick=$!
	wait -n "${pid[@]}" $tick 2>/dev/null	# bash would name the pid itself
	kill -s PIPE $tick 2>/dev/null
	[ $told = 0 ] || break
	alive fetch || unset "pid[fetch]"
	part=$(dead_part) && give_up "$part ended by itself;" \
		"see $run/start.log and $home/log/error.log"
done
note "stopping; open streams have $drain s"
stop_all
