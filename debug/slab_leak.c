// SPDX-License-Identifier: GPL-2.0
/*
 * Leaks of objects, by call site
 *
 * In a cache with user tracking, each object has a record of the code that
 * allocated it, and of the time. So allocated objects can be summarized by call
 * site: number, size and age of the oldest. The section "leaks" of
 * /proc/memalloc shows them for all such caches. They are logged when a cache
 * cannot be destroyed, when a module is unloaded with objects still allocated,
 * and at unload of this module. The call sites of a module are then forgotten,
 * because their symbols are gone. See site.c for call sites in the init
 * function of a module.
 *
 * Locking: mal_slab_node.lock, for one slab at a time, as taken by
 * mal_slab_node_walk(). A cache must not be walked concurrently.
 *
 * Context: task, unless noted otherwise.
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

/* Maximum number of call sites per cache. */
#define MAL_SLAB_LEAK_SITES	128

/**
 * struct mal_slab_leak_sites - call sites found in a cache
 * @module: restrict the search to this module; NULL: no restriction
 * @forget: forget the call sites that are found
 * @others: number of objects of call sites that did not fit
 * @nr: number of entries in @sites
 * @sites: the call sites
 */
struct mal_slab_leak_sites {
	const struct module *module;
	bool forget;
	unsigned long others;
	unsigned int nr;
	struct mal_slab_leak_site {
		unsigned long caller;
		unsigned long objects;
		u64 bytes;
		u64 oldest_ms;
	} sites[MAL_SLAB_LEAK_SITES];
};

/**
 * mal_slab_leak_is_tracked() - does a cache track callers?
 * @cache: the cache
 *
 * Context: any.
 * Return: true if it does.
 */
bool mal_slab_leak_is_tracked(const struct mal_kmem_cache *cache)
{
	return cache->flags & MAL_CACHE_STORE_USER;
}

static struct mal_slab_leak_site *mal_slab_leak_site(struct mal_slab_leak_sites *sites,
						     unsigned long caller)
{
	unsigned int i;

	for (i = 0; i < sites->nr; i++)
		if (sites->sites[i].caller == caller)
			return &sites->sites[i];
	if (i == MAL_SLAB_LEAK_SITES)
		return NULL;
	sites->sites[i].caller = caller;
	sites->nr++;
	return &sites->sites[i];
}

static void mal_slab_leak_add(struct mal_slab_leak_sites *sites, struct mal_track *track)
{
	struct mal_slab_leak_site *site;

	if (sites->module && !mal_site_is_in(track->alloc.caller, sites->module))
		return;
	site = mal_slab_leak_site(sites, track->alloc.caller);
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

/* Ignore signals once forgetting has begun. */
static bool mal_slab_leak_collect(struct mal_track *track, void *data)
{
	struct mal_slab_leak_sites *sites = data;

	mal_slab_leak_add(sites, track);
	return sites->forget || !fatal_signal_pending(current);
}

static bool mal_slab_leak_keep_site(struct mal_track *track, void *module)
{
	track->alloc.caller = mal_site_keep(track->alloc.caller, module);
	return true;
}

/**
 * struct mal_slab_leak_visit - callback for each allocated object
 * @visit: called under the lock of the object's node; returns false to end
 *	the walk
 * @data: passed to @visit
 */
struct mal_slab_leak_visit {
	bool (*visit)(struct mal_track *track, void *data);
	void *data;
};

static bool mal_slab_leak_visit_slab(struct mal_slab_node *node, struct mal_slab *slab,
				     const struct list_head *list, void *data)
{
	struct mal_slab_leak_visit *visit = data;
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

/* The parameter slab_guards limits their number. */
static void mal_slab_leak_visit_guards(struct mal_slab_node *node,
				       struct mal_slab_leak_visit *visit)
{
	struct mal_slab *slab;
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	list_for_each_entry(slab, &node->guards, link)
		if (!mal_slab_leak_visit_slab(node, slab, &node->guards, visit))
			break;
	spin_unlock_irqrestore(&node->lock, flags);
}

static void mal_slab_leak_for_each(struct mal_kmem_cache *cache,
				   bool (*visit)(struct mal_track *track, void *data),
				   void *data)
{
	struct mal_slab_leak_visit each = { .visit = visit, .data = data };
	int nid;

	for_each_node(nid) {
		struct mal_slab_node *node = cache->nodes[nid];

		mal_slab_node_walk(node, mal_slab_leak_visit_slab, &each);
		mal_slab_leak_visit_guards(node, &each);
	}
}

/**
 * mal_slab_leak_keep_sites() - preserve the symbols of a cache's call sites
 * @cache: the cache; ignored if it does not track callers
 * @module: the module; its init function has returned
 *
 * Context: task; sleeps. The cache is not walked concurrently.
 */
void mal_slab_leak_keep_sites(struct mal_kmem_cache *cache, struct module *module)
{
	if (mal_slab_leak_is_tracked(cache))
		mal_slab_leak_for_each(cache, mal_slab_leak_keep_site, module);
}

static struct mal_slab_leak_sites *mal_slab_leak_find(struct mal_kmem_cache *cache,
						      const struct module *module,
						      bool forget)
{
	struct mal_slab_leak_sites *sites = kzalloc(sizeof(*sites), GFP_KERNEL);

	if (!sites)
		return NULL;
	sites->module = module;
	sites->forget = forget;
	mal_slab_leak_for_each(cache, mal_slab_leak_collect, sites);
	return sites;
}

/**
 * mal_slab_leak_report() - log the call sites of allocated objects
 * @cache: the cache; ignored if it does not track callers
 * @module: report only objects of this module, which is being unloaded, and
 *	forget their call sites; NULL: report all
 *
 * Context: task; sleeps. The cache is not walked concurrently.
 */
void mal_slab_leak_report(struct mal_kmem_cache *cache,
			  const struct module *module)
{
	struct mal_slab_leak_sites *sites;
	char name[MAL_SITE_NAME];
	unsigned int i;

	if (!mal_slab_leak_is_tracked(cache))
		return;
	sites = mal_slab_leak_find(cache, module, module);
	for (i = 0; sites && i < sites->nr; i++) {
		struct mal_slab_leak_site *site = &sites->sites[i];

		if (site->caller)
			pr_err("leak: %lu objects of cache %s, %llu bytes, the oldest %llu s old, allocated by %s\n",
			       site->objects, cache->name, site->bytes,
			       div_u64(site->oldest_ms, MSEC_PER_SEC),
			       mal_site_name(site->caller, name));
		else
			pr_err("leak: %lu objects of cache %s, %llu bytes, owned by unloaded modules\n",
			       site->objects, cache->name, site->bytes);
	}
	if (sites && sites->others)
		pr_err("leak: %lu more objects of cache %s, allocated by others\n",
		       sites->others, cache->name);
	kfree(sites);
}

/**
 * mal_slab_leak_show() - print the call sites of allocated objects
 * @m: /proc/memalloc
 * @cache: the cache; ignored if it does not track callers
 *
 * A fatal signal ends the output.
 *
 * Context: task; sleeps. The cache is not walked concurrently.
 */
void mal_slab_leak_show(struct seq_file *m, struct mal_kmem_cache *cache)
{
	struct mal_slab_leak_sites *sites;
	char name[MAL_SITE_NAME];
	unsigned int i;

	if (!mal_slab_leak_is_tracked(cache))
		return;
	sites = mal_slab_leak_find(cache, NULL, false);
	for (i = 0; sites && i < sites->nr; i++) {
		struct mal_slab_leak_site *site = &sites->sites[i];

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
