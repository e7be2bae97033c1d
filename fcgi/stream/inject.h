/*
 * inject.h - the cached prompt put into a request, as
 * CODEX__SYSTEM_PROMPT_INJECTION_MODE says.
 *
 * It works on the Responses request, so no tongue knows of it. The first
 * system text is instructions where there are some, else the first system or
 * developer message of the input.
 *
 *	override	the prompt takes its place
 *	append		a blank line and the prompt come behind it
 *	disabled	nothing is added; but on the Responses API itself (native)
 *			with CHATMOCK_RESPONSES_NO_BASE_INSTRUCTIONS=0 a request
 *			without such a text gets the prompt
 *
 * Where there is no such text the prompt becomes instructions. All other items
 * stay as they are, in their order. "{model}" in the prompt becomes the name
 * of the model that upstream is asked for. An empty prompt changes nothing.
 */
#ifndef CHATMOCK_INJECT_H
#define CHATMOCK_INJECT_H

#include "../../shared/prompts.h"
#include "../tongues/tongue.h"

/* a->request is changed in place; prompts NULL: nothing is. Any thread.
 * ERR_NO_MEMORY, ERR_TOO_LARGE. */
MUST_USE enum err inject(struct ask *a, const struct prompts *prompts,
			 bool native, struct err_note *note);

#endif
