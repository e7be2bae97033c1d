/* text_hash.c - SHA-256 and what is made of it, and SHA-1; see text.h. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "text.h"

struct sha256 {
	EVP_MD_CTX *ctx;
};

static EVP_MD **fetched(void)
{
	static EVP_MD *md;

	return &md;
}

static void fetch(void)
{
	*fetched() = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* Looked up once: the library would do so for each hash. */
static const EVP_MD *algorithm(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fetch);
	return *fetched();
}

struct sha256 *sha256_begin(void)
{
	struct sha256 *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->ctx = EVP_MD_CTX_new();
	if (!h->ctx || !EVP_DigestInit_ex(h->ctx, algorithm(), NULL)) {
		EVP_MD_CTX_free(h->ctx);
		free(h);
		return NULL;
	}
	return h;
}

void sha256_add(struct sha256 *h, struct span s)
{
	if (h)
		EVP_DigestUpdate(h->ctx, s.ptr, s.len);
}

void sha256_done(struct sha256 *h, unsigned char out[32])
{
	memset(out, 0, 32);
	if (!h)
		return;
	EVP_DigestFinal_ex(h->ctx, out, NULL);
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

bool sha256_eq(const unsigned char a[32], const unsigned char b[32])
{
	return CRYPTO_memcmp(a, b, 32) == 0;
}

static void put_hex(char *out, const unsigned char *bytes, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		out[2 * i] = hex[bytes[i] >> 4];
		out[2 * i + 1] = hex[bytes[i] & 15];
	}
}

void sha256_hex(struct span s, char out[65])
{
	struct sha256 *h = sha256_begin();
	unsigned char sum[32];

	sha256_add(h, s);
	sha256_done(h, sum);
	put_hex(out, sum, sizeof(sum));
	out[64] = '\0';
}

void sha1_base64(struct span s, char out[29])
{
	unsigned char sum[EVP_MAX_MD_SIZE] = { 0 };

	if (!EVP_Digest(s.ptr, s.len, sum, NULL, EVP_sha1(), NULL))
		memset(sum, 0, sizeof(sum));
	EVP_EncodeBlock((unsigned char *)out, sum, 20);
}

void uuid_from(const unsigned char bytes[16], char out[37])
{
	unsigned char b[16];

	memcpy(b, bytes, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x80);	/* version 8 */
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);	/* variant 10 */
	put_hex(out, b, 4);
	put_hex(out + 9, b + 4, 2);
	put_hex(out + 14, b + 6, 2);
	put_hex(out + 19, b + 8, 2);
	put_hex(out + 24, b + 10, 6);
	out[8] = out[13] = out[18] = out[23] = '-';
	out[36] = '\0';
}
