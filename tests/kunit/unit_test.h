/* SPDX-License-Identifier: GPL-2.0 */
/*
 * unit_test.h: KUnit, or a replacement on kernels without it
 *
 * The replacement covers the subset that the failure walk uses. It has no
 * KUNIT_ASSERT_*(): a test that cannot continue returns. The tests run in
 * sequence in the task that loads the module; see without_kunit.c.
 */
#ifndef _MAL_UNIT_TEST_H
#define _MAL_UNIT_TEST_H

#include <linux/kconfig.h>

#if IS_ENABLED(CONFIG_KUNIT)

#include <kunit/device.h>
#include <kunit/test.h>

#else

#include <linux/device.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/types.h>

/**
 * struct kunit - a running test
 * @name: its name
 * @dev: device registered by the test
 * @failed: an expectation has failed
 * @skipped: the test has been skipped
 */
struct kunit {
	const char *name;
	struct device *dev;
	bool failed;
	bool skipped;
};

/**
 * struct kunit_case - a test case
 * @run_case: function to run
 * @name: its name
 */
struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
};

/**
 * struct kunit_suite - a group of test cases
 * @name: its name
 * @init: called before each case. Returns 0, or an error that fails the case
 * @exit: called after each case
 * @test_cases: array of cases, ended by one without a name
 */
struct kunit_suite {
	const char *name;
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

#define KUNIT_CASE(test_name)	{ .run_case = test_name, .name = #test_name }

#define kunit_info(test, fmt, ...)					\
	pr_info("# %s: " fmt "\n", (test)->name, ##__VA_ARGS__)

#define kunit_skip(test, fmt, ...)					\
do {									\
	kunit_info(test, fmt, ##__VA_ARGS__);				\
	(test)->skipped = true;						\
} while (0)

#define MAL_UNIT_EXPECT(test, left, op, right, fmt, ...)		\
do {									\
	const typeof(left) __left = (left);				\
	const typeof(right) __right = (right);				\
									\
	if (__left op __right)						\
		break;							\
	(test)->failed = true;						\
	kunit_info(test, "%s:%d: %s is %lld, expected " #op " %lld: " fmt, \
		   __FILE__, __LINE__, #left, (long long)__left,	\
		   (long long)__right, ##__VA_ARGS__);			\
} while (0)

#define KUNIT_EXPECT_EQ_MSG(test, left, right, fmt, ...)		\
	MAL_UNIT_EXPECT(test, left, ==, right, fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_NE_MSG(test, left, right, fmt, ...)		\
	MAL_UNIT_EXPECT(test, left, !=, right, fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_LT_MSG(test, left, right, fmt, ...)		\
	MAL_UNIT_EXPECT(test, left, <, right, fmt, ##__VA_ARGS__)
#define KUNIT_EXPECT_EQ(test, left, right)				\
	MAL_UNIT_EXPECT(test, left, ==, right, "%s", "")
#define KUNIT_EXPECT_GT(test, left, right)				\
	MAL_UNIT_EXPECT(test, left, >, right, "%s", "")
#define KUNIT_EXPECT_TRUE_MSG(test, condition, fmt, ...)		\
	MAL_UNIT_EXPECT(test, !!(condition), ==, true, fmt, ##__VA_ARGS__)

/* The mapping is removed when the task exits. */
static inline unsigned long kunit_vm_mmap(struct kunit *test, struct file *file,
					  unsigned long addr, unsigned long len,
					  unsigned long prot, unsigned long flag,
					  unsigned long offset)
{
	return vm_mmap(file, addr, len, prot, flag, offset);
}

/* Register the only device of a test. It is removed when the test ends. */
static inline struct device *kunit_device_register(struct kunit *test, const char *name)
{
	struct device *dev = root_device_register(name);

	if (!IS_ERR(dev))
		test->dev = dev;
	return dev;
}

#endif /* CONFIG_KUNIT */

#endif /* _MAL_UNIT_TEST_H */
