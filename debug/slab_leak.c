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
 * Locking: mal_slab_node.lock, for one slab at a time, as mal_slab_node_walk() takes
 * it: so one looks at a cache at a time.
 *
 * Context: task, unless said otherwise.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
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

/* What is forgotten is forgotten whole: only who looks on may be in a hurry. */
static bool mal_leak_look(struct mal_track *track, void *data)
{
	struct mal_leak_sites *sites = data;

	mal_leak_add(sites, track);
	return sites->forget || !fatal_signal_pending(current);
}

static bool mal_leak_keep_site(struct mal_track *track, void *module)
{
	track->alloc.caller = mal_site_keep(track->alloc.caller, module);
	return true;
}

/**
 * struct mal_leak_visit - what is done with each object that somebody has
 * @visit: it, under the lock of the object's node; returns false to end the walk
 * @data: for it
 */
struct mal_leak_visit {
	bool (*visit)(struct mal_track *track, void *data);
	void *data;
};

static bool mal_leak_visit_slab(struct mal_slab_node *node, struct mal_slab *slab,
				const struct list_head *list, void *data)
{
	struct mal_leak_visit *visit = data;
	bool go_on = true;
	u8 state;
	u32 i;

	for (i = 0; i < slab->nr && go_on; i++) {
		state = READ_ONCE(slab->states[i]);
		if (state == MAL_OBJECT_ALLOCATED || state == MAL_OBJECT_GUARDED)
			go_on = visit->visit(&slab->tracks[i], visit->data);
	}
	return go_on;
}

/* No more than the parameter slab_guards allows. */
static void mal_leak_visit_guards(struct mal_slab_node *node,
				  struct mal_leak_visit *visit)
{
	struct mal_slab *slab;
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	list_for_each_entry(slab, &node->guards, link)
		if (!mal_leak_visit_slab(node, slab, &node->guards, visit))
			break;
	spin_unlock_irqrestore(&node->lock, flags);
}

static void mal_leak_for_each(struct mal_kmem_cache *cache,
			      bool (*visit)(struct mal_track *track, void *data),
			      void *data)
{
	struct mal_leak_visit each = { .visit = visit, .data = data };
	int nid;

	for_each_node(nid) {
		struct mal_slab_node *node = cache->nodes[nid];

		mal_slab_node_walk(node, mal_leak_visit_slab, &each);
		mal_leak_visit_guards(node, &each);
	}
}

/**
 * mal_slab_leak_keep_sites() - keep the names of who has objects of a cache
 * @cache: the cache; if it does not track, nothing is known
 * @module: whose init function has returned
 *
 * Context: task; sleeps. Nobody else looks at the cache.
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
 * Context: task; sleeps. Nobody else looks at the cache.
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
 * Ended by a fatal signal.
 *
 * Context: task; sleeps. Nobody else looks at the cache.
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
