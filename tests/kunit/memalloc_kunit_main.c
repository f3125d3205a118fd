// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of memalloc, in the kernel
 *
 * Loading the module runs them; the results are in the kernel log and in
 * /sys/kernel/debug/kunit/. Each suite takes the allocator as it finds it and
 * leaves it with nothing but its reserve borrowed. Nobody else may use the
 * allocator meanwhile.
 */
#include <kunit/test.h>

#include <linux/module.h>

#include "internal/compat.h"

#include "memalloc_kunit.h"

/*
 * The limits come first: they count blocks of each order, and what is kept as
 * reserve is in one piece only as long as it is as it was borrowed at load. The
 * debug modes come last: they leak what they find.
 */
kunit_test_suites(&mal_page_limit_suite, &mal_page_gfp_suite,
		  &mal_page_bulk_suite, &mal_page_misuse_suite,
		  &mal_quarantine_suite, &mal_page_poison_suite,
		  &mal_page_property_suite, &mal_page_reentry_suite,
		  &mal_slab_misuse_suite, &mal_kmalloc_suite, &mal_init_suite,
		  &mal_slab_limit_suite, &mal_slab_rcu_suite,
		  &mal_slab_reentry_suite, &mal_slab_property_suite,
		  &mal_slab_handoff_suite, &mal_slab_walk_suite, &mal_slab_lean_suite,
		  &mal_mempool_suite,
		  &mal_percpu_suite, &mal_vmalloc_suite,
		  &mal_vmalloc_misuse_suite, &mal_vmalloc_property_suite,
		  &mal_failure_walk_suite, &mal_sanitizer_suite,
		  &mal_slab_debug_suite);

MAL_IMPORT();
MODULE_DESCRIPTION("Unit tests of memalloc");
MODULE_LICENSE("GPL");
