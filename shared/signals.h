/*
 * signals.h - signals as something to read, for who minds other processes.
 *
 * No handler anywhere, so nothing to race with: what comes waits until it is
 * read.
 */
#ifndef CHATMOCK_SIGNALS_H
#define CHATMOCK_SIGNALS_H

/*
 * From now on TERM, INT, QUIT, HUP, USR1, USR2 and CHLD wait, whatever a
 * starter had made of them, and PIPE is ignored. The descriptor gives each as a
 * struct signalfd_siginfo; it never blocks and is closed by exec, the caller's
 * to close otherwise. -1 with errno on failure.
 *
 * The mask is the calling thread's and that of all it starts: called before
 * there are other threads.
 */
int signals_listen(void);

#endif
