// SPDX-License-Identifier: GPL-2.0
/*
 * Bulk, exact and address-based page allocation, compared with the host's
 *
 * Both bulk allocators get arrays with the same gaps, and must fill the same
 * entries and return the same number. The host may stop early, so it is called
 * until it makes no more progress.
 */
#include <kunit/test.h>

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <memalloc/page_alloc.h>

#include "internal/borrow.h"
#include "internal/node.h"
#include "internal/region.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_BULK_CAP		(8 * MAL_SECTION_PAGES)
#define MAL_BULK_PLACES		(MAL_BULK_CAP + 16)
#define MAL_BULK_ROUNDS		300
#define MAL_BULK_GFP		(GFP_KERNEL | __GFP_NOWARN)

/**
 * struct mal_bulk - arrays for bulk allocation
 * @ours: array filled by our allocator
 * @hosts: array filled by the host
 * @before: copy of @ours before the call
 * @rnd: source of random decisions
 */
struct mal_bulk {
	struct page **ours;
	struct page **hosts;
	struct page **before;
	struct rnd_state rnd;
};

static int mal_bulk_suite_init(struct kunit_suite *suite)
{
	return mal_account_cap(MAL_BULK_CAP);
}

static void mal_bulk_suite_exit(struct kunit_suite *suite)
{
	mal_account_uncap();
}

static int mal_bulk_init(struct kunit *test)
{
	struct mal_bulk *bulk = kunit_kzalloc(test, sizeof(*bulk), GFP_KERNEL);

	test->priv = bulk;
	if (!bulk)
		return -ENOMEM;
	prandom_seed_state(&bulk->rnd, mal_test_seed(test));
	bulk->ours = kvcalloc(MAL_BULK_PLACES, sizeof(*bulk->ours), GFP_KERNEL);
	bulk->hosts = kvcalloc(MAL_BULK_PLACES, sizeof(*bulk->hosts), GFP_KERNEL);
	bulk->before = kvcalloc(MAL_BULK_PLACES, sizeof(*bulk->before), GFP_KERNEL);
	return bulk->ours && bulk->hosts && bulk->before ? 0 : -ENOMEM;
}

static void mal_bulk_exit(struct kunit *test)
{
	struct mal_bulk *bulk = test->priv;
	unsigned long i;

	if (!bulk)
		return;
	if (bulk->ours)
		mal_free_pages_bulk(MAL_BULK_PLACES, bulk->ours);
	for (i = 0; bulk->hosts && i < MAL_BULK_PLACES; i++)
		if (bulk->hosts[i])
			__free_page(bulk->hosts[i]);
	kvfree(bulk->ours);
	kvfree(bulk->hosts);
	kvfree(bulk->before);
	mal_borrow_shrink(0);
}

static unsigned long mal_bulk_below(struct mal_bulk *bulk, unsigned long limit)
{
	return prandom_u32_state(&bulk->rnd) % limit;
}

/*
 * Fill the same random entries of both arrays: at random none, few, half,
 * nearly all or all of them.
 */
static void mal_bulk_make_gaps(struct mal_bulk *bulk, unsigned long nr)
{
	unsigned long i, filled = mal_bulk_below(bulk, 5);

	for (i = 0; i < nr; i++) {
		static const unsigned int of_64[] = { 0, 1, 32, 63, 64 };

		bulk->ours[i] = NULL;
		bulk->hosts[i] = NULL;
		if (mal_bulk_below(bulk, 64) < of_64[filled]) {
			bulk->ours[i] = mal_alloc_page(MAL_BULK_GFP);
			bulk->hosts[i] = alloc_page(GFP_KERNEL);
		}
		bulk->before[i] = bulk->ours[i];
	}
}

/* Call the host until the array is full or a call makes no progress. */
static unsigned long mal_bulk_host_fills(struct mal_bulk *bulk, unsigned long nr)
{
	unsigned long filled = 0, last;

	do {
		last = filled;
		filled = alloc_pages_bulk(GFP_KERNEL, nr, bulk->hosts);
	} while (filled < nr && filled > last);
	return filled;
}

static void mal_bulk_expect_alike(struct kunit *test, struct mal_bulk *bulk,
				  unsigned long nr)
{
	unsigned long i, unlike = 0, replaced = 0, held = 0;

	for (i = 0; i < nr; i++) {
		unlike += !bulk->ours[i] != !bulk->hosts[i];
		replaced += bulk->before[i] && bulk->before[i] != bulk->ours[i];
		held += !!bulk->ours[i];
	}
	KUNIT_EXPECT_EQ(test, unlike, 0UL);
	KUNIT_EXPECT_EQ(test, replaced, 0UL);
	KUNIT_EXPECT_NULL(test, bulk->ours[nr]);
	mal_account_check(test, held, 0);
}

static void mal_bulk_empty(struct kunit *test, struct mal_bulk *bulk,
			   unsigned long nr)
{
	unsigned long i, left = 0;

	mal_free_pages_bulk(nr, bulk->ours);
	for (i = 0; i < nr; i++) {
		left += !!bulk->ours[i];
		if (bulk->hosts[i])
			__free_page(bulk->hosts[i]);
		bulk->hosts[i] = NULL;
	}
	KUNIT_EXPECT_EQ(test, left, 0UL);
}

/*
 * Given equal arrays, both allocators fill the same entries and return the
 * same.
 */
static void mal_test_bulk_matches_the_host(struct kunit *test)
{
	struct mal_bulk *bulk = test->priv;
	unsigned int round;

	for (round = 0; round < mal_test_effort(MAL_BULK_ROUNDS); round++) {
		unsigned long nr = mal_bulk_below(bulk, round % 2 ? 1500 : 8);

		mal_bulk_make_gaps(bulk, nr);
		KUNIT_EXPECT_EQ(test, mal_alloc_pages_bulk(MAL_BULK_GFP, nr, bulk->ours),
				mal_bulk_host_fills(bulk, nr));
		mal_bulk_expect_alike(test, bulk, nr);
		/* a full array leaves nothing to do */
		KUNIT_EXPECT_EQ(test, mal_alloc_pages_bulk(MAL_BULK_GFP, nr, bulk->ours),
				alloc_pages_bulk(GFP_KERNEL, nr, bulk->hosts));
		mal_bulk_expect_alike(test, bulk, nr);
		mal_bulk_empty(test, bulk, nr);
		mal_account_check(test, 0, 0);
	}
	mal_account_settle(test);
}

static void mal_test_bulk_pages_are_distinct(struct kunit *test)
{
	struct mal_bulk *bulk = test->priv;
	const unsigned long nr = 3000;
	unsigned long i, wrong = 0;

	KUNIT_ASSERT_EQ(test, nr, mal_alloc_pages_bulk(MAL_BULK_GFP, nr, bulk->ours));
	for (i = 0; i < nr; i++)
		*(unsigned long *)page_address(bulk->ours[i]) = i;
	for (i = 0; i < nr; i++)
		wrong += *(unsigned long *)page_address(bulk->ours[i]) != i;
	KUNIT_EXPECT_EQ(test, wrong, 0UL);
	/* free single pages before the rest in bulk */
	for (i = 0; i < nr; i += 3) {
		mal_free_page(bulk->ours[i]);
		bulk->ours[i] = NULL;
	}
	mal_free_pages_bulk(nr, bulk->ours);
	mal_account_settle(test);
}

/* At the cap, only the first entries are filled. */
static void mal_test_bulk_at_the_cap_is_partial(struct kunit *test)
{
	static const gfp_t gfps[] = { GFP_KERNEL | __GFP_HIGH, GFP_ATOMIC };
	struct mal_bulk *bulk = test->priv;
	unsigned long got, i;
	unsigned int round;

	for (round = 0; round < ARRAY_SIZE(gfps); round++) {
		memset(bulk->ours, 0, MAL_BULK_PLACES * sizeof(*bulk->ours));
		got = mal_alloc_pages_bulk(gfps[round] | __GFP_NOWARN, MAL_BULK_PLACES,
					   bulk->ours);
		if (gfps[round] & __GFP_DIRECT_RECLAIM)
			KUNIT_EXPECT_EQ(test, got, MAL_BULK_CAP);
		for (i = 0; i < MAL_BULK_PLACES; i++)
			if (i < got ? !bulk->ours[i] : !!bulk->ours[i])
				break;
		KUNIT_EXPECT_EQ_MSG(test, i, MAL_BULK_PLACES, "of %lu", got);
		KUNIT_EXPECT_EQ(test, got,
				mal_alloc_pages_bulk(gfps[round] | __GFP_NOWARN,
						     MAL_BULK_PLACES, bulk->ours));
		mal_account_check(test, got, 0);
		mal_free_pages_bulk(MAL_BULK_PLACES, bulk->ours);
		mal_account_check(test, 0, 0);
	}
	mal_account_settle(test);
}

/*
 * Allocation stops at the first gap that it cannot fill. Later gaps remain, and
 * so do the pages between them.
 */
static void mal_test_bulk_stops_at_the_first_gap_it_cannot_fill(struct kunit *test)
{
	struct mal_bulk *bulk = test->priv;
	gfp_t gfp = MAL_BULK_GFP | __GFP_HIGH;
	unsigned long i;

	KUNIT_ASSERT_EQ(test, MAL_BULK_CAP,
			mal_alloc_pages_bulk(gfp, MAL_BULK_PLACES, bulk->ours));
	for (i = 10; i < 20; i++)
		swap(bulk->ours[i], bulk->ours[MAL_BULK_CAP + i - 10]);
	mal_free_page(bulk->ours[2]);
	bulk->ours[2] = NULL;
	mal_free_page(bulk->ours[5]);
	bulk->ours[5] = NULL;
	KUNIT_EXPECT_EQ(test, 10UL,
			mal_alloc_pages_bulk(gfp, MAL_BULK_PLACES, bulk->ours));
	for (i = 0; i < MAL_BULK_CAP + 10; i++)
		if (!bulk->ours[i] != (i >= 10 && i < 20))
			break;
	KUNIT_EXPECT_EQ(test, i, MAL_BULK_CAP + 10);
	mal_free_pages_bulk(MAL_BULK_PLACES, bulk->ours);
	mal_account_settle(test);
}

static void mal_test_bulk_of_zero_pages(struct kunit *test)
{
	struct mal_bulk *bulk = test->priv;

	KUNIT_EXPECT_EQ(test, 0UL, mal_alloc_pages_bulk(GFP_KERNEL, 0, bulk->ours));
	mal_free_pages_bulk(0, bulk->ours);
	mal_free_pages_bulk(100, bulk->ours);	/* all entries are NULL */
	mal_account_settle(test);
}

/*
 * Exact sizes
 */

/* Exactly the pages needed are taken, all are usable, and all are freed. */
static void mal_exact_one(struct kunit *test, size_t size)
{
	unsigned char *memory = mal_alloc_pages_exact(size, MAL_BULK_GFP);
	struct mal_zone_sums before, after;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL_MSG(test, memory, "%zu bytes", size);
	KUNIT_EXPECT_TRUE(test, PAGE_ALIGNED(memory));
	memset(memory, 0x5a, PAGE_ALIGN(size));
	mal_account_check(test, PFN_UP(size), 0);
	mal_zone_sums(&before);
	mal_free_pages_exact(memory, size);
	mal_account_check(test, 0, 0);
	mal_zone_sums(&after);
	KUNIT_EXPECT_EQ(test, after.frees[0] - before.frees[0], (u64)PFN_UP(size));
	for (i = 1; i < MEMALLOC_NR_ORDERS; i++)
		KUNIT_EXPECT_EQ(test, after.frees[i], before.frees[i]);
}

static void mal_test_exact_takes_no_spare_pages(struct kunit *test)
{
	struct mal_bulk *bulk = test->priv;
	size_t size;
	int i;

	for (size = 1; size <= SZ_4M; size *= 2) {
		if (size > 1)
			mal_exact_one(test, size - 1);
		mal_exact_one(test, size);
		if (size < SZ_4M)
			mal_exact_one(test, size + 1);
	}
	for (i = 0; i < 60; i++)
		mal_exact_one(test, 1 + mal_bulk_below(bulk, SZ_4M));
	mal_account_settle(test);
}

/* The unused tail of the block is free for other allocations at once. */
static void mal_test_exact_frees_the_tail(struct kunit *test)
{
	struct mal_bulk *bulk = test->priv;
	const size_t size = 513 * PAGE_SIZE;
	unsigned long rest;
	void *memory;

	memory = mal_alloc_pages_exact(size, MAL_BULK_GFP);
	KUNIT_ASSERT_NOT_NULL(test, memory);
	rest = mal_alloc_pages_bulk(MAL_BULK_GFP | __GFP_HIGH, MAL_BULK_PLACES,
				    bulk->ours);
	KUNIT_EXPECT_EQ(test, rest, MAL_BULK_CAP - 513);
	mal_account_check(test, MAL_BULK_CAP, 0);
	mal_free_pages_exact(memory, size);
	mal_free_pages_bulk(MAL_BULK_PLACES, bulk->ours);
	mal_account_settle(test);
}

static void mal_test_exact_refuses_bad_sizes(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, mal_alloc_pages_exact(0, MAL_BULK_GFP));
	KUNIT_EXPECT_NULL(test, mal_alloc_pages_exact(SZ_4M + 1, MAL_BULK_GFP));
	KUNIT_EXPECT_NULL(test, mal_alloc_pages_exact(SIZE_MAX, MAL_BULK_GFP));
	KUNIT_EXPECT_NULL(test, mal_alloc_pages_exact(SIZE_MAX - PAGE_SIZE + 2,
						      MAL_BULK_GFP));
	KUNIT_EXPECT_NULL(test, mal_alloc_pages_exact_node(0, 0, MAL_BULK_GFP));
	mal_free_pages_exact(NULL, 0);
	mal_free_pages_exact(NULL, SZ_4M);
	mal_account_settle(test);
}

static void mal_test_exact_zeroes_all_pages(struct kunit *test)
{
	static const size_t sizes[] = { 1, PAGE_SIZE + 1, 5 * PAGE_SIZE, 700 * PAGE_SIZE };
	unsigned int i, round;
	void *memory;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (round = 0; round < 3; round++) {
			memory = mal_alloc_pages_exact(sizes[i], MAL_BULK_GFP | __GFP_ZERO);
			KUNIT_ASSERT_NOT_NULL(test, memory);
			KUNIT_EXPECT_NULL(test, memchr_inv(memory, 0, PAGE_ALIGN(sizes[i])));
			memset(memory, 0x5a, PAGE_ALIGN(sizes[i]));
			mal_free_pages_exact(memory, sizes[i]);
		}
	mal_account_settle(test);
}

/*
 * Allocation by address
 */

static void mal_test_allocation_by_address(struct kunit *test)
{
	unsigned long addr;
	unsigned int order;

	for (order = 0; order <= MAL_MAX_ORDER; order++) {
		addr = mal_get_free_pages(MAL_BULK_GFP | __GFP_HIGHMEM, order);
		KUNIT_ASSERT_NE(test, addr, 0UL);
		KUNIT_EXPECT_TRUE(test, virt_addr_valid((void *)addr));
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED(page_to_pfn(virt_to_page((void *)addr)),
						   1UL << order));
		memset((void *)addr, 0x5a, PAGE_SIZE << order);
		mal_account_check(test, 1UL << order, 0);
		mal_put_free_pages(addr, order);
		addr = mal_get_zeroed_page(MAL_BULK_GFP);
		KUNIT_ASSERT_NE(test, addr, 0UL);
		KUNIT_EXPECT_NULL(test, memchr_inv((void *)addr, 0, PAGE_SIZE));
		memset((void *)addr, 0x5a, PAGE_SIZE);
		mal_put_free_pages(addr, 0);
	}
	KUNIT_EXPECT_EQ(test, mal_get_free_pages(MAL_BULK_GFP, MAL_MAX_ORDER + 1), 0UL);
	KUNIT_EXPECT_EQ(test, mal_get_free_pages(MAL_BULK_GFP, UINT_MAX), 0UL);
	mal_put_free_pages(0, 0);
	mal_put_free_pages(0, MAL_MAX_ORDER);
	mal_account_settle(test);
}

static void mal_expect_order(struct kunit *test, unsigned long size)
{
	KUNIT_EXPECT_EQ_MSG(test, mal_get_order(size), get_order(size), "%lu", size);
	if (size && size <= ULONG_MAX / 2 + 1) {
		KUNIT_EXPECT_GE(test, PAGE_SIZE << mal_get_order(size), size);
		if (mal_get_order(size))
			KUNIT_EXPECT_LT(test, PAGE_SIZE << (mal_get_order(size) - 1),
					size);
	}
}

static void mal_test_get_order_matches_the_host(struct kunit *test)
{
	struct mal_bulk *bulk = test->priv;
	unsigned int bit, i;

	mal_expect_order(test, 0);
	for (bit = 0; bit < BITS_PER_LONG; bit++) {
		mal_expect_order(test, (1UL << bit) - 1);
		mal_expect_order(test, 1UL << bit);
		mal_expect_order(test, (1UL << bit) + 1);
	}
	mal_expect_order(test, ULONG_MAX);
	for (i = 0; i < 1000; i++)
		mal_expect_order(test, mal_bulk_below(bulk, U32_MAX) >>
				 mal_bulk_below(bulk, 32));
	/* the host's get_order() has another path for constants */
	KUNIT_EXPECT_EQ(test, mal_get_order(1), 0);
	KUNIT_EXPECT_EQ(test, mal_get_order(PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, mal_get_order(PAGE_SIZE + 1), 1);
	KUNIT_EXPECT_EQ(test, mal_get_order(SZ_4M), get_order(SZ_4M));
}

static struct kunit_case mal_bulk_cases[] = {
	KUNIT_CASE(mal_test_bulk_matches_the_host),
	KUNIT_CASE(mal_test_bulk_pages_are_distinct),
	KUNIT_CASE(mal_test_bulk_at_the_cap_is_partial),
	KUNIT_CASE(mal_test_bulk_stops_at_the_first_gap_it_cannot_fill),
	KUNIT_CASE(mal_test_bulk_of_zero_pages),
	KUNIT_CASE(mal_test_exact_takes_no_spare_pages),
	KUNIT_CASE(mal_test_exact_frees_the_tail),
	KUNIT_CASE(mal_test_exact_refuses_bad_sizes),
	KUNIT_CASE(mal_test_exact_zeroes_all_pages),
	KUNIT_CASE(mal_test_allocation_by_address),
	KUNIT_CASE(mal_test_get_order_matches_the_host),
	{}
};

struct kunit_suite mal_page_bulk_suite = {
	.name = "memalloc_page_bulk",
	.suite_init = mal_bulk_suite_init,
	.suite_exit = mal_bulk_suite_exit,
	.init = mal_bulk_init,
	.exit = mal_bulk_exit,
	.test_cases = mal_bulk_cases,
};
