#!/bin/sh
# make.sh - a manual page out of its text and the program's own tables.
#
#	deploy/man/make.sh DIRECTORY_OF_THE_PROGRAMS PAGE.in > PAGE
#
# "@RUN PROGRAM WORDS" is what that program prints, @VERSION@ its version.
set -eu
bin=$1
version=$("$bin/chatmock" --version)
while IFS= read -r line; do
	case $line in
	"@RUN "*)
		# its words are words
		set -- ${line#@RUN }
		program=$1
		shift
		"$bin/$program" "$@" ;;
	*@VERSION@*)
		printf '%s%s%s\n' "${line%%@VERSION@*}" "${version#chatmock }" \
			"${line#*@VERSION@}" ;;
	*)	printf '%s\n' "$line" ;;
	esac
done <"$2"
