// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's tests of slab caches, on memalloc
 *
 * They include a private header of the kernel's allocator. What they use of it is
 * defined here instead: validation of a cache, the debug modes' functions, flags.
 * A case that cannot be run so is skipped, and says why.
 *
 * The host counts two errors for each fault: one when it finds it, one for what it
 * does about it. Ours is one report. So a report counts two.
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

/* No tags, no address filter: not our flags. */
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

#define validate_slab_cache(cache)	conformance_validate(&slab_errors)
#undef kmem_cache_destroy
#define kmem_cache_destroy(cache)	conformance_destroy(cache, &slab_errors)

/*
 * test_next_pointer() writes to where the host's struct says that its free list goes
 * through an object. Ours goes through no object, so what is compiled is not run.
 */
#define offset			useroffset
static void __maybe_unused test_next_pointer(struct kunit *test)
{
	kunit_skip(test, "writes to the free list in an object: there is none");
}

#define test_next_pointer(test)	__maybe_unused conformance_next_pointer(test)

/* The private header is not wanted. */
#define MM_SLAB_H
#include "lib/tests/slub_kunit.c"

MAL_IMPORT();
