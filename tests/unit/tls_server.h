/*
 * tls_server.h - the server's end of TLS for a unit test, offering h2.
 *
 * libcurl has brought libssl into the process; it is found there by name, so
 * that tests need nothing more to link. The certificate is made on the spot.
 */
#ifndef CHATMOCK_TEST_TLS_SERVER_H
#define CHATMOCK_TEST_TLS_SERVER_H

#include <dlfcn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#include "../../shared/base.h"

#define TLS_FUNCTIONS(X) \
	X(TLS_server_method) X(SSL_CTX_new) X(SSL_CTX_free) \
	X(SSL_CTX_use_certificate) X(SSL_CTX_use_PrivateKey) \
	X(SSL_CTX_set_alpn_select_cb) X(SSL_select_next_proto) X(SSL_new) \
	X(SSL_free) X(SSL_set_fd) X(SSL_accept) X(SSL_read) X(SSL_write)

#define X(name) __typeof__(name) *name;
static struct { TLS_FUNCTIONS(X) } ssl;
#undef X
static SSL_CTX *tls_ctx;
static char tls_cert_path[] = "/tmp/chatmock-tls-XXXXXX";

static int tls_choose(SSL *tls, const unsigned char **out, unsigned char *len,
		      const unsigned char *in, unsigned int in_len, void *arg)
{
	static const unsigned char h2[] = "\2h2";

	(void)tls;
	(void)arg;
	return ssl.SSL_select_next_proto((unsigned char **)(uintptr_t)out, len, h2,
					 3, in, in_len) == OPENSSL_NPN_NEGOTIATED ?
	       SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static bool tls_write_cert(X509 *cert)
{
	int fd = mkstemp(tls_cert_path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	bool ok = f && PEM_write_X509(f, cert);

	return f && !fclose(f) && ok;
}

/* For 127.0.0.1, signed by itself, good for a day. */
static bool tls_make_cert(EVP_PKEY *key, X509 *cert)
{
	X509_NAME *name = X509_get_subject_name(cert);
	X509_EXTENSION *alt;
	bool ok;

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				   (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_set_pubkey(cert, key);
	alt = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
				  "IP:127.0.0.1");
	ok = alt && X509_add_ext(cert, alt, -1) &&
	     X509_sign(cert, key, EVP_sha256()) && tls_write_cert(cert);
	X509_EXTENSION_free(alt);
	return ok;
}

static bool tls_begin(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	bool ok = true;

#define X(name) *(void **)&ssl.name = dlsym(RTLD_DEFAULT, #name); \
		ok = ok && ssl.name;
	TLS_FUNCTIONS(X)
#undef X
	ok = ok && key && cert && tls_make_cert(key, cert);
	tls_ctx = ok ? ssl.SSL_CTX_new(ssl.TLS_server_method()) : NULL;
	ok = tls_ctx && ssl.SSL_CTX_use_certificate(tls_ctx, cert) == 1 &&
	     ssl.SSL_CTX_use_PrivateKey(tls_ctx, key) == 1;
	if (ok)
		ssl.SSL_CTX_set_alpn_select_cb(tls_ctx, tls_choose, NULL);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ok;
}

static void tls_finish(void)
{
	unlink(tls_cert_path);
	ssl.SSL_CTX_free(tls_ctx);
}

/* NULL: no handshake. */
static SSL *tls_accept(int fd)
{
	SSL *tls = ssl.SSL_new(tls_ctx);

	if (tls && ssl.SSL_set_fd(tls, fd) == 1 && ssl.SSL_accept(tls) == 1)
		return tls;
	ssl.SSL_free(tls);
	return NULL;
}

static void tls_end(SSL *tls)
{
	ssl.SSL_free(tls);
}

static bool tls_send(SSL *tls, const void *bytes, size_t len)
{
	return !len || ssl.SSL_write(tls, bytes, (int)len) == (int)len;
}

static bool tls_read(SSL *tls, void *out, size_t len)
{
	char *at = out;

	while (len) {
		int n = ssl.SSL_read(tls, at, (int)len);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

#endif
