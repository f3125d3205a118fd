/* SPDX-License-Identifier: GPL-2.0 */
/*
 * site.h: the places in the code that have something of ours
 */
#ifndef _MAL_SITE_H
#define _MAL_SITE_H

#include <linux/types.h>

struct module;

/* Room for the name of a place; longer ones are cut off. */
#define MAL_SITE_NAME	160

unsigned long mal_site_keep(unsigned long site, const struct module *module);
bool mal_site_is_in(unsigned long site, const struct module *module);
const char *mal_site_name(unsigned long site, char name[MAL_SITE_NAME]);
int mal_site_init(void);
void mal_site_exit(void);

#endif /* _MAL_SITE_H */
