/*
 * emit_chat.h - the pieces that chat's stream and whole answer share.
 */
#ifndef CHATMOCK_EMIT_CHAT_H
#define CHATMOCK_EMIT_CHAT_H

#include "tongue.h"

#define CHAT_CHUNK SPAN("chat.completion.chunk")
#define CHAT_WHOLE SPAN("chat.completion")

/* "stop", "length", "tool_calls", "function_call", "content_filter" */
const char *chat_finish(const struct terms *t, enum finish finish, size_t calls);

/* One annotation in chat's shape; false: chat has none for it. */
bool chat_annotation(struct buf *out, struct json_object *note);

/* The members before and behind the reasoning's text, as a JSON string goes
 * between them; twice says that the same text goes in a second time, behind
 * mid. False: this client is shown none. */
struct chat_thought {
	const char *before, *mid, *after;
};
bool chat_thought(const struct terms *t, struct chat_thought *out);

/* emit_chat_whole.c */
void chat_whole(const struct terms *t, struct buf *out, const struct answer *a);

#endif
