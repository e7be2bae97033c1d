/*
 * banned.h - functions nobody may call; force-included by the Makefile.
 *
 * The headers come first, so that their own declarations still compile.
 */
#ifndef CHATMOCK_BANNED_H
#define CHATMOCK_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(what, use) banned_##what##_use_##use

#undef strcpy
#define strcpy(d, s)		BANNED(strcpy, buf)
#undef strncpy
#define strncpy(d, s, n)	BANNED(strncpy, text_copy)
#undef strcat
#define strcat(d, s)		BANNED(strcat, buf)
#undef strncat
#define strncat(d, s, n)	BANNED(strncat, buf)
#undef strtok
#define strtok(s, d)		BANNED(strtok, text_next)
#undef sprintf
#define sprintf(...)		BANNED(sprintf, snprintf)
#undef vsprintf
#define vsprintf(...)		BANNED(vsprintf, vsnprintf)
#undef atoi
#define atoi(s)			BANNED(atoi, text_int)
#undef atol
#define atol(s)			BANNED(atol, text_int)
#undef gmtime
#define gmtime(t)		BANNED(gmtime, gmtime_r)
#undef localtime
#define localtime(t)		BANNED(localtime, localtime_r)
#undef system
#define system(c)		BANNED(system, posix_spawn)
#undef popen
#define popen(c, m)		BANNED(popen, posix_spawn)
#undef tmpnam
#define tmpnam(s)		BANNED(tmpnam, mkstemp)

#endif
