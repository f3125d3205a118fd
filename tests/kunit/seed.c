// SPDX-License-Identifier: GPL-2.0
/*
 * Where random decisions of the tests begin
 */
#include <linux/module.h>
#include <linux/random.h>

#include "memalloc_kunit.h"
#include "unit_test.h"

static unsigned long seed;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "Where random decisions begin (default: 0, another one each time)");

/**
 * mal_test_seed() - the seed of a test
 * @test: the test, which prints it
 *
 * Context: task.
 * Return: the module's parameter if there is one, else a random number.
 */
u64 mal_test_seed(struct kunit *test)
{
	unsigned long value = seed ?: get_random_long();

	kunit_info(test, "seed=%lu", value);
	return value;
}
