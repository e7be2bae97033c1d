# lib.sh - what deploy/run.sh is made of. Sourced by bash.

# Ends with one line and a code of <sysexits.h>.
die() {
	local code=$1
	shift
	echo "chatmock: $*" >&2
	exit "$code"
}

note() { echo "chatmock: $*"; }

need() {
	local program
	for program; do
		command -v "$program" >/dev/null ||
			die 69 "$program is missing; deploy/deps.sh run installs it"
	done
}

# The program's own word for a setting: command line, environment and file are
# its business. Its complaint is ours.
setting() { "$gateway" --get "$1"; }

# True when the setting was given anywhere.
was_given() {
	"$gateway" --settings | awk -v name="$1" \
		'$1 == name && $NF == "default" { found = 1 } END { exit found }'
}

# Takes the port of bind when somebody listens there.
port_taken() {
	local host=${1#[}
	(exec 3<>"/dev/tcp/${host%]}/$2") 2>/dev/null
}

# Fills a sample: fill FROM TO NAME VALUE ...
fill() {
	local from=$1 to=$2 script='' value
	shift 2
	while [ $# -gt 1 ]; do
		value=$(printf %s "$2" | sed 's/[\\&|]/\\&/g')
		script+="s|@$1@|$value|g;"
		shift 2
	done
	sed "$script" "$from" >"$to"
}

# start NAME LOG PROGRAM ... - in a session of its own, so that Ctrl-C reaches
# us alone and the streams end before the web server does; it is told to end
# when we vanish. Its pid is in pid[NAME].
declare -A pid
start() {
	local name=$1 log=$2
	shift 2
	setsid setpriv --pdeathsig TERM -- "$@" </dev/null >>"$log" 2>&1 &
	pid[$name]=$!
}

alive() { [ -n "${pid[$1]:-}" ] && kill -0 "${pid[$1]}" 2>/dev/null; }

tell() { alive "$2" && kill -s "$1" "${pid[$2]}" 2>/dev/null; return 0; }

# The first part that has ended, if any.
dead_part() {
	local name
	for name in "${!pid[@]}"; do
		alive "$name" || { echo "$name"; return 0; }
	done
	return 1
}

# await NAME TENTHS - true when it has ended within so many tenths of a second.
await() {
	local i
	for ((i = 0; i < $2; i++)); do
		alive "$1" || return 0
		sleep 0.1
	done
	! alive "$1"
}

# Ends a part that has had its time.
finish() {
	await "$1" "$2" && return
	tell TERM "$1"
	await "$1" 5 && return
	tell KILL "$1"
	await "$1" 10
}
