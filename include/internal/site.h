/* SPDX-License-Identifier: GPL-2.0 */
/*
 * site.h: code addresses that memory is attributed to, and their names
 */
#ifndef _MAL_SITE_H
#define _MAL_SITE_H

#include <linux/types.h>

struct module;

/* Size of the buffer for a name; longer names are truncated. */
#define MAL_SITE_NAME	160

unsigned long mal_site_keep(unsigned long site, const struct module *module);
bool mal_site_is_in(unsigned long site, const struct module *module);
const char *mal_site_name(unsigned long site, char name[MAL_SITE_NAME]);
unsigned long mal_site_of_task(void);
void mal_site_forget_task(unsigned long site);
bool mal_site_is_task(unsigned long site);
int mal_site_init(void);
void mal_site_exit(void);

#endif /* _MAL_SITE_H */
