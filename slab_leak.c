// SPDX-License-Identifier: GPL-2.0
/*
 * Leaks of objects: who has what, by the place that allocated it
 *
 * Where a cache tracks its users, each object knows the code that allocated it,
 * and when. So those that are somebody's can be told by that place: how many,
 * how much, and for how long the oldest. That is what the section "leaks" of
 * /proc/memalloc shows of all caches that track, and what the log gets when a
 * cache cannot be destroyed, when a module goes that has objects still, and at
 * our own unload. A place in a module that goes is forgotten then, as it has no
 * name any more; for one in the init function of a module, see site.c.
 *
 * Locking: mal_slab_node.lock, while the slabs of a node are walked: for
 * debugging.
 *
 * Context: task, unless said otherwise.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "internal/site.h"
#include "internal/slab.h"
#include "internal/slab_leak.h"
#include "internal/slab_track.h"

/* So many places are told apart in one cache. */
#define MAL_LEAK_SITES	128

/**
 * struct mal_leak_sites - what was found in a cache
 * @module: of whom; NULL: of anybody
 * @forget: the places that are found are forgotten
 * @others: objects of places that did not fit in
 * @nr: entries in @sites
 * @sites: places that allocated
 */
struct mal_leak_sites {
	const struct module *module;
	bool forget;
	unsigned long others;
	unsigned int nr;
	struct mal_leak_site {
		unsigned long caller;
		unsigned long objects;
		u64 bytes;
		u64 oldest_ms;
	} sites[MAL_LEAK_SITES];
};

/**
 * mal_slab_leak_is_tracked() - is it known who has the objects of a cache?
 * @cache: the cache
 *
 * Context: any.
 * Return: true if so.
 */
bool mal_slab_leak_is_tracked(const struct mal_kmem_cache *cache)
{
	return cache->flags & MAL_CACHE_STORE_USER;
}

static struct mal_leak_site *mal_leak_site(struct mal_leak_sites *sites,
					   unsigned long caller)
{
	unsigned int i;

	for (i = 0; i < sites->nr; i++)
		if (sites->sites[i].caller == caller)
			return &sites->sites[i];
	if (i == MAL_LEAK_SITES)
		return NULL;
	sites->sites[i].caller = caller;
	sites->nr++;
	return &sites->sites[i];
}

static void mal_leak_add(struct mal_leak_sites *sites, struct mal_track *track)
{
	struct mal_leak_site *site;

	if (sites->module && !mal_site_is_in(track->alloc.caller, sites->module))
		return;
	site = mal_leak_site(sites, track->alloc.caller);
	if (sites->forget) {
		track->alloc.caller = 0;
		track->alloc.stack = 0;
	}
	if (!site) {
		sites->others++;
		return;
	}
	site->objects++;
	site->bytes += track->asked;
	site->oldest_ms = max(site->oldest_ms, mal_track_age_ms(&track->alloc));
}

static void mal_leak_look(struct mal_track *track, void *sites)
{
	mal_leak_add(sites, track);
}

static void mal_leak_keep_site(struct mal_track *track, void *module)
{
	track->alloc.caller = mal_site_keep(track->alloc.caller, module);
}

static void mal_leak_visit_in(struct list_head *slabs,
			      void (*visit)(struct mal_track *track, void *data),
			      void *data)
{
	struct mal_slab *slab;
	u8 state;
	u32 i;

	list_for_each_entry(slab, slabs, link)
		for (i = 0; i < slab->nr; i++) {
			state = READ_ONCE(slab->states[i]);
			if (state == MAL_OBJECT_ALLOCATED ||
			    state == MAL_OBJECT_GUARDED)
				visit(&slab->tracks[i], data);
		}
}

/* Call @visit for each object that somebody has, under the lock of its node. */
static void mal_leak_for_each(struct mal_kmem_cache *cache,
			      void (*visit)(struct mal_track *track, void *data),
			      void *data)
{
	unsigned long flags;
	int nid;

	for_each_node(nid) {
		struct mal_slab_node *node = cache->nodes[nid];

		spin_lock_irqsave(&node->lock, flags);
		mal_leak_visit_in(&node->partial, visit, data);
		mal_leak_visit_in(&node->full, visit, data);
		mal_leak_visit_in(&node->guards, visit, data);
		spin_unlock_irqrestore(&node->lock, flags);
	}
}

/**
 * mal_slab_leak_keep_sites() - keep the names of who has objects of a cache
 * @cache: the cache; if it does not track, nothing is known
 * @module: whose init function has returned
 *
 * Context: task.
 */
void mal_slab_leak_keep_sites(struct mal_kmem_cache *cache, struct module *module)
{
	if (mal_slab_leak_is_tracked(cache))
		mal_leak_for_each(cache, mal_leak_keep_site, module);
}

static struct mal_leak_sites *mal_leak_find(struct mal_kmem_cache *cache,
					    const struct module *module,
					    bool forget)
{
	struct mal_leak_sites *sites = kzalloc(sizeof(*sites), GFP_KERNEL);

	if (!sites)
		return NULL;
	sites->module = module;
	sites->forget = forget;
	mal_leak_for_each(cache, mal_leak_look, sites);
	return sites;
}

/**
 * mal_slab_leak_report() - log who has objects of a cache
 * @cache: the cache; if it does not track, nothing is known
 * @module: whose objects, as it goes and they will be nobody's; NULL: anybody's
 *
 * Context: task; sleeps.
 */
void mal_slab_leak_report(struct mal_kmem_cache *cache,
			  const struct module *module)
{
	struct mal_leak_sites *sites;
	char name[MAL_SITE_NAME];
	unsigned int i;

	if (!mal_slab_leak_is_tracked(cache))
		return;
	sites = mal_leak_find(cache, module, module);
	for (i = 0; sites && i < sites->nr; i++) {
		struct mal_leak_site *site = &sites->sites[i];

		if (site->caller)
			pr_err("leak: %lu objects of cache %s, %llu bytes, the oldest %llu s old, allocated by %s\n",
			       site->objects, cache->name, site->bytes,
			       div_u64(site->oldest_ms, MSEC_PER_SEC),
			       mal_site_name(site->caller, name));
		else
			pr_err("leak: %lu objects of cache %s, %llu bytes, of modules that are gone\n",
			       site->objects, cache->name, site->bytes);
	}
	if (sites && sites->others)
		pr_err("leak: %lu objects more of cache %s, allocated by others\n",
		       sites->others, cache->name);
	kfree(sites);
}

/**
 * mal_slab_leak_show() - print who has objects of a cache
 * @m: /proc/memalloc
 * @cache: the cache; if it does not track, nothing is known
 *
 * Context: task; sleeps.
 */
void mal_slab_leak_show(struct seq_file *m, struct mal_kmem_cache *cache)
{
	struct mal_leak_sites *sites;
	char name[MAL_SITE_NAME];
	unsigned int i;

	if (!mal_slab_leak_is_tracked(cache))
		return;
	sites = mal_leak_find(cache, NULL, false);
	for (i = 0; sites && i < sites->nr; i++) {
		struct mal_leak_site *site = &sites->sites[i];

		seq_printf(m, "%-17s %8lu %10llu %8llu %s\n", cache->name,
			   site->objects, site->bytes,
			   div_u64(site->oldest_ms, MSEC_PER_SEC),
			   mal_site_name(site->caller, name));
	}
	if (sites && sites->others)
		seq_printf(m, "%-17s %8lu %10u %8u (others)\n", cache->name,
			   sites->others, 0, 0);
	kfree(sites);
}
