/*
 * browser.h - opening an address in the person's browser.
 */
#ifndef CHATMOCK_CLI_BROWSER_H
#define CHATMOCK_CLI_BROWSER_H

#include "../../shared/base.h"

/*
 * Starts $BROWSER (words; "%s" is the address, else it is the last word), or
 * the desktop's own opener where there is a desktop. It outlives us and says
 * nothing on our terminal. False: there is none.
 */
bool browser_open(const char *url, char *const environ_[]);

#endif
