/*
 * codex_set.c - `chatmock codex set`: settings of the CODEX__ family by flags.
 */
#include "config_file.h"

/* A flag says a setting's value, or is given one. */
static const struct {
	const char *option, *name, *value;
} flags[] = {
	{ "enabled", "CODEX__ENABLED", "true" },
	{ "disabled", "CODEX__ENABLED", "false" },
	{ "base-url", "CODEX__BASE_URL", NULL },
	{ "enable-dynamic-model-info", "CODEX__ENABLE_DYNAMIC_MODEL_INFO", "true" },
	{ "disable-dynamic-model-info", "CODEX__ENABLE_DYNAMIC_MODEL_INFO",
	  "false" },
	{ "max-output-tokens-fallback", "CODEX__MAX_OUTPUT_TOKENS_FALLBACK", NULL },
	{ "propagate-unsupported-params", "CODEX__PROPAGATE_UNSUPPORTED_PARAMS",
	  "true" },
	{ "block-unsupported-params", "CODEX__PROPAGATE_UNSUPPORTED_PARAMS",
	  "false" },
	{ "system-prompt-injection-mode", "CODEX__SYSTEM_PROMPT_INJECTION_MODE",
	  NULL },
	{ "verbose-logging", "CODEX__VERBOSE_LOGGING", "true" },
	{ "no-verbose-logging", "CODEX__VERBOSE_LOGGING", "false" },
	{ "header-override-enabled", "CODEX__HEADER_OVERRIDE_ENABLED", "true" },
	{ "header-override-disabled", "CODEX__HEADER_OVERRIDE_ENABLED", "false" },
};

static int run(struct cli *cli)
{
	struct config_change changes[ARRAY_LEN(flags)];
	const char *said_by[ARRAY_LEN(flags)];
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (!cli_has(cli, flags[i].option))
			continue;
		for (size_t k = 0; k < count; k++)
			if (strcmp(changes[k].name, flags[i].name) == 0)
				return cli_fail(cli, EX_USAGE, "--%s and --%s "
						"contradict each other",
						said_by[k], flags[i].option);
		said_by[count] = flags[i].option;
		changes[count++] = (struct config_change){ flags[i].name,
			flags[i].value ? flags[i].value :
			cli_value(cli, flags[i].option) };
	}
	if (!count)
		return cli_fail(cli, EX_USAGE, "there is nothing to set; see "
				"chatmock codex set --help.");
	return cli_config_change(cli, changes, count);
}

const struct cli_command cli_codex_set = {
	.name = "codex set", .section = CLI_CONFIGURE,
	.purpose = "change settings of the Codex family in the file",
	.options = (const struct cli_option[]){
		{ .name = "enabled", .help = "answer requests" },
		{ .name = "disabled", .help = "answer every request with 503" },
		{ .name = "base-url", .argument = "URL", .help = "upstream" },
		{ .name = "enable-dynamic-model-info",
		  .help = "models as upstream lists them" },
		{ .name = "disable-dynamic-model-info",
		  .help = "those of the built-in table" },
		{ .name = "max-output-tokens-fallback", .argument = "N",
		  .help = "the output limit of models whose own is unknown" },
		{ .name = "propagate-unsupported-params",
		  .help = "forward what the Responses API lacks" },
		{ .name = "block-unsupported-params", .help = "do not" },
		{ .name = "system-prompt-injection-mode", .argument = "MODE",
		  .words = "disabled|override|append",
		  .help = "where the cached prompt goes" },
		{ .name = "verbose-logging", .help = "log more of requests" },
		{ .name = "no-verbose-logging", .help = "do not" },
		{ .name = "header-override-enabled",
		  .help = "forward session-id and x-codex-* of clients" },
		{ .name = "header-override-disabled", .help = "do not" },
		{ .name = NULL } },
	.examples = (const struct cli_example[]){
		{ "chatmock codex set --system-prompt-injection-mode append", NULL },
		{ "chatmock codex set -c /etc/chatmock.conf --disabled", NULL },
		{ .line = NULL } },
	.more = "Only the settings of the flags that are given change, all of them "
		"or none; comments and order of the file stay. chatmock config "
		"set does the same by name.",
	.run = run,
};
