// SPDX-License-Identifier: GPL-2.0
/*
 * Every function of the API, with each allocation that it makes failing once:
 * nothing is lost at any point
 *
 * Twice: with our own injection, which counts what the module asks for; and with
 * the kernel's, where there is one, which counts what the host's allocators
 * give, and what is copied from user space. Each from nothing in store, so that all
 * of it is taken from the host; and with what the call before has left in store. Then
 * some times, by chance, with both: one of what the module asks for and one of what the
 * host gives.
 *
 * The calls are in failure_*.c, by layer. Which functions there are is told by
 * the module's sources: one that is not walked fails the test.
 */
#include <linux/mman.h>
#include <linux/prandom.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "internal/area_cache.h"
#include "internal/inject.h"
#include "internal/loan.h"
#include "internal/mempool.h"
#include "internal/percpu.h"
#include "internal/percpu_chunk.h"
#include "internal/slab_cache.h"
#include "internal/vmalloc_area.h"

#include "exported.h"
#include "failure_walk.h"
#include "memalloc_kunit.h"
#include "page_account.h"
#include "unit_test.h"

#define MAL_WALK_LIMIT	2000	/* points of one call */
/* Enough for any call. It keeps blocks small, which takes time in a debug kernel. */
#define MAL_WALK_ROOM	256
#define MAL_WALK_PAIRS	4	/* of one call */

static const struct mal_walk_call *const mal_walk_tables[] = {
	mal_walk_page_calls,
	mal_walk_slab_calls,
	mal_walk_kmalloc_calls,
	mal_walk_devm_calls,
	mal_walk_mempool_calls,
	mal_walk_percpu_calls,
	mal_walk_area_calls,
};

/*
 * Two ways to make the nth allocation of this task fail
 */

/**
 * struct mal_walk_injector - a way to make allocations fail
 * @name: for messages
 * @arm: let the nth from now on fail
 * @disarm: no more. Returns true if none has failed
 * @copies: it fails copies from and to user space, too
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

/* Does it fail what may sleep, too? That is set in debugfs; see tests/guest/kunit. */
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

/* Both: with the nth of our own, @mal_walk_other of the host's, if there is an injector. */
static const struct mal_walk_injector *mal_walk_others;
static unsigned int mal_walk_other;
static unsigned int mal_walk_pairs; /* that have failed, both of them */

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
 * What there is before a point, and has to be after it
 */

/**
 * struct mal_walk_figures - all that could be lost
 * @borrowed: pages borrowed from the host
 * @metadata: bytes that describe them
 * @quarantined: pages that somebody held
 * @caches: slab caches
 * @objects: live objects in them
 * @pools: mempools
 * @percpu: bytes of per-CPU memory in use
 * @chunks: that it is in
 * @areas: vmalloc areas in use
 * @maps: areas of others' pages
 * @reports: of misuse
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
	mal_loan_shrink(0);
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

	mal_borrowing_stats(&borrowing);
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

/* Nothing is in store any more: what is there is in use, or lost. */
static void mal_walk_settle(struct mal_walk_figures *figures)
{
	mal_walk_shrink();
	mal_walk_count(figures);
}

static bool mal_walk_is_settled(const struct mal_walk_figures *before,
				struct mal_walk_figures *after)
{
	mal_walk_settle(after);
	if (!memcmp(before, after, sizeof(*before)))
		return true;
	/* Some goes back after a grace period, or by a worker. */
	rcu_barrier();
	mal_area_cache_sync();
	schedule_timeout_uninterruptible(2);
	mal_walk_settle(after);
	return !memcmp(before, after, sizeof(*before));
}

static u64 mal_walk_validate(void)
{
	u64 checked = 0;

	return mal_page_validate(&checked) + mal_percpu_chunk_validate(&checked);
}

/* It asks each CPU about each cache, which takes its time. */
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
 * struct mal_walk_points - what came of the points of a call
 * @failed: the call failed
 * @survived: it did not, though some allocation of it did
 * @cold: of both, those that began with nothing in store
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

/* Returns true as long as there is another one. */
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

/* Two failures in a call. It may fail, even if it gets over each of them. */
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

/* Returns true if all is there that the call wants. */
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

	KUNIT_EXPECT_TRUE_MSG(walk->test, there, "%s: not what it wants", call->name);
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
		kunit_info(test, "without the kernel's failure injection");
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

/*
 * Nothing is forgotten
 */

/* All that the API's headers define, and all that is exported beside. */
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
	mal_borrowing_stats(&stats);
	if (stats.reserve)
		kunit_skip(test, "loaded with a reserve, which is filled up meanwhile");
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
	KUNIT_CASE(mal_test_every_function_is_walked),
	{}
};

struct kunit_suite mal_failure_walk_suite = {
	.name = "memalloc_failure_walk",
	.init = mal_walk_init,
	.exit = mal_walk_exit,
	.test_cases = mal_failure_walk_cases,
};
