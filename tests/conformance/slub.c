// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's slab tests, on memalloc
 *
 * The tests include a private header of the kernel's allocator. This file
 * defines the parts that they use: validation of a cache, functions of the
 * debug modes, flags. Cases that cannot run that way are skipped with a reason.
 *
 * The host counts two errors per fault, one for the detection and one for the
 * repair. memalloc reports a fault once, so each report counts as two.
 */
#include <kunit/test-bug.h>
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/perf_event.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include <uapi/linux/memalloc.h>

#include "internal/compat.h"
#include "internal/report.h"
#include "internal/slab.h"
#include "internal/slab_cache.h"

#define ERRORS_PER_FAULT	2

/* memalloc has no such flags. */
#undef SLAB_SKIP_KFENCE
#define SLAB_SKIP_KFENCE	0
#undef SLAB_NO_USER_FLAGS
#define SLAB_NO_USER_FLAGS	0
#undef SLAB_KMALLOC
#define SLAB_KMALLOC		0
#ifndef SLUB_RED_ACTIVE
#define SLUB_RED_ACTIVE		0xcc
#endif
#undef __kmalloc_cache_noprof
#define __kmalloc_cache_noprof(cache, gfp, size)			\
	mal_kmalloc_class(cache, gfp, size)

static u64 conformance_reports(void)
{
	struct memalloc_stats_reports stats;

	mal_report_stats(&stats);
	return stats.double_free + stats.foreign_free + stats.wrong_free +
	       stats.lost_reference + stats.corruption + stats.use_after_free +
	       stats.overflow;
}

static void conformance_validate(int *errors)
{
	u64 before = conformance_reports();
	u64 checked = 0;

	mal_slab_validate(&checked);
	*errors += ERRORS_PER_FAULT * (conformance_reports() - before);
}

static void conformance_destroy(struct mal_kmem_cache *cache, int *errors)
{
	u64 before = conformance_reports();

	mal_kmem_cache_destroy(cache);
	*errors += ERRORS_PER_FAULT * (conformance_reports() - before);
}

/* The tests read and write members of a cache, so its type must be ours. */
#define kmem_cache			mal_kmem_cache
#undef kmem_cache_create
#undef kmem_cache_alloc
#undef kmem_cache_free
#define kmem_cache_create		mal_kmem_cache_create
#define kmem_cache_alloc		mal_kmem_cache_alloc
#define kmem_cache_free			mal_kmem_cache_free
#define validate_slab_cache(cache)	conformance_validate(&slab_errors)
#undef kmem_cache_destroy
#define kmem_cache_destroy(cache)	conformance_destroy(cache, &slab_errors)

/*
 * test_next_pointer() writes to the free pointer inside an object, at the
 * offset in the host's structure. memalloc has no free pointers in objects, so
 * the code is compiled, but does not run.
 */
#define offset			useroffset
static void __maybe_unused test_next_pointer(struct kunit *test)
{
	kunit_skip(test, "memalloc has no free pointers in objects");
}

#define test_next_pointer(test)	__maybe_unused conformance_next_pointer(test)

/*
 * Likewise test_kmalloc_kfree_nolock(), which kernels with CONFIG_PERF_EVENTS
 * have: dropin.h does not offer kmalloc_nolock().
 */
#undef kmalloc_nolock
#define kmalloc_nolock(size, gfp, node)	((gfp) ? NULL : NULL)
#undef kfree_nolock
#define kfree_nolock(object)	((void)(object))
static void __maybe_unused test_kmalloc_kfree_nolock(struct kunit *test)
{
	kunit_skip(test, "memalloc has no functions that take no lock");
}

#define test_kmalloc_kfree_nolock(test)					\
	__maybe_unused conformance_kmalloc_kfree_nolock(test)

/* Keep out the private header. */
#define MM_SLAB_H
#include "lib/tests/slub_kunit.c"

MAL_IMPORT();
