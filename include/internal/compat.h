/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compat.h: differences between kernel versions
 *
 * The code is written for the newest kernel. This is the only file that knows
 * kernel versions: it provides the new names on older kernels.
 */
#ifndef _MAL_COMPAT_H
#define _MAL_COMPAT_H

#include <linux/devcoredump.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/workqueue.h>

/* 6.13: page fragments have their own header */
#ifdef __has_include /* missing in sparse */
#if __has_include("linux/page_frag_cache.h")
#include <linux/page_frag_cache.h>
#endif
#endif

/* 6.3: one flag gives access to the reserves; there were two before */
#ifdef __GFP_ATOMIC
#define MAL_GFP_RESERVES	(__GFP_HIGH | __GFP_ATOMIC)
#else
#define MAL_GFP_RESERVES	__GFP_HIGH
#endif

/* 6.13: namespaces are strings */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define MAL_EXPORT(symbol)	EXPORT_SYMBOL_NS_GPL(symbol, "MEMALLOC")
#define MAL_IMPORT()		MODULE_IMPORT_NS("MEMALLOC")
#else
#define MAL_EXPORT(symbol)	EXPORT_SYMBOL_NS_GPL(symbol, MEMALLOC)
#define MAL_IMPORT()		MODULE_IMPORT_NS(MEMALLOC)
#endif

/*
 * 6.8: MAX_ORDER was the highest order, and before 6.4 the highest order plus
 * one
 */
#ifdef MAX_PAGE_ORDER
#define MAL_HOST_MAX_ORDER	MAX_PAGE_ORDER
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define MAL_HOST_MAX_ORDER	MAX_ORDER
#else
#define MAL_HOST_MAX_ORDER	(MAX_ORDER - 1)
#endif

/* 6.3: functions change the flags of a mapping */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}
#endif

/* 6.18: a workqueue states that it is per-CPU */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define WQ_PERCPU	0
#endif

/* 6.17: the workqueue of work for any CPU has another name */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define system_dfl_wq	system_unbound_wq
#endif

/*
 * 6.10: the source of a trace event's string is stated only in its declaration
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define mal_assign_str(name, ...)	__assign_str(name)
#else
#define mal_assign_str(name, ...)	__assign_str(name, __VA_ARGS__)
#endif

/* 6.13: the function of a timer is passed to its setup */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define hrtimer_setup(timer, what, clock, mode)				\
do {									\
	hrtimer_init(timer, clock, mode);				\
	(timer)->function = (what);					\
} while (0)
#endif

/* 6.14: the bulk page allocator for arrays is renamed */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
#define mal_host_alloc_pages_bulk	alloc_pages_bulk
#else
#define mal_host_alloc_pages_bulk	alloc_pages_bulk_array
#endif

/* 6.2: functions that delete timers are renamed */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define timer_delete_sync(timer)	del_timer_sync(timer)
#endif

/* 6.18: the flags of a page are in a structure */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#define mal_page_flags(page)	((page)->flags.f)
#else
#define mal_page_flags(page)	((page)->flags)
#endif

/*
 * 6.7: shrinkers are allocated. If mal_shrinker_register() fails, it frees the
 * shrinker.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
static inline struct shrinker *mal_shrinker_alloc(unsigned int flags,
						  const char *name)
{
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);

	if (shrinker) {
		shrinker->flags = flags;
		shrinker->seeks = DEFAULT_SEEKS;
	}
	return shrinker;
}

static inline int mal_shrinker_register(struct shrinker *shrinker,
					const char *name)
{
	int err = register_shrinker(shrinker, "%s", name);

	if (err)
		kfree(shrinker);
	return err;
}

static inline void shrinker_free(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
	kfree(shrinker);
}
#else
static inline struct shrinker *mal_shrinker_alloc(unsigned int flags,
						  const char *name)
{
	return shrinker_alloc(flags, "%s", name);
}

static inline int mal_shrinker_register(struct shrinker *shrinker,
					const char *name)
{
	shrinker_register(shrinker);
	return 0;
}
#endif

/* 6.3: kfree_rcu() without an rcu_head is renamed */
#ifndef kfree_rcu_mightsleep
#define kfree_rcu_mightsleep(object)	kvfree_rcu(object)
#endif

/* 6.2: kvfree_call_rcu() takes the address, not the offset of the rcu_head */
static inline void mal_host_kvfree_call_rcu(struct rcu_head *head, void *address)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	kvfree_call_rcu(head, (rcu_callback_t)((unsigned long)head -
					       (unsigned long)address));
#else
	kvfree_call_rcu(head, address);
#endif
}

/* 6.12: kvrealloc() knows the size of the memory */
static inline void *mal_host_kvrealloc(const void *address, size_t old_size,
				       size_t size, gfp_t gfp)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
	return kvrealloc(address, old_size, size, gfp);
#else
	return kvrealloc(address, size, gfp);
#endif
}

/* 7.2: modules may call vrealloc(); no driver for an older kernel does */
static inline void *mal_host_vrealloc(const void *address, size_t size, gfp_t gfp)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 2, 0)
	return NULL;
#else
	return vrealloc(address, size, gfp);
#endif
}

/* 6.12: a caller can wait for kvfree_rcu() */
static inline void mal_host_kvfree_rcu_barrier(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	kvfree_rcu_barrier();
#endif
}

/* 6.9: a dump of a device can be removed by a call */
static inline bool mal_compat_dev_coredump_is_put(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	return true;
#else
	return !IS_ENABLED(CONFIG_DEV_COREDUMP);
#endif
}

static inline void mal_compat_dev_coredump_put(struct device *dev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
	dev_coredump_put(dev);
#endif
}

/* 7.2: modules may call kvfree_atomic(); no driver for an older kernel does */
static inline void mal_host_kvfree_atomic(const void *address)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 2, 0)
	kvfree(address);
#else
	kvfree_atomic(address);
#endif
}

/* 6.7: an element can be taken from the reserve of a mempool */
static inline void *mal_compat_mempool_alloc_preallocated(mempool_t *pool)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	return NULL;
#else
	return mempool_alloc_preallocated(pool);
#endif
}

/* 6.19: elements of mempools are allocated and freed in bulk */
static inline int mal_compat_mempool_alloc_bulk(mempool_t *pool, void **elements,
						unsigned int nr)
{
#ifdef mempool_alloc_bulk
	return mempool_alloc_bulk(pool, elements, nr);
#else
	return -EOPNOTSUPP;
#endif
}

static inline unsigned int mal_compat_mempool_free_bulk(mempool_t *pool, void **elements,
							unsigned int nr)
{
#ifdef mempool_alloc_bulk
	return mempool_free_bulk(pool, elements, nr);
#else
	return 0;
#endif
}

#endif /* _MAL_COMPAT_H */
