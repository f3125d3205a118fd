// SPDX-License-Identifier: GPL-2.0
/*
 * Slab caches: their making, emptying and unmaking, and their figures
 *
 * Layers, from the user to the pages: slab_alloc.c, the short way; sheaf.c,
 * objects at hand on each CPU and in the depot of each node; slab.c, slabs.
 * Here is what concerns a cache as a whole.
 *
 * Emptying. Depots and empty slabs are anybody's; what a CPU has at hand, that
 * CPU has to be asked for. Shrinking and destruction take everything. Reaping
 * under memory pressure takes depots and empty slabs, and what CPUs have only if
 * there were none, or if an allocation were to fail otherwise.
 *
 * Destruction. First everything is emptied. A cache that then still has objects
 * that somebody owns is reported, and stays what it was. Else it leaves the list
 * of caches, the grace period of its last slabs is waited for, and it is freed
 * after another: a late free of an object of it may still be looking.
 *
 * A cache of modules' is gone when mal_kmem_cache_destroy() returns, and nothing of
 * it calls their code any more. With SLAB_TYPESAFE_BY_RCU that takes a grace period;
 * who closes a file may have tens of thousands of these, which are all of our own
 * making: they go together, after one grace period for as many as there are then.
 *
 * Walks over all caches. There may be very many, and large ones, of whoever likes to
 * make them. So the mutex is let go of after each, and nobody waits for more than
 * one. A walk knows which cache is its next, and a cache that leaves the list tells
 * it so; it ends at the last that was there when it began, so that none is too long
 * because others make caches. It also ends at a fatal signal, if it can.
 *
 * Constructed objects. The constructor runs once for each object, when its slab
 * is made, and the destructor once, before the pages go. Nothing of ours is
 * written into a free object, so it stays constructed in between.
 *
 * SLAB_TYPESAFE_BY_RCU. Objects are reused at once; the pages of a slab go, and
 * the destructor runs, after a grace period.
 *
 * Copying to and from user space. The host's hardened usercopy knows its own
 * slabs, and takes ours for plain pages: it checks no more than that a copy
 * does not run over kernel text or the stack. A module cannot add to that. Who
 * copies can ask mal_usercopy_allowed().
 *
 * Lock order: the host's lock of CPU hotplug, mal_cache_mutex, then
 * mal_slab_node.lock or mal_slab_node.depot_lock. The mutex is only tried, where memory is being
 * reclaimed.
 *
 * Context: task, but for the shrinker's functions, which are called from
 * wherever memory is short and may be waited for.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cache.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/hardirq.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/notifier.h>
#include <linux/panic.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/shrinker.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <memalloc/kmalloc.h>
#include <memalloc/slab_cache.h>
#include <uapi/linux/memalloc.h>

#include "internal/compat.h"
#include "internal/inject.h"
#include "internal/kunit.h"
#include "internal/leak.h"
#include "internal/peek.h"
#include "internal/reclaim.h"
#include "internal/report.h"
#include "internal/sheaf.h"
#include "internal/site.h"
#include "internal/slab.h"
#include "internal/slab_alloc.h"
#include "internal/slab_cache.h"
#include "internal/slab_debug.h"
#include "internal/slab_guard.h"
#include "internal/slab_leak.h"
#include "internal/slab_option.h"
#include "internal/slab_quarantine.h"

/* A slab has room for so many objects, unless it would grow beyond the order. */
#define MAL_SLAB_OBJECTS	8
#define MAL_SLAB_ORDER		4

/* Larger objects than this are not kept at hand, but in their slabs. */
#define MAL_SHEAF_OBJECT	SZ_256K

/* What the depot of a node, and its empty slabs, hold of each cache. */
#define MAL_DEPOT_BYTES		SZ_256K
#define MAL_EMPTY_BYTES		SZ_128K
#define MAL_EMPTY_ORDER		5

/* Who is about to fail waits so many ticks for another who reaps. */
#define MAL_REAP_TRIES		10

/* Protects the list, and lets caches be emptied one at a time. */
static DEFINE_MUTEX(mal_cache_mutex);
static LIST_HEAD(mal_caches);

/* Walks over the list, and how many caches have been in it. */
static LIST_HEAD(mal_cache_walks);
static u64 mal_cache_serial;

static struct shrinker *mal_cache_shrinker;
static int mal_cache_cpuhp;

/*
 * The list, and CPUs that come and go
 */

/* CPUs neither come nor go, and no cache does, until mal_caches_unlock(). */
static void mal_caches_lock(void)
{
	cpus_read_lock();
	mutex_lock(&mal_cache_mutex);
}

static void mal_caches_unlock(void)
{
	mutex_unlock(&mal_cache_mutex);
	cpus_read_unlock();
}

/* Returns false if the task has been killed. */
static bool mal_caches_lock_killable(void)
{
	cpus_read_lock();
	if (!mutex_lock_killable(&mal_cache_mutex))
		return true;
	cpus_read_unlock();
	return false;
}

/**
 * struct mal_cache_walk - a walk over all caches
 * @link: in the list of walks
 * @next: the next cache, or NULL
 * @last: no cache that is newer
 *
 * Protected by mal_cache_mutex.
 */
struct mal_cache_walk {
	struct list_head link;
	struct mal_kmem_cache *next;
	u64 last;
};

/* What is done with a cache, under the mutex; false ends the walk. */
typedef bool (*mal_cache_look_fn)(struct mal_kmem_cache *cache, void *data);

static struct mal_kmem_cache *mal_cache_after(const struct list_head *link)
{
	return list_is_last(link, &mal_caches) ? NULL :
	       list_entry(link->next, struct mal_kmem_cache, link);
}

static void mal_cache_enlist(struct mal_kmem_cache *cache)
{
	lockdep_assert_held(&mal_cache_mutex);
	cache->serial = ++mal_cache_serial;
	list_add_tail(&cache->link, &mal_caches);
}

static void mal_cache_unlist(struct mal_kmem_cache *cache)
{
	struct mal_cache_walk *walk;

	lockdep_assert_held(&mal_cache_mutex);
	list_for_each_entry(walk, &mal_cache_walks, link)
		if (walk->next == cache)
			walk->next = mal_cache_after(&cache->link);
	list_del(&cache->link);
}

/* The mutex is held, before and after. */
static void mal_caches_walk_locked(mal_cache_look_fn look, void *data)
{
	struct mal_cache_walk walk = {
		.next = mal_cache_after(&mal_caches),
		.last = mal_cache_serial,
	};
	struct mal_kmem_cache *cache;
	bool go_on = true;

	list_add(&walk.link, &mal_cache_walks);
	while (go_on && walk.next && walk.next->serial <= walk.last) {
		cache = walk.next;
		walk.next = mal_cache_after(&cache->link);
		go_on = look(cache, data);
		mal_caches_unlock();
		cond_resched();
		mal_caches_lock();
	}
	list_del(&walk.link);
}

/* For those who cannot leave it half done. */
static void mal_caches_walk_all(mal_cache_look_fn look, void *data)
{
	mal_caches_lock();
	mal_caches_walk_locked(look, data);
	mal_caches_unlock();
}

/* On behalf of a user: @look ends it at a fatal signal. */
static void mal_caches_walk(mal_cache_look_fn look, void *data)
{
	if (!mal_caches_lock_killable())
		return;
	mal_caches_walk_locked(look, data);
	mal_caches_unlock();
}

/* The sheaves of a CPU that is gone. */
static int mal_cache_cpu_dead(unsigned int cpu)
{
	struct mal_kmem_cache *cache;

	mutex_lock(&mal_cache_mutex);
	list_for_each_entry(cache, &mal_caches, link) {
		mal_sheaf_drain_dead(cache, cpu);
		cond_resched();
	}
	mutex_unlock(&mal_cache_mutex);
	return 0;
}

/*
 * Emptying
 */

static unsigned long mal_node_empty(struct mal_kmem_cache *cache,
				    struct mal_slab_node *node)
{
	struct mal_slab_side before, after;
	unsigned long flags;
	LIST_HEAD(surplus);

	mal_slab_node_sum(node, &before);
	mal_depot_flush(cache, node);
	mal_guard_flush(node);
	mal_held_flush(node);
	spin_lock_irqsave(&node->lock, flags);
	mal_slab_node_shrink(node, 0, &surplus);
	mal_slab_node_sum(node, &after);
	spin_unlock_irqrestore(&node->lock, flags);
	mal_slab_destroy_list(&surplus);
	return before.nr_slabs - min(before.nr_slabs, after.nr_slabs);
}

/* Depots and empty slabs. Returns pages, about. */
static unsigned long mal_cache_reap(struct mal_kmem_cache *cache)
{
	unsigned long slabs = 0;
	int nid;

	for_each_node(nid)
		slabs += mal_node_empty(cache, cache->nodes[nid]);
	return slabs << cache->order;
}

static void mal_cache_empty(struct mal_kmem_cache *cache)
{
	mal_deferred_sync();
	mal_sheaf_drain(cache);
	mal_cache_reap(cache);
}

/**
 * mal_kmem_cache_shrink() - give the memory that a cache does not need away
 * @cache: the cache
 *
 * A task that has been killed need not wait for its turn: then nothing is given.
 *
 * Context: task; sleeps.
 * Return: 0 if no slab is left, else 1.
 */
int mal_kmem_cache_shrink(struct mal_kmem_cache *cache)
{
	unsigned long slabs = 0;
	int nid;

	if (!mal_caches_lock_killable())
		return 1;
	mal_cache_empty(cache);
	mal_caches_unlock();
	for_each_node(nid) {
		struct mal_slab_side sum;

		mal_slab_node_sum(cache->nodes[nid], &sum);
		slabs += sum.nr_slabs;
	}
	return !!slabs;
}
MAL_EXPORT(mal_kmem_cache_shrink);

/*
 * Until there are @enough pages. The mutex may only be tried here, so it is kept to
 * the end. Who has been killed needs but a few, and may have to have them.
 */
static unsigned long mal_caches_reap(bool drain, unsigned long enough)
{
	struct mal_kmem_cache *cache;
	unsigned long pages = 0;

	list_for_each_entry(cache, &mal_caches, link) {
		if (pages >= enough || (pages && fatal_signal_pending(current)))
			break;
		cond_resched();
		if (cache->flags & MAL_CACHE_NO_REAP)
			continue;
		if (drain)
			mal_sheaf_drain(cache);
		pages += mal_cache_reap(cache);
	}
	return pages;
}

static unsigned long mal_cache_reapable(struct mal_kmem_cache *cache)
{
	unsigned long pages = 0;
	int nid;

	for_each_node(nid) {
		struct mal_slab_node *node = cache->nodes[nid];
		unsigned long in_depot = (unsigned long)cache->sheaf_capacity *
					 cache->size *
					 mal_peek(node->nr_full_sheaves);
		struct mal_slab_side sum;

		mal_slab_node_sum(node, &sum);
		pages += (sum.nr_empty << cache->order) +
			 (in_depot >> PAGE_SHIFT);
	}
	return pages;
}

/* What depots and empty slabs hold; the mutex is held. */
static unsigned long mal_caches_reapable(void)
{
	struct mal_kmem_cache *cache;
	unsigned long pages = 0;

	list_for_each_entry(cache, &mal_caches, link) {
		if (!(cache->flags & MAL_CACHE_NO_REAP))
			pages += mal_cache_reapable(cache);
		cond_resched();
	}
	return pages;
}

/*
 * Whoever has the mutex may wait for something that our caller holds: so that is
 * tried for a moment only.
 */
static bool mal_caches_trylock(void)
{
	int tries;

	for (tries = MAL_REAP_TRIES; !mutex_trylock(&mal_cache_mutex); tries--) {
		if (!tries)
			return false;
		schedule_timeout_uninterruptible(1);
	}
	return true;
}

/**
 * mal_slab_reap() - give away what caches can spare
 * @min_pages: not for less than so many pages in depots and empty slabs; zero:
 *	everything, with what all CPUs have at hand
 *
 * Context: task, where memory is reclaimed; waits for nobody who waits for
 * memory, or not for long.
 * Return: pages that have gone to the page allocator, about.
 */
unsigned long mal_slab_reap(unsigned long min_pages)
{
	unsigned long pages = 0;

	if (min_pages ? !mutex_trylock(&mal_cache_mutex) : !mal_caches_trylock())
		return 0;
	if (!min_pages || mal_caches_reapable() >= min_pages)
		pages = mal_caches_reap(!min_pages, ULONG_MAX);
	mutex_unlock(&mal_cache_mutex);
	return pages;
}
MAL_EXPORT_FOR_KUNIT(mal_slab_reap);

static bool mal_cache_shrink_look(struct mal_kmem_cache *cache, void *data)
{
	mal_cache_empty(cache);
	return !fatal_signal_pending(current);
}

/**
 * mal_slab_shrink() - give away what caches do not need, all of it
 *
 * Ended by a fatal signal.
 *
 * Context: task; sleeps.
 */
void mal_slab_shrink(void)
{
	mal_caches_walk(mal_cache_shrink_look, NULL);
}
MAL_EXPORT_FOR_KUNIT(mal_slab_shrink);

/* All that a cache keeps and nobody has, what is held back included, about. */
static unsigned long mal_cache_idle(struct mal_kmem_cache *cache)
{
	u64 objects = mal_sheaf_count(cache);
	struct mal_slab_side sum;
	unsigned long pages = 0;
	int nid;

	for_each_node(nid) {
		struct mal_slab_node *node = cache->nodes[nid];

		mal_slab_node_sum(node, &sum);
		objects += mal_peek(node->nr_held);
		pages += sum.nr_empty << cache->order;
	}
	return pages + (objects * cache->size >> PAGE_SHIFT);
}

/* The mutex is held. */
static unsigned long mal_caches_idle(void)
{
	struct mal_kmem_cache *cache;
	unsigned long pages = 0;

	list_for_each_entry(cache, &mal_caches, link) {
		if (!(cache->flags & MAL_CACHE_NO_REAP))
			pages += mal_cache_idle(cache);
		cond_resched();
	}
	return pages;
}

/* Of what is not counted here, the host takes nothing however short it is. */
static unsigned long mal_cache_shrinker_count(struct shrinker *shrinker,
					      struct shrink_control *sc)
{
	unsigned long pages;

	if (!mutex_trylock(&mal_cache_mutex))
		return 0;
	pages = mal_caches_idle();
	mutex_unlock(&mal_cache_mutex);
	return pages ?: SHRINK_EMPTY;
}

/* The host waits for nobody, and takes what CPUs have if there is nothing else. */
static unsigned long mal_cache_shrinker_scan(struct shrinker *shrinker,
					     struct shrink_control *sc)
{
	unsigned long pages;

	if (!mutex_trylock(&mal_cache_mutex))
		return SHRINK_STOP;
	pages = mal_caches_reap(false, sc->nr_to_scan) ?:
		mal_caches_reap(true, sc->nr_to_scan);
	mutex_unlock(&mal_cache_mutex);
	return pages ?: SHRINK_STOP;
}

/* Guards are looked at so often. */
#define MAL_GUARD_SCAN	HZ

static void mal_cache_scan_guards(struct work_struct *work);
/* Not worth waking an idle CPU for. */
static DECLARE_DEFERRABLE_WORK(mal_cache_guard_work, mal_cache_scan_guards);

static void mal_cache_scan_guards(struct work_struct *work)
{
	struct mal_kmem_cache *cache;
	bool again = false;
	int nid;

	mutex_lock(&mal_cache_mutex);
	list_for_each_entry(cache, &mal_caches, link) {
		cond_resched();
		if (!(cache->flags & MAL_CACHE_GUARD))
			continue;
		again = true;
		for_each_node(nid)
			mal_guard_scan(cache->nodes[nid]);
	}
	mutex_unlock(&mal_cache_mutex);
	if (again)
		schedule_delayed_work(&mal_cache_guard_work, MAL_GUARD_SCAN);
}

/*
 * Making
 */

/* The usual alignment, and if wanted, so that objects share no cache line. */
static unsigned int mal_cache_align(unsigned int size, unsigned int align,
				    slab_flags_t flags)
{
	unsigned int line = cache_line_size();

	if (flags & SLAB_HWCACHE_ALIGN) {
		while (size <= line / 2)
			line /= 2;
		align = max(align, line);
	}
	return max3(align, (unsigned int)ARCH_SLAB_MINALIGN,
		    (unsigned int)sizeof(void *));
}

/* The inverse of an odd number modulo 2^32; each turn doubles the bits known. */
static u32 mal_inverse(u32 odd)
{
	u32 inverse = odd;
	unsigned int bits;

	for (bits = 3; bits < 32; bits *= 2)
		inverse *= 2 - odd * inverse;
	return inverse;
}

static unsigned int mal_cache_order(unsigned int size)
{
	unsigned int order;

	for (order = get_order(size); order < MAL_MAX_ORDER; order++) {
		unsigned long bytes = PAGE_SIZE << order;

		if (order < MAL_SLAB_ORDER && bytes / size < MAL_SLAB_OBJECTS)
			continue;
		if (bytes % size <= bytes / 8)
			break;
	}
	return order;
}

static void mal_cache_set_size(struct mal_kmem_cache *cache, unsigned int size,
			       unsigned int align)
{
	cache->object_size = size;
	cache->align = align;
	cache->size = ALIGN(size, align);
	mal_debug_layout(cache);
	cache->shift = __ffs(cache->size);
	cache->inverse = mal_inverse(cache->size >> cache->shift);
	cache->min_order = get_order(cache->size);
	cache->order = mal_cache_order(cache->size);
}

/*
 * A sheaf is a power of two in bytes, its entries included, and what is at hand
 * of each cache is bounded.
 */
static unsigned int mal_sheaf_bytes(unsigned int size)
{
	if (size <= 64)
		return 2048;
	if (size <= 256)
		return 1024;
	if (size <= 1024)
		return 512;
	if (size <= 4096)
		return 256;
	return size <= 16384 ? 128 : 64;
}

static void mal_cache_set_bounds(struct mal_kmem_cache *cache)
{
	unsigned long bytes;

	if (cache->size <= MAL_SHEAF_OBJECT && !(cache->flags & MAL_CACHE_DEBUG))
		cache->sheaf_capacity = (mal_sheaf_bytes(cache->size) -
					 sizeof(struct mal_sheaf)) /
					sizeof(struct mal_sheaf_entry);
	bytes = max((unsigned long)cache->sheaf_capacity * cache->size, 1UL);
	cache->max_full_sheaves = clamp(MAL_DEPOT_BYTES / bytes, 2UL, 16UL);
	if (cache->order <= MAL_EMPTY_ORDER)
		cache->max_empty_slabs = clamp(MAL_EMPTY_BYTES >>
					       (PAGE_SHIFT + cache->order), 1, 32);
}

static void mal_cache_set_flags(struct mal_kmem_cache *cache, slab_flags_t flags)
{
	if (flags & SLAB_TYPESAFE_BY_RCU)
		cache->flags |= MAL_CACHE_RCU | MAL_CACHE_NO_INIT;
	if (cache->ctor)
		cache->flags |= MAL_CACHE_NO_INIT;
	if (flags & MAL_SLAB_NO_REAP)
		cache->flags |= MAL_CACHE_NO_REAP;
	if (flags & SLAB_RECLAIM_ACCOUNT)
		cache->flags |= MAL_CACHE_RECLAIM;
	if (flags & SLAB_NOLEAKTRACE)
		cache->flags |= MAL_CACHE_NO_LEAK_TRACE;
	if (flags & SLAB_CACHE_DMA)
		cache->gfp |= __GFP_DMA;
	if (flags & SLAB_CACHE_DMA32)
		cache->gfp |= __GFP_DMA32;
}

static void mal_cache_set_debug(struct mal_kmem_cache *cache, slab_flags_t flags)
{
	cache->flags |= mal_slab_option_flags(cache->name);
	if (flags & SLAB_RED_ZONE)
		cache->flags |= MAL_CACHE_RED_ZONE;
	if (flags & SLAB_POISON)
		cache->flags |= MAL_CACHE_POISON;
	if (flags & SLAB_STORE_USER)
		cache->flags |= MAL_CACHE_STORE_USER;
	if (flags & SLAB_CONSISTENCY_CHECKS)
		cache->flags |= MAL_CACHE_CHECKS;
	if (cache->flags & MAL_CACHE_NO_INIT)
		cache->flags &= ~MAL_CACHE_POISON;
}

static void mal_cache_free(struct mal_kmem_cache *cache)
{
	int nid;

	for_each_node(nid)
		kfree(cache->nodes[nid]);
	kfree(cache->name);
	kfree(cache);
}

static void mal_cache_free_rcu(struct rcu_head *rcu)
{
	mal_cache_free(container_of(rcu, struct mal_kmem_cache, rcu));
}

/* What a cache consists of; each piece may be missing. */
static int mal_cache_fill(struct mal_kmem_cache *cache, const char *name)
{
	int nid;

	for_each_node(nid) {
		struct mal_slab_node *node;

		if (mal_inject_should_fail())
			return -ENOMEM;
		node = kzalloc_node(sizeof(*node), GFP_KERNEL,
				    node_online(nid) ? nid : NUMA_NO_NODE);
		if (!node)
			return -ENOMEM;
		mal_slab_node_init(node);
		cache->nodes[nid] = node;
	}
	if (mal_inject_should_fail())
		return -ENOMEM;
	cache->name = kstrdup(name, GFP_KERNEL);
	if (!cache->name || mal_inject_should_fail())
		return -ENOMEM;
	cache->cpu = __alloc_percpu(sizeof(struct mal_cpu_sheaves),
				    cache_line_size());
	return cache->cpu ? 0 : -ENOMEM;
}

static struct mal_kmem_cache *mal_cache_alloc(const char *name)
{
	struct mal_kmem_cache *cache;

	if (mal_inject_should_fail())
		return NULL;
	cache = kzalloc(struct_size(cache, nodes, nr_node_ids), GFP_KERNEL);
	if (!cache)
		return NULL;
	if (mal_cache_fill(cache, name)) {
		mal_cache_free(cache);
		return NULL;
	}
	return cache;
}

static bool mal_cache_args_ok(const char *name, unsigned int size,
			      const struct mal_kmem_cache_args *args)
{
	return name && size && size <= PAGE_SIZE << MAL_MAX_ORDER &&
	       (!args->align || is_power_of_2(args->align)) &&
	       args->align <= PAGE_SIZE && args->useroffset <= size &&
	       args->usersize <= size - args->useroffset;
}

static struct mal_kmem_cache *
mal_cache_make(const char *name, unsigned int size,
	       const struct mal_kmem_cache_args *args, slab_flags_t flags,
	       unsigned long creator)
{
	struct mal_kmem_cache *cache;

	if (WARN_ON_ONCE(in_interrupt()) || !mal_cache_args_ok(name, size, args)) {
		pr_warn("cache %s cannot be created: bad arguments\n",
			name ?: "without a name");
		return NULL;
	}
	cache = mal_cache_alloc(name);
	if (!cache)
		return NULL;
	cache->creator = creator;
	cache->ctor = args->ctor;
	cache->dtor = args->dtor;
	cache->useroffset = args->useroffset;
	cache->usersize = args->usersize;
	mal_cache_set_flags(cache, flags);
	mal_cache_set_debug(cache, flags);
	if (args->quarantine)
		cache->flags |= MAL_CACHE_QUARANTINE;
	if (args->guard)
		cache->flags |= MAL_CACHE_GUARD;
	mal_cache_set_size(cache, size, mal_cache_align(size, args->align, flags));
	mal_cache_set_bounds(cache);
	if (cache->flags & MAL_CACHE_GUARD && !mal_guard_fits(cache))
		cache->flags &= ~MAL_CACHE_GUARD;
	/* Guards are tracked, whether others are or not. */
	if (cache->flags & (MAL_CACHE_STORE_USER | MAL_CACHE_GUARD))
		mal_track_prepare();
	if (cache->flags & MAL_CACHE_GUARD)
		schedule_delayed_work(&mal_cache_guard_work, MAL_GUARD_SCAN);
	mutex_lock(&mal_cache_mutex);
	mal_cache_enlist(cache);
	mutex_unlock(&mal_cache_mutex);
	return cache;
}

static struct mal_kmem_cache *
mal_cache_create(const char *name, unsigned int size,
		 const struct mal_kmem_cache_args *args, slab_flags_t flags,
		 unsigned long creator)
{
	struct mal_kmem_cache *cache;

	cache = mal_cache_make(name, size, args, flags, creator);
	if (!cache && flags & SLAB_PANIC)
		panic("memalloc: no cache %s", name);
	return cache;
}

/**
 * mal_kmem_cache_create_args() - create a cache
 * @name: its name in /proc/memalloc; copied
 * @size: of an object, in bytes; at most 4 MiB with pages of 4 KiB
 * @args: what else there is to say
 * @flags: SLAB_* and MAL_SLAB_*; see memalloc/slab_cache.h
 *
 * Context: task; sleeps.
 * Return: the cache, or NULL: bad arguments, or no memory. With SLAB_PANIC, the
 * system stops instead, as with the host's.
 */
struct mal_kmem_cache *
mal_kmem_cache_create_args(const char *name, unsigned int size,
			   const struct mal_kmem_cache_args *args,
			   slab_flags_t flags)
{
	static const struct mal_kmem_cache_args none;

	return mal_cache_create(name, size, args ?: &none, flags, _RET_IP_);
}
MAL_EXPORT(mal_kmem_cache_create_args);

/**
 * mal_kmem_cache_create_usercopy() - create a cache, to copy from and to
 * @name: as for mal_kmem_cache_create_args()
 * @size: as for mal_kmem_cache_create_args()
 * @align: see struct mal_kmem_cache_args
 * @flags: as for mal_kmem_cache_create_args()
 * @useroffset: see struct mal_kmem_cache_args
 * @usersize: see struct mal_kmem_cache_args
 * @ctor: see struct mal_kmem_cache_args
 *
 * Context: task; sleeps.
 * Return: as for mal_kmem_cache_create_args().
 */
struct mal_kmem_cache *
mal_kmem_cache_create_usercopy(const char *name, unsigned int size,
			       unsigned int align, slab_flags_t flags,
			       unsigned int useroffset, unsigned int usersize,
			       void (*ctor)(void *))
{
	struct mal_kmem_cache_args args = {
		.align = align,
		.useroffset = useroffset,
		.usersize = usersize,
		.ctor = ctor,
	};

	return mal_cache_create(name, size, &args, flags, _RET_IP_);
}
MAL_EXPORT(mal_kmem_cache_create_usercopy);

/**
 * mal_kmem_cache_create() - create a cache
 * @name: as for mal_kmem_cache_create_args()
 * @size: as for mal_kmem_cache_create_args()
 * @align: see struct mal_kmem_cache_args
 * @flags: as for mal_kmem_cache_create_args()
 * @ctor: see struct mal_kmem_cache_args
 *
 * Context: task; sleeps.
 * Return: as for mal_kmem_cache_create_args().
 */
struct mal_kmem_cache *
mal_kmem_cache_create(const char *name, unsigned int size, unsigned int align,
		      slab_flags_t flags, void (*ctor)(void *))
{
	struct mal_kmem_cache_args args = { .align = align, .ctor = ctor };

	return mal_cache_create(name, size, &args, flags, _RET_IP_);
}
MAL_EXPORT(mal_kmem_cache_create);

/**
 * mal_kmem_cache_size() - how large an object is
 * @cache: the cache
 *
 * Context: any.
 * Return: bytes that the user may use.
 */
unsigned int mal_kmem_cache_size(struct mal_kmem_cache *cache)
{
	return cache->object_size;
}
MAL_EXPORT(mal_kmem_cache_size);

/**
 * mal_usercopy_allowed() - may this be copied to or from user space?
 * @address: of the first byte
 * @length: bytes
 *
 * For an address in an object: all of it must lie in the part of the object
 * that its cache allows. Others are not for us to judge.
 *
 * Context: any; the caller holds the object.
 * Return: false if it must not.
 */
bool mal_usercopy_allowed(const void *address, size_t length)
{
	struct mal_kmem_cache *cache;
	struct mal_slab *slab;
	unsigned long offset;
	bool ok = true;

	rcu_read_lock();
	slab = mal_slab_of(address);
	if (slab) {
		cache = slab->cache;
		offset = (unsigned long)(address - slab->base) % cache->size;
		ok = address >= slab->base && offset >= cache->useroffset &&
		     offset - cache->useroffset <= cache->usersize &&
		     length <= cache->usersize - (offset - cache->useroffset);
	}
	rcu_read_unlock();
	return ok;
}
MAL_EXPORT(mal_usercopy_allowed);

/*
 * Unmaking
 */

/* So many wait for the same grace period, about. */
#define MAL_CACHES_GOING	1024

/* Those that wait for their slabs to go; protected by the mutex. */
static LIST_HEAD(mal_caches_going);
static unsigned int mal_nr_caches_going;

static void mal_caches_release_going(struct work_struct *work);
static DECLARE_WORK(mal_caches_going_work, mal_caches_release_going);

static void mal_cache_drain_dead(struct mal_kmem_cache *cache)
{
	int cpu;

	for_each_possible_cpu(cpu)
		mal_sheaf_drain_dead(cache, cpu);
}

/* Its last slabs are gone. */
static void mal_cache_release_last(struct mal_kmem_cache *cache)
{
	free_percpu(cache->cpu);
	call_rcu(&cache->rcu, mal_cache_free_rcu);
}

static void mal_cache_release(struct mal_kmem_cache *cache)
{
	mal_cache_drain_dead(cache);
	if (cache->flags & MAL_CACHE_RCU)
		rcu_barrier();
	mal_cache_release_last(cache);
}

/* All that have come by then, after one barrier. */
static void mal_caches_release_going(struct work_struct *work)
{
	struct mal_kmem_cache *cache, *next;
	LIST_HEAD(going);

	mutex_lock(&mal_cache_mutex);
	list_splice_init(&mal_caches_going, &going);
	mal_nr_caches_going = 0;
	mutex_unlock(&mal_cache_mutex);
	rcu_barrier();
	list_for_each_entry_safe(cache, next, &going, link) {
		mal_cache_release_last(cache);
		cond_resched();
	}
}

/* Whoever makes and destroys them without end has to wait when there are many. */
static void mal_cache_release_later(struct mal_kmem_cache *cache)
{
	bool many;

	mal_cache_drain_dead(cache);
	mutex_lock(&mal_cache_mutex);
	list_add_tail(&cache->link, &mal_caches_going);
	many = ++mal_nr_caches_going >= MAL_CACHES_GOING;
	mutex_unlock(&mal_cache_mutex);
	queue_work(system_unbound_wq, &mal_caches_going_work);
	if (many)
		flush_work(&mal_caches_going_work);
}

static void mal_cache_forget_leaked(struct mal_kmem_cache *cache)
{
	int nid;

	for_each_node(nid)
		mal_slab_node_forget_leaked(cache->nodes[nid]);
}

/* Take it out of the list, if nobody has objects of it. */
static int mal_cache_take_out(struct mal_kmem_cache *cache)
{
	struct mal_cache_stats stats;

	mal_caches_lock();
	mal_cache_empty(cache);
	mal_cache_forget_leaked(cache);
	mal_cache_stats(cache, &stats);
	if (!stats.slabs)
		mal_cache_unlist(cache);
	mal_caches_unlock();
	return stats.slabs ? -EBUSY : 0;
}

/**
 * mal_kmem_cache_remove() - destroy a cache, if nobody has objects of it
 * @cache: the cache; nobody allocates from it any more
 *
 * Context: task; sleeps.
 * Return: 0, or -EBUSY: it is as it was.
 */
int mal_kmem_cache_remove(struct mal_kmem_cache *cache)
{
	int err = mal_cache_take_out(cache);

	if (!err)
		mal_cache_release(cache);
	return err;
}
MAL_EXPORT_FOR_KUNIT(mal_kmem_cache_remove);

/* The same; if there are objects, once more after what mal_kfree_rcu() has freed. */
static int mal_cache_remove_waiting(struct mal_kmem_cache *cache)
{
	int err = mal_kmem_cache_remove(cache);

	if (!err)
		return 0;
	mal_kfree_rcu_barrier();
	return mal_kmem_cache_remove(cache);
}

/* Who looks at the objects of a cache is alone in it. */
static void mal_cache_report_leaks(struct mal_kmem_cache *cache)
{
	mutex_lock(&mal_cache_mutex);
	mal_slab_leak_report(cache, NULL);
	mutex_unlock(&mal_cache_mutex);
}

/**
 * mal_kmem_cache_abandon() - forget a cache, at unload
 * @cache: the cache; whoever has objects of it, keeps them
 *
 * Context: task; sleeps.
 */
void mal_kmem_cache_abandon(struct mal_kmem_cache *cache)
{
	struct mal_cache_stats stats;

	if (!mal_cache_remove_waiting(cache))
		return;
	mal_cache_stats(cache, &stats);
	pr_err("leak: %llu objects of cache %s, in %llu pages\n", stats.active,
	       cache->name, stats.slab_pages);
	mal_cache_report_leaks(cache);
	mutex_lock(&mal_cache_mutex);
	mal_cache_unlist(cache);
	mutex_unlock(&mal_cache_mutex);
	mal_cache_release(cache);
}

/**
 * mal_kmem_cache_destroy() - destroy a cache
 * @cache: the cache, or NULL; nobody allocates from it any more
 *
 * Waits for objects that mal_kfree_rcu() has yet to free. If somebody still has
 * objects after that, it is reported, and the cache stays.
 *
 * Context: task; sleeps.
 */
void mal_kmem_cache_destroy(struct mal_kmem_cache *cache)
{
	struct mal_cache_stats stats;

	if (!cache || !mal_cache_remove_waiting(cache))
		return;
	mal_cache_stats(cache, &stats);
	mal_report(MAL_REPORT_WRONG_FREE, _RET_IP_,
		   "cache %s, %llu objects of which are in use", cache->name,
		   stats.active);
	mal_cache_report_leaks(cache);
}
MAL_EXPORT(mal_kmem_cache_destroy);

/**
 * mal_kmem_cache_destroy_later() - destroy a cache of the module's own
 * @cache: the cache: its constructor is in this module, and it has no destructor
 *
 * As mal_kmem_cache_destroy(), but the last slabs of a cache with
 * SLAB_TYPESAFE_BY_RCU may go after this has returned.
 *
 * Context: task; sleeps; seldom, for a grace period.
 */
void mal_kmem_cache_destroy_later(struct mal_kmem_cache *cache)
{
	if (!(cache->flags & MAL_CACHE_RCU) || mal_cache_take_out(cache))
		mal_kmem_cache_destroy(cache);
	else
		mal_cache_release_later(cache);
}

/*
 * Figures
 */

static void mal_node_stats(struct mal_kmem_cache *cache, int nid,
			   struct mal_cache_stats *stats)
{
	struct mal_slab_node *node = cache->nodes[nid];
	struct mal_slab_side sum;
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	mal_slab_node_sum(node, &sum);
	stats->active += sum.nr_objects - sum.nr_free - node->nr_held;
	stats->objects += sum.nr_objects;
	stats->active_slabs += sum.nr_slabs - sum.nr_empty;
	stats->slabs += sum.nr_slabs;
	stats->slab_pages += sum.nr_pages;
	stats->active += node->nr_guards_live;
	stats->objects += node->nr_guards;
	stats->active_slabs += node->nr_guards_live;
	stats->slabs += node->nr_guards;
	stats->slab_pages += node->nr_guards << mal_guard_order(cache);
	spin_unlock_irqrestore(&node->lock, flags);
}

/**
 * mal_cache_stats() - the figures of a cache
 * @cache: the cache
 * @stats: filled in; exact while nobody uses the cache
 *
 * Context: task.
 */
void mal_cache_stats(struct mal_kmem_cache *cache, struct mal_cache_stats *stats)
{
	u64 cached;
	int nid, cpu;

	memset(stats, 0, sizeof(*stats));
	for_each_node(nid)
		mal_node_stats(cache, nid, stats);
	cached = mal_sheaf_count(cache);
	stats->active -= min(cached, stats->active);
	for_each_possible_cpu(cpu) {
		const struct mal_cpu_sheaves *sheaves = per_cpu_ptr(cache->cpu, cpu);

		stats->hits += mal_peek(sheaves->hits);
		stats->misses += mal_peek(sheaves->misses) +
				 mal_peek(sheaves->crossed);
	}
}

MAL_EXPORT_FOR_KUNIT(mal_cache_stats);

struct mal_cache_tally {
	u64 *checked;
	u64 errors;
};

static bool mal_cache_validate(struct mal_kmem_cache *cache, void *data)
{
	struct mal_cache_tally *tally = data;
	int nid;

	tally->errors += mal_sheaf_validate(cache, tally->checked);
	for_each_node(nid) {
		tally->errors += mal_slab_node_validate(cache, nid, tally->checked);
		tally->errors += mal_depot_validate(cache, nid, tally->checked);
	}
	return !fatal_signal_pending(current);
}

/**
 * mal_slab_validate() - check every invariant of every cache
 * @checked: the number of things checked is added here
 *
 * Ended by a fatal signal.
 *
 * Context: task; sleeps.
 * Return: how many of them were wrong. Each has been reported.
 */
u64 mal_slab_validate(u64 *checked)
{
	struct mal_cache_tally tally = { .checked = checked };

	mal_caches_walk(mal_cache_validate, &tally);
	return tally.errors;
}
MAL_EXPORT_FOR_KUNIT(mal_slab_validate);

static unsigned int mal_cache_slab_objects(const struct mal_kmem_cache *cache)
{
	return (PAGE_SIZE << cache->order) / cache->size;
}

/* As user space names them; MEMALLOC_CACHE_HWCACHE_ALIGN is not kept. */
static u64 mal_cache_user_flags(const struct mal_kmem_cache *cache)
{
	static const struct {
		u32 flag;
		u32 user;
	} flags[] = {
		{ MAL_CACHE_RCU, MEMALLOC_CACHE_TYPESAFE_BY_RCU },
		{ MAL_CACHE_RECLAIM, MEMALLOC_CACHE_RECLAIM_ACCOUNT },
		{ MAL_CACHE_NO_REAP, MEMALLOC_CACHE_NO_REAP },
		{ MAL_CACHE_RED_ZONE, MEMALLOC_CACHE_RED_ZONE },
		{ MAL_CACHE_POISON, MEMALLOC_CACHE_POISON },
		{ MAL_CACHE_STORE_USER, MEMALLOC_CACHE_STORE_USER },
		{ MAL_CACHE_CHECKS, MEMALLOC_CACHE_CHECKS },
		{ MAL_CACHE_QUARANTINE, MEMALLOC_CACHE_QUARANTINE },
		{ MAL_CACHE_GUARD, MEMALLOC_CACHE_GUARD },
	};
	u64 user = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (cache->flags & flags[i].flag)
			user |= flags[i].user;
	if (cache->gfp & __GFP_DMA)
		user |= MEMALLOC_CACHE_DMA;
	if (cache->gfp & __GFP_DMA32)
		user |= MEMALLOC_CACHE_DMA32;
	return user;
}

/**
 * mal_cache_stats_fill() - the figures of a cache, for user space
 * @cache: the cache
 * @stats: filled in
 *
 * Context: any but NMI.
 */
void mal_cache_stats_fill(struct mal_kmem_cache *cache,
			  struct memalloc_stats_cache *stats)
{
	struct mal_cache_stats now;

	mal_cache_stats(cache, &now);
	*stats = (struct memalloc_stats_cache) {
		.flags = mal_cache_user_flags(cache),
		.object_size = cache->object_size,
		.stride = cache->size,
		.align = cache->align,
		.useroffset = cache->useroffset,
		.usersize = cache->usersize,
		.slab_objects = mal_cache_slab_objects(cache),
		.slab_pages = 1 << cache->order,
		.sheaf_objects = cache->sheaf_capacity,
		.active = now.active,
		.objects = now.objects,
		.active_slabs = now.active_slabs,
		.slabs = now.slabs,
		.pages = now.slab_pages,
		.hits = now.hits,
		.misses = now.misses,
	};
	strscpy(stats->name, cache->name, sizeof(stats->name));
}

/**
 * mal_cache_stats_at() - the figures of one cache of all
 * @index: its place in the list, from zero
 * @stats: filled in
 *
 * Context: task; sleeps.
 * Return: true, or false if there are not so many, or the task has been killed.
 */
bool mal_cache_stats_at(unsigned int index, struct memalloc_stats_cache *stats)
{
	struct mal_kmem_cache *cache;
	bool found = false;

	if (mutex_lock_killable(&mal_cache_mutex))
		return false;
	list_for_each_entry(cache, &mal_caches, link) {
		found = !index--;
		if (!found)
			continue;
		mal_cache_stats_fill(cache, stats);
		break;
	}
	mutex_unlock(&mal_cache_mutex);
	return found;
}
MAL_EXPORT_FOR_KUNIT(mal_cache_stats_at);

/**
 * mal_cache_count() - how many caches there are
 *
 * Context: task; sleeps.
 * Return: a number; zero if the task has been killed.
 */
unsigned int mal_cache_count(void)
{
	struct mal_kmem_cache *cache;
	unsigned int count = 0;

	if (mutex_lock_killable(&mal_cache_mutex))
		return 0;
	list_for_each_entry(cache, &mal_caches, link)
		count++;
	mutex_unlock(&mal_cache_mutex);
	return count;
}

/* Does it make sense to print more? */
static bool mal_show_goes_on(struct seq_file *m)
{
	return !seq_has_overflowed(m) && !fatal_signal_pending(current);
}

static bool mal_cache_show(struct mal_kmem_cache *cache, void *data)
{
	struct seq_file *m = data;
	char letters[MAL_SLAB_LETTERS];
	struct mal_cache_stats stats;

	mal_cache_stats(cache, &stats);
	seq_printf(m, "%-17s %6llu %6llu %6u %4u %4d", cache->name,
		   stats.active, stats.objects, cache->size,
		   mal_cache_slab_objects(cache), 1 << cache->order);
	seq_printf(m, " : tunables %4u %4u %4u", cache->sheaf_capacity,
		   cache->sheaf_capacity, cache->max_full_sheaves);
	seq_printf(m, " : slabdata %6llu %6llu %6u", stats.active_slabs,
		   stats.slabs, 0);
	seq_printf(m, " : cpustat %llu %llu", stats.hits, stats.misses);
	seq_printf(m, " : debug %s\n",
		   mal_slab_option_letters(cache->flags, letters));
	return mal_show_goes_on(m);
}

/**
 * mal_slab_show() - print the section "slabs"
 * @m: /proc/memalloc
 *
 * The columns of slabinfo 2.1; then allocations that found an object at hand,
 * and those that did not; and the debug modes, as the parameter slab_debug has
 * them.
 *
 * Context: task.
 */
void mal_slab_show(struct seq_file *m)
{
	seq_puts(m, "\n[slabs]\n");
	seq_puts(m, "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>");
	seq_puts(m, " : tunables <limit> <batchcount> <sharedfactor>");
	seq_puts(m, " : slabdata <active_slabs> <num_slabs> <sharedavail>");
	seq_puts(m, " : cpustat <hits> <misses> : debug <modes>\n");
	mal_caches_walk(mal_cache_show, m);
}

static bool mal_cache_look_for_tracked(struct mal_kmem_cache *cache, void *tracked)
{
	*(bool *)tracked = mal_slab_leak_is_tracked(cache);
	return !*(bool *)tracked && !fatal_signal_pending(current);
}

static bool mal_cache_leaks_show(struct mal_kmem_cache *cache, void *m)
{
	mal_slab_leak_show(m, cache);
	return mal_show_goes_on(m);
}

/**
 * mal_slab_leaks_show() - print the section "leaks"
 * @m: /proc/memalloc
 *
 * Only if there is a cache that tracks its users. Objects, bytes that were asked
 * for, seconds since the oldest was allocated, and the place that allocated.
 *
 * Context: task.
 */
void mal_slab_leaks_show(struct seq_file *m)
{
	bool tracked = false;

	mal_caches_walk(mal_cache_look_for_tracked, &tracked);
	if (!tracked)
		return;
	seq_puts(m, "\n[leaks]\n");
	seq_puts(m, "# cache            objects      bytes   oldest site\n");
	mal_caches_walk(mal_cache_leaks_show, m);
	mal_leak_show(m);
}

/*
 * Load and unload
 */

/* Whoever made it cannot destroy it any more, and its code must not be called. */
static void mal_cache_orphan(struct mal_kmem_cache *cache,
			     const struct module *module)
{
	struct mal_cache_stats stats;
	char name[MAL_SITE_NAME];

	if (!mal_site_is_in(cache->creator, module))
		return;
	mal_cache_stats(cache, &stats);
	pr_err("leak: cache %s with %llu objects, made by %s\n", cache->name,
	       stats.active, mal_site_name(cache->creator, name));
	cache->creator = 0;
	WRITE_ONCE(cache->ctor, NULL);
	WRITE_ONCE(cache->dtor, NULL);
}

static bool mal_cache_module_live(struct mal_kmem_cache *cache, void *module)
{
	mal_slab_leak_keep_sites(cache, module);
	cache->creator = mal_site_keep(cache->creator, module);
	return true;
}

static bool mal_cache_module_going(struct mal_kmem_cache *cache, void *module)
{
	mal_slab_leak_report(cache, module);
	mal_cache_orphan(cache, module);
	return true;
}

static int mal_cache_module_notify(struct notifier_block *block,
				   unsigned long event, void *module)
{
	if (module == THIS_MODULE)
		return NOTIFY_OK;
	if (event == MODULE_STATE_LIVE)
		mal_caches_walk_all(mal_cache_module_live, module);
	else if (event == MODULE_STATE_GOING)
		mal_caches_walk_all(mal_cache_module_going, module);
	return NOTIFY_OK;
}

static struct notifier_block mal_cache_module_notifier = {
	.notifier_call = mal_cache_module_notify,
};

static int mal_cache_shrinker_init(void)
{
	int err;

	mal_cache_shrinker = shrinker_alloc(0, "memalloc-slab");
	if (!mal_cache_shrinker)
		return -ENOMEM;
	mal_cache_shrinker->count_objects = mal_cache_shrinker_count;
	mal_cache_shrinker->scan_objects = mal_cache_shrinker_scan;
	err = mal_shrinker_register(mal_cache_shrinker, "memalloc-slab");
	if (err)
		mal_shrinker_discard(mal_cache_shrinker);
	return err;
}

/**
 * mal_slab_cache_init() - make caches possible
 * @lean: switch off the detection that is otherwise always on; without effect if
 *	the host's option init_on_free is given, as then nothing is lean
 *
 * Context: task.
 * Return: 0, or -ENOMEM.
 */
int mal_slab_cache_init(bool lean)
{
	int err;

	if (lean && !want_init_on_free())
		static_branch_enable(&mal_lean_key);
	if (want_init_on_free())
		static_branch_inc(&mal_free_detour_key);
	if (want_init_on_alloc(0))
		static_branch_inc(&mal_alloc_detour_key);
	if (num_possible_nodes() > 1) {
		static_branch_enable(&mal_many_nodes_key);
		static_branch_inc(&mal_free_detour_key);
	}
	err = cpuhp_setup_state(CPUHP_BP_PREPARE_DYN, "memalloc/slab:dead", NULL,
				mal_cache_cpu_dead);
	if (err < 0)
		return err;
	mal_cache_cpuhp = err;
	err = mal_cache_shrinker_init();
	if (err)
		goto err_cpuhp;
	err = register_module_notifier(&mal_cache_module_notifier);
	if (err)
		goto err_shrinker;
	mal_reclaim_set(MAL_RECLAIM_SLABS, mal_slab_reap);
	return 0;

err_shrinker:
	shrinker_free(mal_cache_shrinker);
err_cpuhp:
	cpuhp_remove_state_nocalls(mal_cache_cpuhp);
	return err;
}

/**
 * mal_slab_cache_exit() - the mirror of mal_slab_cache_init()
 *
 * Caches that somebody has left behind are reported, and forgotten.
 *
 * Context: task. Nobody allocates or frees any more.
 */
void mal_slab_cache_exit(void)
{
	struct mal_kmem_cache *cache, *next;

	flush_work(&mal_caches_going_work);
	list_for_each_entry_safe(cache, next, &mal_caches, link) {
		pr_err("leak: cache %s\n", cache->name);
		mal_kmem_cache_abandon(cache);
	}
	cancel_delayed_work_sync(&mal_cache_guard_work);
	unregister_module_notifier(&mal_cache_module_notifier);
	mal_reclaim_set(MAL_RECLAIM_SLABS, NULL);
	shrinker_free(mal_cache_shrinker);
	cpuhp_remove_state_nocalls(mal_cache_cpuhp);
	mal_deferred_sync();
	rcu_barrier();
}
