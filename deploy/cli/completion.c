/*
 * completion.c - `chatmock completion SHELL`: the script that asks
 * `chatmock complete` whenever Tab is pressed.
 */
#include "cli.h"

static const char bash[] =
"# completion of chatmock for bash: source it, or put it where bash-completion\n"
"# looks (/usr/share/bash-completion/completions/chatmock)\n"
"_chatmock()\n"
"{\n"
"	local program=${COMP_WORDS[0]/#\\~/$HOME} cur='' line i cut=''\n"
"	local -a words=()\n"
"	case ${program##*/} in\n"
"	chatmock-*) words=(\"${program##*chatmock-}\"); program=chatmock ;;\n"
"	esac\n"
"	# bash takes a word apart at each '=': it is one to us\n"
"	for ((i = 1; i <= COMP_CWORD; i++)); do\n"
"		line=${COMP_WORDS[i]}\n"
"		if [ $i -gt 1 ] && [[ $line == = || ${COMP_WORDS[i - 1]} == = ]]; then\n"
"			cur+=$line\n"
"		else\n"
"			[ $i = 1 ] || words+=(\"$cur\")\n"
"			cur=$line\n"
"		fi\n"
"	done\n"
"	[[ $cur == *=* ]] && cut=${cur%=*}=\n"
"	COMPREPLY=()\n"
"	while IFS= read -r line; do\n"
"		if [ \"$line\" = :file ]; then\n"
"			compopt -o filenames\n"
"			while IFS= read -r line; do\n"
"				COMPREPLY+=(\"$line\")\n"
"			done < <(compgen -f -- \"${cur#\"$cut\"}\")\n"
"		else\n"
"			line=${line%%$'\\t'*}\n"
"			COMPREPLY+=(\"${line#\"$cut\"}\")\n"
"		fi\n"
"	done < <(\"$program\" complete -- \"${words[@]}\" \"$cur\" 2>/dev/null)\n"
"	[[ ${#COMPREPLY[@]} = 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
"	return 0\n"
"}\n"
"complete -F _chatmock chatmock chatmock-start chatmock-stop chatmock-restart \\\n"
"	chatmock-status chatmock-logs chatmock-update\n";

static const char zsh[] =
"#compdef chatmock\n"
"# completion of chatmock for zsh: source it, or put it as _chatmock where\n"
"# $fpath looks\n"
"_chatmock()\n"
"{\n"
"	local line word\n"
"	local -a lines words_now found\n"
"	words_now=(\"${(@Q)words[2,CURRENT]}\")\n"
"	lines=(\"${(@f)$(chatmock complete -- \"${words_now[@]}\" 2>/dev/null)}\")\n"
"	for line in \"${lines[@]}\"; do\n"
"		if [[ $line == :file ]]; then\n"
"			_files\n"
"			return\n"
"		fi\n"
"		[[ -n $line ]] || continue\n"
"		word=${line%%$'\\t'*}\n"
"		found+=(\"${word//:/\\\\:}:${line#*$'\\t'}\")\n"
"	done\n"
"	(( ${#found} )) || return 1\n"
"	if [[ ${#found} == 1 && $word == *= ]]; then\n"
"		_describe -V chatmock found -S ''\n"
"	else\n"
"		_describe -V chatmock found\n"
"	fi\n"
"}\n"
"if [[ ${funcstack[1]} == _chatmock ]]; then\n"
"	_chatmock \"$@\"\n"
"else\n"
"	compdef _chatmock chatmock\n"
"fi\n";

static const char fish[] =
"# completion of chatmock for fish: source it, or put it as chatmock.fish into\n"
"# ~/.config/fish/completions\n"
"function __chatmock_complete\n"
"	set -l words (commandline -opc)\n"
"	set -l cur (commandline -ct)\n"
"	chatmock complete -- $words[2..-1] \"$cur\" 2>/dev/null\n"
"end\n"
"function __chatmock_wants_file\n"
"	__chatmock_complete | string match -q -- ':file'\n"
"end\n"
"complete -c chatmock -n 'not __chatmock_wants_file' -f -k -a '(__chatmock_complete)'\n"
"complete -c chatmock -n __chatmock_wants_file -F\n";

static int run(struct cli *cli)
{
	const char *shell = cli->args[0];

	cli_out(cli, "%s", strcmp(shell, "bash") == 0 ? bash :
		strcmp(shell, "zsh") == 0 ? zsh : fish);
	return 0;
}

const struct cli_command cli_completion = {
	.name = "completion", .section = CLI_PROGRAM,
	.purpose = "the completion script of a shell",
	.operands = "SHELL", .operand_words = "bash|zsh|fish",
	.least = 1, .most = 1,
	.examples = (const struct cli_example[]){
		{ "source <(chatmock completion bash)", "in ~/.bashrc" },
		{ "source <(chatmock completion zsh)", "in ~/.zshrc, behind "
		  "compinit" },
		{ "chatmock completion fish | source", "in config.fish" },
		{ .line = NULL } },
	.more = "make install puts them where the shells look by themselves.",
	.run = run,
};
