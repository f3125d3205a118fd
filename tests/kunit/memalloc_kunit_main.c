// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of memalloc inside the kernel
 *
 * Loading the module runs the tests and prints their results to the kernel log
 * and to /sys/kernel/debug/kunit/. Each suite copes with any state of the
 * allocator, and leaves only the reserve borrowed. No other user of the
 * allocator may run at the same time.
 */
#include <kunit/test.h>

#include <linux/module.h>

#include "internal/compat.h"

#include "memalloc_kunit.h"

/*
 * The buddy suite comes first: it counts blocks of each order, and the reserve
 * is in one piece only until the first test uses it. The borrow suite counts
 * all pages, so no suite before it allocates objects. The debug modes come
 * last, because they leak the memory that they report.
 */
kunit_test_suites(&mal_buddy_suite, &mal_borrow_suite, &mal_page_alloc_suite,
		  &mal_page_bulk_suite, &mal_page_misuse_suite,
		  &mal_pinned_suite, &mal_pcp_twice_suite, &mal_buddy_bound_suite,
		  &mal_page_poison_suite, &mal_page_property_suite,
		  &mal_pcp_reentry_suite, &mal_slab_misuse_suite,
		  &mal_kmalloc_suite, &mal_init_suite, &mal_slab_limit_suite,
		  &mal_slab_rcu_suite, &mal_slab_ctor_suite,
		  &mal_sheaf_reentry_suite, &mal_slab_property_suite,
		  &mal_barn_suite, &mal_slab_walk_suite, &mal_slab_lean_suite,
		  &mal_sheaf_twice_suite, &mal_mempool_suite, &mal_site_suite,
		  &mal_percpu_suite, &mal_percpu_race_suite, &mal_percpu_var_suite,
		  &mal_reclaim_lock_suite, &mal_area_cache_suite, &mal_vmalloc_suite,
		  &mal_vmalloc_misuse_suite, &mal_vmalloc_property_suite,
		  &mal_device_shrink_suite, &mal_borrow_shrinker_suite,
		  &mal_region_suite, &mal_inject_suite, &mal_defer_suite,
		  &mal_failure_walk_suite, &mal_sanitizer_suite,
		  &mal_slab_debug_suite);

MAL_IMPORT();
MODULE_DESCRIPTION("Unit tests of memalloc");
MODULE_LICENSE("GPL");
