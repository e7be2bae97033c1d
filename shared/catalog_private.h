/*
 * catalog_private.h - a catalogue from within, for catalog.c, which asks it,
 * and catalog_parse.c, which makes one of upstream's list.
 */
#ifndef CHATMOCK_CATALOG_PRIVATE_H
#define CHATMOCK_CATALOG_PRIVATE_H

#include "catalog.h"

struct catalog {
	const struct config *config;
	unsigned refs;
	const struct model *models;	/* in order of priority */
	size_t count;
	struct model *own;		/* models, or NULL: the built-in table */
	struct buf strings;		/* what own and origin point into */
	struct buf text;		/* the file; origin.native lies in it */
	struct catalog_origin origin;
};

#endif
