/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc_kunit.h: the suites, and their random decisions
 */
#ifndef _MEMALLOC_KUNIT_H
#define _MEMALLOC_KUNIT_H

#include <linux/sched.h>
#include <linux/types.h>

struct kunit;
struct kunit_suite;

extern struct kunit_suite mal_buddy_suite;
extern struct kunit_suite mal_borrow_suite;
extern struct kunit_suite mal_region_suite;
extern struct kunit_suite mal_inject_suite;
extern struct kunit_suite mal_defer_suite;
extern struct kunit_suite mal_page_alloc_suite;
extern struct kunit_suite mal_page_bulk_suite;
extern struct kunit_suite mal_page_misuse_suite;
extern struct kunit_suite mal_pinned_suite;
extern struct kunit_suite mal_pcp_twice_suite;
extern struct kunit_suite mal_buddy_bound_suite;
extern struct kunit_suite mal_page_poison_suite;
extern struct kunit_suite mal_page_property_suite;
extern struct kunit_suite mal_pcp_reentry_suite;
extern struct kunit_suite mal_slab_misuse_suite;
extern struct kunit_suite mal_kmalloc_suite;
extern struct kunit_suite mal_init_suite;
extern struct kunit_suite mal_slab_limit_suite;
extern struct kunit_suite mal_slab_rcu_suite;
extern struct kunit_suite mal_slab_ctor_suite;
extern struct kunit_suite mal_sheaf_reentry_suite;
extern struct kunit_suite mal_slab_property_suite;
extern struct kunit_suite mal_barn_suite;
extern struct kunit_suite mal_slab_walk_suite;
extern struct kunit_suite mal_slab_lean_suite;
extern struct kunit_suite mal_sheaf_twice_suite;
extern struct kunit_suite mal_mempool_suite;
extern struct kunit_suite mal_site_suite;
extern struct kunit_suite mal_percpu_suite;
extern struct kunit_suite mal_percpu_race_suite;
extern struct kunit_suite mal_percpu_var_suite;
extern struct kunit_suite mal_reclaim_lock_suite;
extern struct kunit_suite mal_area_cache_suite;
extern struct kunit_suite mal_vmalloc_suite;
extern struct kunit_suite mal_vmalloc_misuse_suite;
extern struct kunit_suite mal_vmalloc_property_suite;
extern struct kunit_suite mal_device_shrink_suite;
extern struct kunit_suite mal_borrow_shrinker_suite;
extern struct kunit_suite mal_failure_walk_suite;
extern struct kunit_suite mal_sanitizer_suite;
extern struct kunit_suite mal_slab_debug_suite;

/**
 * mal_test_spin() - one turn of a loop that waits for another task
 *
 * Other tasks of the CPU get their turn. cond_resched() does nothing if the
 * kernel is preemptible, but an interrupt does not preempt a kernel on uml.
 *
 * Context: task.
 */
static inline void mal_test_spin(void)
{
	cpu_relax();
	if (need_resched())
		schedule();
}

u64 mal_test_seed(struct kunit *test);
unsigned int mal_test_effort(unsigned int usual);

#endif /* _MEMALLOC_KUNIT_H */
