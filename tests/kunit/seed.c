// SPDX-License-Identifier: GPL-2.0
/*
 * Seed of the tests' random decisions, and the number of decisions
 */
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/random.h>

#include "memalloc_kunit.h"
#include "unit_test.h"

static unsigned long seed;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "Seed of random decisions (default: 0, a new seed for each test)");

static unsigned int effort = 100;
module_param(effort, uint, 0444);
MODULE_PARM_DESC(effort, "Operations of tests with random decisions, in percent of the usual number");

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

/**
 * mal_test_effort() - number of operations of a test with random decisions
 * @usual: the usual number
 *
 * Context: any.
 * Return: the part of it that the module parameter asks for, at least one.
 */
unsigned int mal_test_effort(unsigned int usual)
{
	return max(usual / 100 * effort + usual % 100 * effort / 100, 1U);
}
