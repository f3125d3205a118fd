/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compat.h: the one place that knows kernel versions
 *
 * The code is written for the newest kernel; what older ones call otherwise
 * is given the new name here.
 */
#ifndef _MAL_COMPAT_H
#define _MAL_COMPAT_H

#include <linux/export.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/workqueue.h>

/* 6.13: namespaces are strings */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define MAL_EXPORT(symbol)	EXPORT_SYMBOL_NS_GPL(symbol, "MEMALLOC")
#define MAL_IMPORT()		MODULE_IMPORT_NS("MEMALLOC")
#else
#define MAL_EXPORT(symbol)	EXPORT_SYMBOL_NS_GPL(symbol, MEMALLOC)
#define MAL_IMPORT()		MODULE_IMPORT_NS(MEMALLOC)
#endif

/* 6.8: MAX_ORDER is the highest order plus one, or (6.4) the highest, before */
#ifdef MAX_PAGE_ORDER
#define MAL_HOST_MAX_ORDER	MAX_PAGE_ORDER
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define MAL_HOST_MAX_ORDER	MAX_ORDER
#else
#define MAL_HOST_MAX_ORDER	(MAX_ORDER - 1)
#endif

/* 6.3: the flags of a mapping are changed by functions */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}
#endif

/* 6.18: workqueues say that their work is done where it is queued */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define WQ_PERCPU	0
#endif

/* 6.10: where a string of a trace event comes from is said once, where it is declared */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define mal_assign_str(name, ...)	__assign_str(name)
#else
#define mal_assign_str(name, ...)	__assign_str(name, __VA_ARGS__)
#endif

/* 6.13: a timer's function is told when it is set up */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define hrtimer_setup(timer, what, clock, mode)				\
do {									\
	hrtimer_init(timer, clock, mode);				\
	(timer)->function = (what);					\
} while (0)
#endif

/* 6.14: that pages which are allocated in bulk come in an array goes without saying */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
#define mal_host_alloc_pages_bulk	alloc_pages_bulk
#else
#define mal_host_alloc_pages_bulk	alloc_pages_bulk_array
#endif

/* 6.2: timers are deleted by names of their own */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define timer_delete_sync(timer)	del_timer_sync(timer)
#endif

/* 6.7: shrinkers are allocated */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
static inline struct shrinker *shrinker_alloc(unsigned int flags,
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
	return register_shrinker(shrinker, "%s", name);
}

/* One that was never registered. */
static inline void mal_shrinker_discard(struct shrinker *shrinker)
{
	kfree(shrinker);
}

static inline void shrinker_free(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
	kfree(shrinker);
}
#else
static inline int mal_shrinker_register(struct shrinker *shrinker,
					const char *name)
{
	shrinker_register(shrinker);
	return 0;
}

static inline void mal_shrinker_discard(struct shrinker *shrinker)
{
	shrinker_free(shrinker);
}
#endif

#endif /* _MAL_COMPAT_H */
