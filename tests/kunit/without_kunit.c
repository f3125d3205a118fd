// SPDX-License-Identifier: GPL-2.0
/*
 * Failure walk on kernels without KUnit, such as those of distributions
 *
 * Loading the module runs the walk and prints its results to the kernel log as
 * KTAP. No other user of the allocator may run at the same time.
 */
#include <linux/module.h>

#include "internal/compat.h"

#include "memalloc_kunit.h"
#include "unit_test.h"

/* Returns true if the case passed. */
static bool __init mal_unit_run(const struct kunit_suite *suite,
				const struct kunit_case *one, unsigned int number)
{
	struct kunit test = { .name = one->name };

	KUNIT_EXPECT_EQ(&test, suite->init(&test), 0);
	if (!test.failed && !test.skipped)
		one->run_case(&test);
	suite->exit(&test);
	if (test.dev)
		root_device_unregister(test.dev);
	pr_info("%sok %u %s%s\n", test.failed ? "not " : "", number, one->name,
		test.skipped ? " # SKIP" : "");
	return !test.failed;
}

static int __init mal_unit_init(void)
{
	const struct kunit_suite *suite = &mal_failure_walk_suite;
	const struct kunit_case *one;
	unsigned int number = 0;
	bool ok = true;

	pr_info("KTAP version 1\n");
	for (one = suite->test_cases; one->name; one++)
		ok &= mal_unit_run(suite, one, ++number);
	pr_info("1..%u\n", number);
	return ok ? 0 : -EINVAL;
}

static void __exit mal_unit_exit(void)
{
}

module_init(mal_unit_init);
module_exit(mal_unit_exit);

MAL_IMPORT();
MODULE_DESCRIPTION("Failure walk of memalloc's exported functions");
MODULE_LICENSE("GPL");
