/*
 * metrics_names.c - labels in the file: claimed once, then found by hash.
 *
 * The place is claimed by its hash alone; the text follows. Whoever dies
 * between the two leaves a place without text, which the next user fills in:
 * the bytes are the same.
 */
#include "metrics_private.h"

#include "metrics_read.h"

#define FNV_BASIS UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

static uint64_t hash_of(const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint64_t hash = FNV_BASIS;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * FNV_PRIME;
	return hash ? hash : 1;
}

struct metrics_label metrics_label(struct span name)
{
	struct metrics_label label = { 0 };
	size_t len = strnlen(name.ptr, name.len);

	if (len > METRICS_NAME)
		len = METRICS_NAME;
	memcpy(label.text, name.ptr, len);
	label.hash = hash_of(label.text, len);
	return label;
}

static void write_text(struct metrics_name *n, const struct metrics_label *label)
{
	for (size_t i = 0; i < ARRAY_LEN(n->text); i++)
		atomic_store_explicit(&n->text[i], label->text[i],
				      memory_order_relaxed);
}

bool metrics_name_claim_one(struct metrics_name *n,
			    const struct metrics_label *label)
{
	uint64_t there = atomic_load_explicit(&n->hash, memory_order_relaxed);
	bool ours = false;

	if (!there)
		ours = atomic_compare_exchange_strong(&n->hash, &there,
						      label->hash);
	if (!ours && there != label->hash)
		return false;
	if (!metrics_get(&n->text[0]))
		write_text(n, label);
	return true;
}

unsigned metrics_name_claim(struct metrics_name *names, size_t count,
			    const struct metrics_label *label)
{
	size_t places = count - 1;

	for (size_t i = 0; i < places; i++) {
		size_t at = 1 + (label->hash + i) % places;

		if (metrics_name_claim_one(&names[at], label))
			return (unsigned)at;
	}
	return 0;
}

bool metrics_name_label(const struct metrics_name *n, struct metrics_label *out)
{
	size_t len;

	for (size_t i = 0; i < ARRAY_LEN(out->text); i++)
		out->text[i] = metrics_get(&n->text[i]);
	out->hash = metrics_get(&n->hash);
	len = strnlen((const char *)out->text, METRICS_NAME);
	return out->hash && out->hash == hash_of(out->text, len);
}

bool metrics_name_get(const struct metrics_name *n, char out[METRICS_NAME + 1])
{
	struct metrics_label label;

	out[0] = '\0';
	if (!metrics_name_label(n, &label))
		return false;
	memcpy(out, label.text, METRICS_NAME);
	out[METRICS_NAME] = '\0';
	for (char *p = out; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return true;
}
