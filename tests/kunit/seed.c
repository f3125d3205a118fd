// SPDX-License-Identifier: GPL-2.0
/*
 * Seed of the tests' random decisions
 */
#include <linux/module.h>
#include <linux/random.h>

#include "memalloc_kunit.h"
#include "unit_test.h"

static unsigned long seed;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "Seed of random decisions (default: 0, a new seed for each test)");

/**
 * mal_test_seed() - seed of a test
 * @test: the test; its log gets the seed
 *
 * Context: task.
 * Return: the module parameter if it is set, otherwise a random number.
 */
u64 mal_test_seed(struct kunit *test)
{
	unsigned long value = seed ?: get_random_long();

	kunit_info(test, "seed=%lu", value);
	return value;
}
