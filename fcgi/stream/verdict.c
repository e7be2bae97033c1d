#include "verdict.h"

#include "../../shared/text.h"

static const struct verdict verdicts[] = {
	{ "usage_limit_reached", ERR_UPSTREAM_LIMIT, 429, true },
	{ "usage_not_included", ERR_UPSTREAM_LIMIT, 429, true },
	{ "insufficient_quota", ERR_UPSTREAM_LIMIT, 429, true },
	{ "quota_exceeded", ERR_UPSTREAM_LIMIT, 429, true },
	{ "billing_hard_limit_reached", ERR_UPSTREAM_LIMIT, 429, true },
	{ "workspace_owner_credits_depleted", ERR_UPSTREAM_LIMIT, 429, true },
	{ "workspace_member_credits_depleted", ERR_UPSTREAM_LIMIT, 429, true },
	{ "workspace_owner_usage_limit_reached", ERR_UPSTREAM_LIMIT, 429, true },
	{ "workspace_member_usage_limit_reached", ERR_UPSTREAM_LIMIT, 429, true },
	{ "rate_limit_exceeded", ERR_UPSTREAM_LIMIT, 429, false },
	{ "rate_limit_reached", ERR_UPSTREAM_LIMIT, 429, false },
	{ "rate_limit_error", ERR_UPSTREAM_LIMIT, 429, false },
	{ "too_many_requests", ERR_UPSTREAM_LIMIT, 429, false },
	{ "websocket_connection_limit_reached", ERR_UPSTREAM_LIMIT, 429, false },
	{ "server_is_overloaded", ERR_NONE, 503, false },
	{ "slow_down", ERR_NONE, 503, false },
	{ "overloaded_error", ERR_NONE, 503, false },
	{ "service_unavailable_error", ERR_NONE, 503, false },
	{ "model_not_found", ERR_MODEL_NOT_FOUND, 404, true },
	{ "context_length_exceeded", ERR_UPSTREAM_REFUSED, 400, true },
	{ "context_too_large", ERR_UPSTREAM_REFUSED, 400, true },
	{ "invalid_request_error", ERR_UPSTREAM_REFUSED, 400, true },
	{ "invalid_prompt", ERR_UPSTREAM_REFUSED, 400, true },
	{ "invalid_image", ERR_UPSTREAM_REFUSED, 400, true },
	{ "invalid_image_format", ERR_UPSTREAM_REFUSED, 400, true },
	{ "invalid_base64_image", ERR_UPSTREAM_REFUSED, 400, true },
	{ "invalid_image_url", ERR_UPSTREAM_REFUSED, 400, true },
	{ "invalid_image_mode", ERR_UPSTREAM_REFUSED, 400, true },
	{ "image_too_large", ERR_UPSTREAM_REFUSED, 400, true },
	{ "image_too_small", ERR_UPSTREAM_REFUSED, 400, true },
	{ "image_parse_error", ERR_UPSTREAM_REFUSED, 400, true },
	{ "image_file_too_large", ERR_UPSTREAM_REFUSED, 400, true },
	{ "image_file_not_found", ERR_UPSTREAM_REFUSED, 400, true },
	{ "unsupported_image_media_type", ERR_UPSTREAM_REFUSED, 400, true },
	{ "empty_image_file", ERR_UPSTREAM_REFUSED, 400, true },
	{ "failed_to_download_image", ERR_UPSTREAM_REFUSED, 400, true },
	{ "previous_response_not_found", ERR_UPSTREAM_REFUSED, 400, true },
	{ "invalid_encrypted_content", ERR_UPSTREAM_REFUSED, 400, true },
	{ "image_content_policy_violation", ERR_UPSTREAM_REFUSED, 403, true },
	{ "content_policy_violation", ERR_UPSTREAM_REFUSED, 403, true },
	{ "bio_policy", ERR_UPSTREAM_REFUSED, 403, true },
	{ "cyber_policy", ERR_UPSTREAM_REFUSED, 403, true },
	{ "data_residency_mismatch", ERR_UPSTREAM_REFUSED, 403, true },
};

/* For upstreams that say it in a sentence only (lower case, with '*'). */
static const struct { const char *pattern, *word; } sentences[] = {
	{ "*model is not supported when using codex*", "model_not_found" },
	{ "model not found*", "model_not_found" },
	{ "*model '* not found*", "model_not_found" },
	{ "*model \"* not found*", "model_not_found" },
	{ "*model `* does not exist*", "model_not_found" },
	{ "*model '* does not exist*", "model_not_found" },
	{ "*unknown model*", "model_not_found" },
	{ "*exceeds the context window*", "context_length_exceeded" },
	{ "*maximum context length*", "context_length_exceeded" },
	{ "*usage limit has been reached*", "usage_limit_reached" },
	{ "*model is at capacity*", "server_is_overloaded" },
};

static const struct verdict *by_word(struct span word)
{
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
		if (word.len && span_eq(word, verdicts[i].word))
			return &verdicts[i];
	return NULL;
}

static const struct verdict *by_sentence(struct span message)
{
	char lower[400];
	size_t len = message.len < sizeof(lower) ? message.len : sizeof(lower);

	for (size_t i = 0; i < len; i++) {
		char c = message.ptr[i];

		lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	for (size_t i = 0; i < ARRAY_LEN(sentences); i++)
		if (text_glob(sentences[i].pattern, (struct span){ lower, len }))
			return by_word(span_of(sentences[i].word));
	return NULL;
}

const struct verdict *verdict_find(struct span code, struct span type,
				   struct span message)
{
	const struct verdict *v = by_word(code);

	if (!v)
		v = by_sentence(message);
	return v ? v : by_word(type);
}
