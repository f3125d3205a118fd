// SPDX-License-Identifier: GPL-2.0
/*
 * Failure walk: each API function is called once for each allocation that it
 * makes, with that allocation failing, and must not leak
 *
 * Two injectors are used. Our own counts the module's allocations. The
 * kernel's, if it is built in, counts the host's allocations and copies from
 * user space. Each walk runs cold, with all stores empty so that all memory
 * comes from the host, and warm, with the stores as the previous call left
 * them. A few random points then fail one allocation of each injector in the
 * same call.
 *
 * The calls are in failure_*.c, one file for each layer. The list of functions
 * is generated from the module's sources; the test fails if a function is not
 * walked.
 */
#include <linux/mman.h>
#include <linux/prandom.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "internal/area_cache.h"
#include "internal/borrow.h"
#include "internal/inject.h"
#include "internal/mempool.h"
#include "internal/percpu.h"
#include "internal/percpu_chunk.h"
#include "internal/slab_cache.h"
#include "internal/slab_reclaim.h"
#include "internal/vmalloc_area.h"

#include "exported.h"
#include "failure_walk.h"
#include "memalloc_kunit.h"
#include "page_account.h"
#include "unit_test.h"

#define MAL_WALK_LIMIT	2000	/* points per call */
/*
 * Large enough for any call. Keeps blocks small; large ones are slow to debug.
 */
#define MAL_WALK_ROOM	256
#define MAL_WALK_PAIRS	4	/* per call */

static const struct mal_walk_call *const mal_walk_tables[] = {
	mal_walk_page_calls,
	mal_walk_slab_calls,
	mal_walk_kmalloc_calls,
	mal_walk_devm_calls,
	mal_walk_mempool_calls,
	mal_walk_percpu_calls,
	mal_walk_area_calls,
	mal_walk_mixed_calls,
};

/*
 * Two ways to fail the nth allocation of this task
 */

/**
 * struct mal_walk_injector - a way to fail allocations
 * @name: name in messages
 * @arm: fail the nth allocation from now on
 * @disarm: stop failing. Returns true if no allocation has failed
 * @copies: copies from and to user space may fail, too
 */
struct mal_walk_injector {
	const char *name;
	void (*arm)(unsigned int nth);
	bool (*disarm)(void);
	bool copies;
};

static struct mal_inject mal_walk_inject;
static struct mal_inject_scope mal_walk_scope;

static void mal_walk_arm_own(unsigned int nth)
{
	mal_inject_arm(&mal_walk_inject, nth);
	mal_inject_enter(&mal_walk_scope, &mal_walk_inject);
}

static bool mal_walk_disarm_own(void)
{
	mal_inject_leave(&mal_walk_scope);
	return mal_inject_arm(&mal_walk_inject, 0);
}

static const struct mal_walk_injector mal_walk_own = {
	.name = "own",
	.arm = mal_walk_arm_own,
	.disarm = mal_walk_disarm_own,
};

#ifdef CONFIG_FAULT_INJECTION
static void mal_walk_arm_host(unsigned int nth)
{
	WRITE_ONCE(current->fail_nth, nth);
}

static bool mal_walk_disarm_host(void)
{
	bool left = READ_ONCE(current->fail_nth);

	WRITE_ONCE(current->fail_nth, 0);
	return left;
}

static const struct mal_walk_injector mal_walk_host = {
	.name = "host",
	.arm = mal_walk_arm_host,
	.disarm = mal_walk_disarm_host,
	.copies = true,
};

/*
 * Does the host's injector also fail sleeping allocations? tests/guest/kunit
 * enables that in debugfs.
 */
static bool mal_walk_host_works(void)
{
	void *object, *pages;

	mal_walk_arm_host(1);
	object = kmalloc(8, MAL_WALK_GFP);
	mal_walk_arm_host(1);
	pages = (void *)__get_free_page(MAL_WALK_GFP);
	mal_walk_arm_host(0);
	kfree(object);
	free_page((unsigned long)pages);
	return !object && !pages;
}

static const struct mal_walk_injector *mal_walk_host_if_any(void)
{
	return mal_walk_host_works() ? &mal_walk_host : NULL;
}
#else
static const struct mal_walk_injector *mal_walk_host_if_any(void)
{
	return NULL;
}
#endif /* CONFIG_FAULT_INJECTION */

/*
 * Fail two allocations in one call: the nth of ours and the host's
 * @mal_walk_other.
 */
static const struct mal_walk_injector *mal_walk_others;
static unsigned int mal_walk_other;
static unsigned int mal_walk_pairs; /* pairs of which both have failed */

static void mal_walk_arm_both(unsigned int nth)
{
	mal_walk_arm_own(nth);
	mal_walk_others->arm(mal_walk_other);
}

static bool mal_walk_disarm_both(void)
{
	const bool other_left = mal_walk_others->disarm();
	const bool own_left = mal_walk_disarm_own();

	mal_walk_pairs += !own_left && !other_left;
	return own_left && other_left;
}

static const struct mal_walk_injector mal_walk_both = {
	.name = "both",
	.arm = mal_walk_arm_both,
	.disarm = mal_walk_disarm_both,
	.copies = true,
};

/*
 * State that must be the same before and after a point
 */

/**
 * struct mal_walk_figures - counters that reveal a leak
 * @borrowed: pages borrowed from the host
 * @metadata: bytes that describe them
 * @quarantined: freed pages that are still referenced
 * @caches: slab caches
 * @objects: live objects in them
 * @pools: live mempools
 * @percpu: bytes of per-CPU memory in use
 * @chunks: per-CPU chunks
 * @areas: vmalloc areas in use
 * @maps: maps of callers' pages
 * @reports: reports of misuse
 */
struct mal_walk_figures {
	u64 borrowed;
	u64 metadata;
	u64 quarantined;
	u64 caches;
	u64 objects;
	u64 pools;
	u64 percpu;
	u64 chunks;
	u64 areas;
	u64 maps;
	u64 reports;
};

static void mal_walk_shrink(void)
{
	mal_area_cache_shrink(ULONG_MAX);
	mal_percpu_shrink();
	mal_slab_shrink();
	mal_borrow_shrink(0);
}

static void mal_walk_count_objects(struct mal_walk_figures *figures)
{
	struct memalloc_stats_cache cache;

	while (mal_cache_stats_at(figures->caches, &cache)) {
		figures->caches++;
		figures->objects += cache.active;
	}
}

static void mal_walk_count_pools(struct mal_walk_figures *figures)
{
	struct memalloc_stats_mempool pool;

	while (mal_mempool_stats_at(figures->pools, &pool))
		figures->pools++;
}

static void mal_walk_count(struct mal_walk_figures *figures)
{
	struct memalloc_stats_borrowing borrowing;
	struct mal_percpu_stats percpu;
	struct mal_vmalloc_stats areas;

	mal_borrow_stats(&borrowing);
	mal_percpu_stats(&percpu);
	mal_vmalloc_stats(&areas);
	*figures = (struct mal_walk_figures) {
		.borrowed = borrowing.borrowed,
		.metadata = borrowing.metadata_bytes,
		.quarantined = borrowing.quarantined,
		.percpu = percpu.used,
		.chunks = percpu.chunks,
		.areas = areas.areas,
		.maps = areas.maps,
		.reports = mal_reports_total(),
	};
	mal_walk_count_objects(figures);
	mal_walk_count_pools(figures);
}

/* Empty all stores, so that anything left is in use or lost. */
static void mal_walk_settle(struct mal_walk_figures *figures)
{
	mal_walk_shrink();
	mal_walk_count(figures);
}

/* Some memory returns after one or more grace periods, or from a worker. */
#define MAL_WALK_TRIES	6

static bool mal_walk_is_settled(const struct mal_walk_figures *before,
				struct mal_walk_figures *after)
{
	unsigned int tries;

	mal_walk_settle(after);
	for (tries = 0; tries < MAL_WALK_TRIES; tries++) {
		if (!memcmp(before, after, sizeof(*before)))
			return true;
		rcu_barrier();
		mal_area_cache_sync();
		schedule_timeout_uninterruptible(2);
		mal_walk_settle(after);
	}
	return !memcmp(before, after, sizeof(*before));
}

static u64 mal_walk_validate(void)
{
	u64 checked = 0;

	return mal_page_validate(&checked) + mal_percpu_chunk_validate(&checked);
}

/* Slow: asks each CPU about each cache. */
static u64 mal_walk_validate_caches(void)
{
	u64 checked = 0;

	return mal_slab_validate(&checked);
}

#define mal_walk_expect_same(test, call, nth, before, after, field)		\
	KUNIT_EXPECT_EQ_MSG(test, (before)->field, (after)->field,		\
			    "%s, point %u", (call)->name, nth)

static void mal_walk_expect_nothing_lost(struct kunit *test,
					 const struct mal_walk_call *call,
					 unsigned int nth,
					 const struct mal_walk_figures *before)
{
	struct mal_walk_figures after;

	KUNIT_EXPECT_EQ_MSG(test, mal_walk_validate(), 0ULL, "%s, point %u",
			    call->name, nth);
	if (mal_walk_is_settled(before, &after))
		return;
	mal_walk_expect_same(test, call, nth, before, &after, borrowed);
	mal_walk_expect_same(test, call, nth, before, &after, metadata);
	mal_walk_expect_same(test, call, nth, before, &after, quarantined);
	mal_walk_expect_same(test, call, nth, before, &after, caches);
	mal_walk_expect_same(test, call, nth, before, &after, objects);
	mal_walk_expect_same(test, call, nth, before, &after, pools);
	mal_walk_expect_same(test, call, nth, before, &after, percpu);
	mal_walk_expect_same(test, call, nth, before, &after, chunks);
	mal_walk_expect_same(test, call, nth, before, &after, areas);
	mal_walk_expect_same(test, call, nth, before, &after, maps);
	mal_walk_expect_same(test, call, nth, before, &after, reports);
}

/*
 * The walk
 */

/**
 * struct mal_walk_points - results of the points of a call
 * @failed: points at which the call failed
 * @survived: points at which the call succeeded despite a failed allocation
 * @cold: points of both kinds that began with empty stores
 */
struct mal_walk_points {
	unsigned int failed;
	unsigned int survived;
	unsigned int cold;
};

static struct rnd_state mal_walk_rnd;
static unsigned int mal_walk_total;
static unsigned int mal_walk_calls;

static bool mal_walk_is_error(const struct mal_walk_injector *injector,
			      const struct mal_walk_call *call, int err)
{
	return err == -ENOMEM ||
	       (err == -EFAULT && injector->copies && call->wants == MAL_WALK_WANTS_USER);
}

/* Run one point. Returns true if there may be another one. */
static bool mal_walk_point(struct mal_walk *walk, const struct mal_walk_call *call,
			   const struct mal_walk_injector *injector, bool cold,
			   unsigned int nth, struct mal_walk_points *points)
{
	int err = call->prepare ? call->prepare(walk) : 0;
	bool left;

	KUNIT_EXPECT_EQ_MSG(walk->test, err, 0, "%s cannot be prepared", call->name);
	if (err)
		return false;
	if (cold && call->prepare)
		mal_walk_shrink();
	injector->arm(nth);
	err = call->act(walk);
	left = injector->disarm();
	if (!err && call->undo)
		call->undo(walk);
	if (call->discard)
		call->discard(walk);
	if (err)
		KUNIT_EXPECT_TRUE_MSG(walk->test,
				      !left && mal_walk_is_error(injector, call, err),
				      "%s, point %u: %d", call->name, nth, err);
	points->failed += err != 0;
	points->survived += !err && !left;
	return !left;
}

static void mal_walk_expect_promise(struct kunit *test, const struct mal_walk_call *call,
				    const struct mal_walk_points *own,
				    const struct mal_walk_points *host)
{
	const unsigned int failed = own->failed + host->failed;

	switch (call->promise) {
	case MAL_WALK_FAILS:
		KUNIT_EXPECT_NE_MSG(test, own->failed, 0, "%s", call->name);
		break;
	case MAL_WALK_FAILS_IN_HOST:
		KUNIT_EXPECT_EQ_MSG(test, own->failed, 0, "%s", call->name);
		break;
	case MAL_WALK_NOTHING:
		KUNIT_EXPECT_EQ_MSG(test, own->survived + host->survived, 0, "%s",
				    call->name);
		fallthrough;
	case MAL_WALK_SURVIVES:
		KUNIT_EXPECT_EQ_MSG(test, failed, 0, "%s", call->name);
		break;
	}
}

static void mal_walk_call(struct mal_walk *walk, const struct mal_walk_call *call,
			  const struct mal_walk_injector *injector,
			  struct mal_walk_points *points)
{
	struct mal_walk_figures before;
	unsigned int nth;
	int cold;

	mal_walk_settle(&before);
	for (cold = 1; cold >= 0; cold--) {
		for (nth = 1; nth < MAL_WALK_LIMIT; nth++) {
			if (!mal_walk_point(walk, call, injector, cold, nth, points))
				break;
			if (!cold)
				continue;
			points->cold++;
			mal_walk_expect_nothing_lost(walk->test, call, nth, &before);
		}
		KUNIT_EXPECT_LT_MSG(walk->test, nth, MAL_WALK_LIMIT, "%s", call->name);
	}
	KUNIT_EXPECT_EQ_MSG(walk->test, mal_walk_validate_caches(), 0ULL, "%s", call->name);
	mal_walk_expect_nothing_lost(walk->test, call, nth, &before);
	mal_walk_total += points->failed + points->survived;
}

/*
 * Fail two allocations in a call. It may fail even if it survives either one.
 */
static void mal_walk_some_pairs(struct mal_walk *walk, const struct mal_walk_call *call,
				const struct mal_walk_points *own,
				const struct mal_walk_points *others)
{
	struct mal_walk_points points = {};
	struct mal_walk_figures before;
	unsigned int i, nth;

	if (!own->cold || !others->cold)
		return;
	mal_walk_settle(&before);
	for (i = 0; i < MAL_WALK_PAIRS; i++) {
		nth = 1 + prandom_u32_state(&mal_walk_rnd) % own->cold;
		mal_walk_other = 1 + prandom_u32_state(&mal_walk_rnd) % others->cold;
		mal_walk_point(walk, call, &mal_walk_both, true, nth, &points);
		mal_walk_expect_nothing_lost(walk->test, call, nth, &before);
	}
}

/* Provide the resources that the call needs. Returns true if it has them. */
static bool mal_walk_bring(struct mal_walk *walk, const struct mal_walk_call *call)
{
	unsigned long left;

	if ((call->wants == MAL_WALK_WANTS_USER || call->wants == MAL_WALK_WANTS_MM) &&
	    !walk->user) {
		walk->user = (char __user *)kunit_vm_mmap(walk->test, NULL, 0, PAGE_SIZE,
							  PROT_READ | PROT_WRITE,
							  MAP_ANONYMOUS | MAP_PRIVATE, 0);
		if (IS_ERR_VALUE((unsigned long)walk->user))
			return false;
		left = copy_to_user(walk->user, MAL_WALK_TEXT, sizeof(MAL_WALK_TEXT));
		if (left)
			return false;
	}
	if (call->wants == MAL_WALK_WANTS_DEVICE && !walk->dev)
		walk->dev = kunit_device_register(walk->test, "memalloc_walk");
	return !IS_ERR(walk->dev);
}

static void mal_walk_row(struct mal_walk *walk, const struct mal_walk_call *call)
{
	struct mal_walk_points own = {}, theirs = {};
	const bool there = mal_walk_bring(walk, call);

	KUNIT_EXPECT_TRUE_MSG(walk->test, there, "%s: missing resource", call->name);
	if (!there)
		return;
	mal_walk_call(walk, call, &mal_walk_own, &own);
	if (mal_walk_others) {
		mal_walk_call(walk, call, mal_walk_others, &theirs);
		if (call->promise == MAL_WALK_FAILS_IN_HOST)
			KUNIT_EXPECT_NE_MSG(walk->test, theirs.failed, 0, "%s", call->name);
		mal_walk_some_pairs(walk, call, &own, &theirs);
	}
	mal_walk_expect_promise(walk->test, call, &own, &theirs);
	mal_walk_calls++;
	kunit_info(walk->test, "%s%s%s: own %u failed, %u survived; host %u failed, %u survived",
		   call->name, call->how ? " " : "", call->how ?: "",
		   own.failed, own.survived, theirs.failed, theirs.survived);
}

static void mal_walk_table(struct kunit *test, const struct mal_walk_call *calls)
{
	struct mal_walk walk = { .test = test };
	const struct mal_walk_call *call;

	mal_walk_others = mal_walk_host_if_any();
	if (!mal_walk_others)
		kunit_info(test, "kernel fault injection is not available");
	prandom_seed_state(&mal_walk_rnd, mal_test_seed(test));
	mal_inject_init(&mal_walk_inject);
	for (call = calls; call->name; call++)
		mal_walk_row(&walk, call);
	mal_inject_destroy(&mal_walk_inject);
}

static void mal_test_walk_pages(struct kunit *test)
{
	mal_walk_table(test, mal_walk_page_calls);
}

static void mal_test_walk_slab(struct kunit *test)
{
	mal_walk_table(test, mal_walk_slab_calls);
}

static void mal_test_walk_kmalloc(struct kunit *test)
{
	mal_walk_table(test, mal_walk_kmalloc_calls);
}

static void mal_test_walk_devm(struct kunit *test)
{
	mal_walk_table(test, mal_walk_devm_calls);
}

static void mal_test_walk_mempool(struct kunit *test)
{
	mal_walk_table(test, mal_walk_mempool_calls);
}

static void mal_test_walk_percpu(struct kunit *test)
{
	mal_walk_table(test, mal_walk_percpu_calls);
}

static void mal_test_walk_areas(struct kunit *test)
{
	mal_walk_table(test, mal_walk_area_calls);
}

static void mal_test_walk_mixed(struct kunit *test)
{
	mal_walk_table(test, mal_walk_mixed_calls);
}

/*
 * Coverage
 */

/* All functions that the API's headers define, and all other exported ones. */
static const char *const mal_walk_functions[] = { MAL_EXPORTED };

static bool mal_walk_has(const char *name)
{
	const struct mal_walk_call *call;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mal_walk_tables); i++)
		for (call = mal_walk_tables[i]; call->name; call++)
			if (!strcmp(call->name, name))
				return true;
	return false;
}

static void mal_test_every_function_is_walked(struct kunit *test)
{
	unsigned int i;

	KUNIT_EXPECT_GT(test, ARRAY_SIZE(mal_walk_functions), 100);
	for (i = 0; i < ARRAY_SIZE(mal_walk_functions); i++)
		KUNIT_EXPECT_TRUE_MSG(test, mal_walk_has(mal_walk_functions[i]),
				      "%s is not walked", mal_walk_functions[i]);
	kunit_info(test, "%zu functions, %u calls, %u points",
		   ARRAY_SIZE(mal_walk_functions), mal_walk_calls, mal_walk_total);
	kunit_info(test, "figure: points walked, of exported functions %u",
		   mal_walk_total);
	if (mal_walk_pairs)
		kunit_info(test, "figure: points walked, two in a call %u",
			   mal_walk_pairs);
}

static int mal_walk_init(struct kunit *test)
{
	struct memalloc_stats_borrowing stats;

	mal_walk_shrink();
	rcu_barrier();
	mal_borrow_stats(&stats);
	if (stats.reserve)
		kunit_skip(test, "loaded with a reserve, and its refill changes the figures");
	return mal_account_cap(stats.borrowed + MAL_WALK_ROOM);
}

static void mal_walk_exit(struct kunit *test)
{
	mal_account_uncap();
	mal_walk_shrink();
	rcu_barrier();
	mal_account_settle(test);
}

static struct kunit_case mal_failure_walk_cases[] = {
	KUNIT_CASE(mal_test_walk_pages),
	KUNIT_CASE(mal_test_walk_slab),
	KUNIT_CASE(mal_test_walk_kmalloc),
	KUNIT_CASE(mal_test_walk_devm),
	KUNIT_CASE(mal_test_walk_mempool),
	KUNIT_CASE(mal_test_walk_percpu),
	KUNIT_CASE(mal_test_walk_areas),
	KUNIT_CASE(mal_test_walk_mixed),
	KUNIT_CASE(mal_test_every_function_is_walked),
	{}
};

struct kunit_suite mal_failure_walk_suite = {
	.name = "memalloc_failure_walk",
	.init = mal_walk_init,
	.exit = mal_walk_exit,
	.test_cases = mal_failure_walk_cases,
};
