/*
 * catalog_table.h - the built-in models; catalog.c alone includes it.
 */
#ifndef CHATMOCK_CATALOG_TABLE_H
#define CHATMOCK_CATALOG_TABLE_H

#include "catalog.h"

/* In order of priority; slugs and names are literals. */
extern const struct model catalog_builtin[];
extern const size_t catalog_builtin_count;

#endif
