/*
 * harden.h - what each program does first: tokens are in its memory.
 */
#ifndef CHATMOCK_HARDEN_H
#define CHATMOCK_HARDEN_H

/*
 * No core files and no looking in by others' debuggers (but in a sanitized
 * build, whose leak checker is such a debugger); what is made is the caller's
 * alone. A child inherits all of it; exec undoes but the ban on looking in.
 */
void harden(void);

#endif
