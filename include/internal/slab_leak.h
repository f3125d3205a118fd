/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_leak.h: leaks of objects, by call site
 */
#ifndef _MAL_SLAB_LEAK_H
#define _MAL_SLAB_LEAK_H

#include <linux/types.h>

struct mal_kmem_cache;
struct module;
struct seq_file;

bool mal_slab_leak_is_tracked(const struct mal_kmem_cache *cache);
void mal_slab_leak_keep_sites(struct mal_kmem_cache *cache, struct module *module);
void mal_slab_leak_report(struct mal_kmem_cache *cache,
			  const struct module *module);
void mal_slab_leak_show(struct seq_file *m, struct mal_kmem_cache *cache);

#endif /* _MAL_SLAB_LEAK_H */
