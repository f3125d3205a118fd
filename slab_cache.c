// SPDX-License-Identifier: GPL-2.0
/*
 * Slab caches: creation and destruction
 *
 * Layers, from the caller to the pages: slab_alloc.h has the fast path and
 * slab_alloc.c the slow path; sheaf_cpu.c has the free objects of each CPU,
 * barn.c those that a node shares; slab.c has the slabs. slab_list.c has the
 * list of all caches, slab_reclaim.c frees memory that they do not need, and
 * slab_stats.c has their statistics.
 *
 * Destruction. First the cache is shrunk completely. If allocated objects
 * remain, the cache is reported and stays usable. Otherwise
 * mal_kmem_cache_destroy() removes its ID. With SLAB_TYPESAFE_BY_RCU, it waits
 * until the last slabs are freed. The cache is freed a grace period later,
 * because a late free of one of its objects may still look at it. If the ID of
 * a cache leads to no cache, or to another one, the cache is already destroyed:
 * the second destruction is reported and follows no pointer.
 *
 * A module's cache is gone when mal_kmem_cache_destroy() returns, and its
 * constructor and destructor are not called any more. With
 * SLAB_TYPESAFE_BY_RCU, that takes a grace period. A task that closes a file
 * may destroy tens of thousands of such caches. Their constructors are all in
 * this module, so they are freed in batches, each after one grace period.
 *
 * Constructed objects. The constructor runs once for each object when its slab
 * is created, and the destructor once before the pages are freed. The allocator
 * writes nothing into a free object, so it stays constructed in between. A
 * constructor of the older form is told whether it may sleep. It runs before
 * the slab is on a list and without a lock, in the context that allocates the
 * pages, so the flags of the allocation decide. Its pointer and that of its
 * destructor are members of the cache, which passes itself to them. So they
 * need no memory of their own, and two caches may share a function.
 *
 * SLAB_TYPESAFE_BY_RCU. Objects are reused at once. The destructor runs, and
 * the pages of a slab are freed, after a grace period.
 *
 * Copying to and from user space. The host's hardened usercopy knows only the
 * host's slabs and treats these as plain pages: it only checks that a copy does
 * not overlap kernel text or the stack. A module cannot change that. Callers
 * can use mal_usercopy_allowed().
 *
 * Lock order: the host's CPU hotplug lock, mal_cache_mutex, then
 * mal_slab_node.lock or mal_slab_node.barn_lock. Reclaim only tries the mutex.
 *
 * Context: task.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/cache.h>
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
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <memalloc/kmalloc.h>
#include <memalloc/slab_cache.h>
#include <uapi/linux/memalloc.h>

#include "internal/barn.h"
#include "internal/compat.h"
#include "internal/delay.h"
#include "internal/inject.h"
#include "internal/kunit.h"
#include "internal/report.h"
#include "internal/sheaf_cpu.h"
#include "internal/site.h"
#include "internal/slab.h"
#include "internal/slab_alloc.h"
#include "internal/slab_cache.h"
#include "internal/slab_debug.h"
#include "internal/slab_guard.h"
#include "internal/slab_leak.h"
#include "internal/slab_list.h"
#include "internal/slab_option.h"
#include "internal/slab_reclaim.h"

/* Minimum number of objects in a slab, up to this order. */
#define MAL_SLAB_OBJECTS	8
#define MAL_SLAB_ORDER		4

/* Larger objects are not kept in sheaves, but in their slabs. */
#define MAL_SHEAF_OBJECT	SZ_256K

/* Limits for the barn of a node and for its empty slabs, per cache. */
#define MAL_BARN_BYTES		SZ_256K
#define MAL_EMPTY_BYTES		SZ_128K
#define MAL_EMPTY_ORDER		5

/*
 * Scans of the guards
 */

/* Interval between scans of the guards. */
#define MAL_GUARD_SCAN	HZ

static void mal_cache_scan_guards(struct work_struct *work);
/* Deferrable: a scan does not wake an idle CPU. */
static DECLARE_DEFERRABLE_WORK(mal_cache_guard_work, mal_cache_scan_guards);

static bool mal_cache_scan_visit(struct mal_kmem_cache *cache, void *again)
{
	int nid;

	if (!(cache->flags & MAL_CACHE_GUARD))
		return true;
	*(bool *)again = true;
	for_each_node(nid)
		mal_guard_scan(cache->nodes[nid]);
	return true;
}

static void mal_cache_scan_guards(struct work_struct *work)
{
	bool again = false;

	mal_caches_walk_all(mal_cache_scan_visit, &again);
	if (again)
		schedule_delayed_work(&mal_cache_guard_work, MAL_GUARD_SCAN);
}

/*
 * Creation
 */

/*
 * Returns the usual alignment or, with SLAB_HWCACHE_ALIGN, up to a cache line.
 */
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

/*
 * The inverse of an odd number modulo 2^32; each step doubles the number of
 * known bits.
 */
static u32 mal_odd_inverse(u32 odd)
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
	cache->inverse = mal_odd_inverse(cache->size >> cache->shift);
	cache->min_order = get_order(cache->size);
	cache->order = mal_cache_order(cache->size);
}

/*
 * The size of a sheaf, including its entries, is a power of two. It bounds the
 * memory that each cache keeps in sheaves.
 */
static unsigned int mal_sheaf_size(unsigned int size)
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

/**
 * mal_cache_sheaves_bound() - bound of the memory in the sheaves of a cache
 * @object_size: object size requested of mal_kmem_cache_create()
 *
 * Each possible CPU may have a main and a spare sheaf, and on a system with
 * several nodes a remote sheaf. The barn of each possible node may have
 * MAL_MAX_NONEMPTY_SHEAVES and MAL_MAX_EMPTY_SHEAVES sheaves. Alignment and
 * debug modes make objects larger, and the sheaf of a larger object is not
 * larger. Sheaves in the hands of a task, on their way between a CPU and a
 * barn, are not included.
 *
 * Context: any.
 * Return: bytes taken from the host.
 */
u64 mal_cache_sheaves_bound(unsigned int object_size)
{
	u64 sheaves = num_possible_cpus() * (num_possible_nodes() > 1 ? 3 : 2) +
		      num_possible_nodes() *
		      (MAL_MAX_NONEMPTY_SHEAVES + MAL_MAX_EMPTY_SHEAVES);

	if (object_size > MAL_SHEAF_OBJECT)
		return 0;
	return sheaves * mal_sheaf_size(object_size);
}

static void mal_cache_set_bounds(struct mal_kmem_cache *cache)
{
	unsigned long bytes;

	if (cache->size <= MAL_SHEAF_OBJECT && !(cache->flags & MAL_CACHE_DEBUG))
		cache->sheaf_capacity = (mal_sheaf_size(cache->size) -
					 sizeof(struct mal_sheaf)) /
					sizeof(struct mal_sheaf_entry);
	bytes = max((unsigned long)cache->sheaf_capacity * cache->size, 1UL);
	cache->max_nonempty_sheaves = clamp(MAL_BARN_BYTES / bytes, 2UL,
					    MAL_MAX_NONEMPTY_SHEAVES);
	if (cache->order <= MAL_EMPTY_ORDER)
		cache->max_empty_slabs = clamp(MAL_EMPTY_BYTES >>
					       (PAGE_SHIFT + cache->order), 1, 32);
}

static void mal_cache_set_flags(struct mal_kmem_cache *cache, slab_flags_t flags)
{
	if (flags & SLAB_TYPESAFE_BY_RCU)
		cache->flags |= MAL_CACHE_RCU | MAL_CACHE_NO_INIT;
	if (cache->ctor || cache->told_ctor)
		cache->flags |= MAL_CACHE_CTOR | MAL_CACHE_NO_INIT;
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

static void mal_node_free(struct mal_slab_node *node)
{
	LIST_HEAD(retired);

	if (!node)
		return;
	mal_slab_take_retired(node, &retired);
	mal_slab_free_retired(&retired);
	kfree(node);
}

static void mal_cache_free(struct mal_kmem_cache *cache)
{
	int nid;

	for_each_node(nid)
		mal_node_free(cache->nodes[nid]);
	kfree(cache->name);
	kfree(cache);
}

static void mal_cache_free_rcu(struct rcu_head *rcu)
{
	mal_cache_free(container_of(rcu, struct mal_kmem_cache, rcu));
}

/* Allocate the parts of a cache; on failure, some of them are missing. */
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
	cache->magic = MAL_KMEM_CACHE_MAGIC;
	if (mal_cache_fill(cache, name)) {
		mal_cache_free(cache);
		return NULL;
	}
	return cache;
}

/*
 * A slab is aligned to its size, and is at least as large as an object. Only
 * the largest size class of kmalloc needs more than a page.
 */
#define MAL_CACHE_MAX_ALIGN	max(PAGE_SIZE, MAL_KMALLOC_MAX_CLASS)

static bool mal_cache_args_ok(const char *name, unsigned int size,
			      const struct mal_kmem_cache_args *args)
{
	return name && size && size <= PAGE_SIZE << MAL_MAX_ORDER &&
	       (!args->align || is_power_of_2(args->align)) &&
	       args->align <= MAL_CACHE_MAX_ALIGN && args->useroffset <= size &&
	       args->usersize <= size - args->useroffset &&
	       !(args->ctor && args->told_ctor) &&
	       !(args->dtor && args->told_dtor) &&
	       !(args->told_dtor && !args->told_ctor);
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
	if (flags & SLAB_ACCOUNT)
		mal_report_uncharged(creator);
	cache->creator = creator;
	cache->ctor = args->ctor;
	cache->dtor = args->dtor;
	cache->told_ctor = args->told_ctor;
	cache->told_dtor = args->told_dtor;
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
	/* Guards are tracked even if other objects are not. */
	if (cache->flags & (MAL_CACHE_STORE_USER | MAL_CACHE_GUARD))
		mal_track_prepare();
	if (cache->flags & MAL_CACHE_GUARD)
		schedule_delayed_work(&mal_cache_guard_work, MAL_GUARD_SCAN);
	if (mal_cache_enlist(cache)) {
		free_percpu(cache->cpu);
		mal_cache_free(cache);
		return NULL;
	}
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
		panic("memalloc: cannot create cache %s", name);
	return cache;
}

/**
 * mal_kmem_cache_create_args() - create a cache
 * @name: its name in /proc/memalloc; copied
 * @size: size of an object in bytes; at most 4 MiB with pages of 4 KiB
 * @args: further parameters, or NULL
 * @flags: SLAB_* and MAL_SLAB_*; see memalloc/slab_cache.h
 *
 * Context: task; sleeps.
 * Return: the cache, or NULL if an argument is invalid or memory is short. With
 * SLAB_PANIC, the system panics instead, as with the host's caches.
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
 * mal_kmem_cache_create_usercopy() - create a cache for usercopy
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
 * mal_kmem_cache_size() - get the size of an object
 * @cache: the cache
 *
 * Context: any.
 * Return: bytes that the owner may use.
 */
unsigned int mal_kmem_cache_size(struct mal_kmem_cache *cache)
{
	return cache->object_size;
}
MAL_EXPORT(mal_kmem_cache_size);

/**
 * mal_usercopy_allowed() - check a copy to or from user space
 * @address: address of the first byte
 * @length: number of bytes
 *
 * If the address is in an object, the whole range must be in the part of the
 * object that its cache allows. Other addresses are not checked.
 *
 * Context: any; the caller owns the object.
 * Return: false if the copy is not allowed.
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
 * Destruction
 */

/* Approximate number of caches that wait for the same grace period. */
#define MAL_CACHES_GOING	1024

/* Caches that wait for their slabs to be freed; protected by the mutex. */
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

/* Called after the last slabs are freed. */
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

/* Release all caches that are waiting, after one barrier. */
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

/*
 * A task that creates and destroys caches in a loop waits here if there are
 * many.
 */
static void mal_cache_release_later(struct mal_kmem_cache *cache)
{
	bool many;

	mal_cache_drain_dead(cache);
	mutex_lock(&mal_cache_mutex);
	list_add_tail(&cache->link, &mal_caches_going);
	many = ++mal_nr_caches_going >= MAL_CACHES_GOING;
	mutex_unlock(&mal_cache_mutex);
	queue_work(system_dfl_wq, &mal_caches_going_work);
	if (many)
		flush_work(&mal_caches_going_work);
}

static void mal_cache_forget_leaked(struct mal_kmem_cache *cache)
{
	int nid;

	for_each_node(nid)
		mal_slab_node_forget_leaked(cache->nodes[nid]);
}

static int mal_cache_take_out_locked(struct mal_kmem_cache *cache)
{
	struct mal_cache_stats stats;

	if (mal_cache_find(cache->id) != cache)
		return -ENOENT;
	mal_cache_empty(cache);
	mal_cache_forget_leaked(cache);
	mal_cache_stats_peek(cache, &stats);
	if (stats.slabs)
		return -EBUSY;
	mal_delay(MAL_DELAY_CACHE_REMOVED);
	mal_cache_unlist(cache);
	return 0;
}

/* Remove a cache from the list, if it is there and has no allocated objects. */
static int mal_cache_take_out(struct mal_kmem_cache *cache)
{
	int err;

	mal_caches_lock();
	err = mal_cache_take_out_locked(cache);
	mal_caches_unlock();
	return err;
}

/**
 * mal_kmem_cache_remove() - destroy a cache without allocated objects
 * @cache: the cache; the caller does not allocate from it any more
 *
 * Context: task; sleeps.
 * Return: 0; -EBUSY if objects are allocated, and the cache is unchanged;
 * -ENOENT if it is already destroyed.
 */
int mal_kmem_cache_remove(struct mal_kmem_cache *cache)
{
	int err = mal_cache_take_out(cache);

	if (!err)
		mal_cache_release(cache);
	return err;
}
MAL_EXPORT_FOR_KUNIT(mal_kmem_cache_remove);

/*
 * Likewise; if there are objects, retry after those of mal_kfree_rcu() are
 * freed.
 */
static int mal_cache_remove_waiting(struct mal_kmem_cache *cache)
{
	int err = mal_kmem_cache_remove(cache);

	if (err != -EBUSY)
		return err;
	mal_kfree_rcu_barrier();
	return mal_kmem_cache_remove(cache);
}

/* Only one task at a time may look at the objects of a cache. */
static void mal_cache_report_leaks(struct mal_kmem_cache *cache)
{
	mutex_lock(&mal_cache_mutex);
	mal_slab_leak_report(cache, NULL);
	mutex_unlock(&mal_cache_mutex);
}

/**
 * mal_kmem_cache_abandon() - drop a cache at unload
 * @cache: the cache; allocated objects stay with their owners
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

static void mal_cache_report_in_use(struct mal_kmem_cache *cache,
				    unsigned long caller)
{
	struct mal_cache_stats stats;

	mal_cache_stats(cache, &stats);
	mal_report(MAL_REPORT_WRONG_FREE, caller,
		   "cache %s has %llu objects in use", cache->name,
		   stats.active);
	mal_cache_report_leaks(cache);
}

/**
 * mal_kmem_cache_destroy() - destroy a cache
 * @cache: the cache, or NULL; the caller does not allocate from it any more
 *
 * Waits until mal_kfree_rcu() has freed its objects. If allocated objects
 * remain, the cache is reported and stays. A cache that is already destroyed is
 * reported, and only its ID is read.
 *
 * Context: task; sleeps.
 * Return: 0; -EBUSY if objects are allocated; -ENOENT if the cache is already
 * destroyed.
 */
int mal_kmem_cache_destroy(struct mal_kmem_cache *cache)
{
	int err = cache ? mal_cache_remove_waiting(cache) : 0;

	if (err == -EBUSY)
		mal_cache_report_in_use(cache, _RET_IP_);
	else if (err)
		mal_report(MAL_REPORT_DOUBLE_FREE, _RET_IP_,
			   "a cache that is already destroyed");
	return err;
}
MAL_EXPORT(mal_kmem_cache_destroy);

/**
 * mal_kmem_cache_destroy_later() - destroy a cache of this module
 * @cache: the cache, with a constructor in this module and no destructor
 *
 * Like mal_kmem_cache_destroy(), but the last slabs of a cache with
 * SLAB_TYPESAFE_BY_RCU may be freed after this function returns.
 *
 * Context: task; sleeps; rarely waits for a grace period.
 */
void mal_kmem_cache_destroy_later(struct mal_kmem_cache *cache)
{
	if (!(cache->flags & MAL_CACHE_RCU) || mal_cache_take_out(cache))
		mal_kmem_cache_destroy(cache);
	else
		mal_cache_release_later(cache);
}

/*
 * Load and unload
 */

/*
 * The creator cannot destroy the cache any more, and its code must not be
 * called.
 */
static void mal_cache_orphan(struct mal_kmem_cache *cache,
			     const struct module *module)
{
	struct mal_cache_stats stats;
	char name[MAL_SITE_NAME];

	if (!mal_site_is_in(cache->creator, module))
		return;
	mal_cache_stats_peek(cache, &stats);
	pr_err("leak: cache %s with %llu objects, created by %s\n", cache->name,
	       stats.active, mal_site_name(cache->creator, name));
	cache->creator = 0;
	WRITE_ONCE(cache->ctor, NULL);
	WRITE_ONCE(cache->dtor, NULL);
	WRITE_ONCE(cache->told_ctor, NULL);
	WRITE_ONCE(cache->told_dtor, NULL);
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

/**
 * mal_slab_cache_init() - initialize slab caches
 * @lean: disable the detection that is enabled by default; ignored if the
 *	host's option init_on_free is set
 *
 * Context: task.
 * Return: 0, or a negative error code.
 */
int mal_slab_cache_init(bool lean)
{
	int err;

	if (lean && !want_init_on_free())
		static_branch_enable(&mal_lean_key);
	if (want_init_on_free())
		static_branch_inc(&mal_free_hooks_key);
	if (want_init_on_alloc(0))
		static_branch_inc(&mal_alloc_hooks_key);
	if (num_possible_nodes() > 1) {
		static_branch_enable(&mal_many_nodes_key);
		static_branch_inc(&mal_free_hooks_key);
	}
	err = mal_slab_reclaim_init();
	if (err)
		return err;
	err = register_module_notifier(&mal_cache_module_notifier);
	if (err)
		mal_slab_reclaim_exit();
	return err;
}

/**
 * mal_slab_cache_exit() - undo mal_slab_cache_init()
 *
 * Caches that still exist are reported and dropped.
 *
 * Context: task. All allocations and frees have ended.
 */
void mal_slab_cache_exit(void)
{
	struct mal_kmem_cache *cache;
	unsigned long id = 0;

	flush_work(&mal_caches_going_work);
	while ((cache = mal_cache_after(&id))) {
		pr_err("leak: cache %s\n", cache->name);
		mal_kmem_cache_abandon(cache);
	}
	cancel_delayed_work_sync(&mal_cache_guard_work);
	unregister_module_notifier(&mal_cache_module_notifier);
	mal_slab_reclaim_exit();
	mal_deferred_sync();
	rcu_barrier();
	cancel_delayed_work_sync(&mal_slab_purge_work);
}
