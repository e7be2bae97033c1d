/*
 * ask_ollama.h - what Ollama's two ways of asking have in common; for
 * ask_ollama*.c alone.
 */
#ifndef CHATMOCK_ASK_OLLAMA_H
#define CHATMOCK_ASK_OLLAMA_H

#include "ask.h"

/* Model, defaults, and the parameters but for those that make the input. own
 * comes before the parameters that both have. */
enum err ollama_begin(struct asking *q, const struct ask_param *own,
		      size_t count);

/* The request is no question: Ollama's clients load and unload models by
 * asking nothing. The answer is ready. */
void ollama_at_once(struct asking *q);

/* request.input, empty but for what the format wants said. NULL: told. */
struct json_object *ollama_input(struct asking *q);

/* o's images (base64), as parts pushed to out. */
enum err ollama_images(struct asking *q, struct json_object *o,
		       const struct at *at, struct json_object *out);

/* messages -> input (ask_ollama_messages.c). */
enum err ollama_messages(struct asking *q);

#endif
