#!/bin/sh
# Habits that a grep can see, in every text file of the tree.
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0

# What we wrote ourselves; recorded data and lock files are as they are.
ours() {
	if [ -e .git ]; then
		git ls-files -co --exclude-standard
	else
		find . -type f -not -path './build*' -not -path '*/node_modules/*' |
			sed 's,^\./,,'
	fi | grep -Ev '(^|/)(package-lock\.json|corpus/|vectors/)|\.(png|lock|bin|sse)$' |
		while read -r file; do
			[ -f "$file" ] && echo "$file"
		done
}

# none WHAT FILES PATTERN: no line of these files may match
none() {
	found=$(ours | grep -E "$2" | xargs -d '\n' -r grep -nHE "$3" 2>/dev/null)
	if [ -n "$found" ]; then
		echo "$found" | head -n 20 | cut -c 1-160
		echo "words: $1"
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
}

tab=$(printf '\t') cr=$(printf '\r')
none 'work that is left goes into the tracker, not into the text' '.' \
	'\b(TO[D]O|FIX[M]E|XX[X])\b'
none 'a path of one machine' '.' '(^|[^A-Za-z0-9_.~$}*/])/(wo[r]k|ro[o]t|ho[m]e/[a-z]{2,})/'
none 'blanks at the end of a line' '\.(c|h|sh|py|js|mjs|md|sample|txt)$|Makefile$' "[ $tab]+\$"
none 'a carriage return' '\.(c|h|sh|py|js|mjs|md|sample|txt)$|Makefile$' "$cr"
none 'indentation by blanks in C' '\.[ch]$' '^ +[^ *]|^ {2,}\*'
none 'a comment of C++' '\.[ch]$' "^[ $tab]*//"
none 'a mark of an unfinished merge' '.' '^(<<<<<<<|>>>>>>>) '
none 'code that was switched off' '\.[ch]$' '^# *if 0'

# Every text ends with its last line.
open=$(ours | grep -E '\.(c|h|sh|py|js|mjs|md|sample|txt)$|Makefile$' |
	while read -r file; do
		[ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ] && echo "$file"
	done)
if [ -n "$open" ]; then
	echo "$open"
	echo "words: no newline at the end"
	failed=$((failed + 1))
else
	passed=$((passed + 1))
fi

# Nobody else's functions: what banned.h forbids stands nowhere behind a #undef.
none 'a way around banned.h' '^(shared|fcgi|cache|deploy|tests)/.*\.c$' '^# *undef *(str|atoi|sprintf|system)'
echo "words: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
