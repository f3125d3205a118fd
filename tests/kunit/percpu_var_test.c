// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU variables: initial values, lookup by the macros, and failures
 *
 * This module defines no variable of its own, because other suites expect that
 * no area is in use. tests/kmod/historic.c does.
 */
#include <kunit/test.h>

#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/string.h>

#include <memalloc/percpu.h>
#include <memalloc/percpu_var.h>

#include "internal/percpu.h"
#include "internal/percpu_var.h"

#include "memalloc_kunit.h"

#define MAL_VARS_TEXT	"a per-CPU variable"
#define MAL_VARS_BYTES	700	/* more than the CPUs cache */

static u64 __percpu *volatile mal_vars_number;
static char (__percpu *volatile mal_vars_text)[MAL_VARS_BYTES];

static const u64 mal_vars_number_image = 0x6e756d626572;
static const char mal_vars_text_image[MAL_VARS_BYTES] = MAL_VARS_TEXT;

static const struct mal_percpu_var mal_vars[] = {
	{
		.name = "number",
		.area = (void __percpu *volatile *)&mal_vars_number,
		.image = &mal_vars_number_image,
		.size = sizeof(u64),
		.align = __alignof__(u64),
	},
	{
		.name = "text",
		.area = (void __percpu *volatile *)&mal_vars_text,
		.image = mal_vars_text_image,
		.size = MAL_VARS_BYTES,
		.align = 128,
	},
	{
		.name = "too large",
		.area = (void __percpu *volatile *)&mal_vars_text,
		.image = mal_vars_text_image,
		.size = MAL_PERCPU_MAX_SIZE + 1,
		.align = 1,
	},
};

#define MAL_VARS_PARAM(nr)	{ .name = "var", .ops = &mal_percpu_var_ops, \
				  .arg = (void *)&mal_vars[nr] }

static const struct kernel_param mal_vars_params[] = {
	{ .name = "before", .ops = &param_ops_int },
	MAL_VARS_PARAM(0),
	{ .name = "between", .ops = &param_ops_int },
	MAL_VARS_PARAM(1),
};

static const struct kernel_param mal_vars_bad_params[] = {
	MAL_VARS_PARAM(0),
	MAL_VARS_PARAM(1),
	MAL_VARS_PARAM(2),
};

static u64 mal_vars_used(void)
{
	struct mal_percpu_stats stats;

	mal_percpu_stats(&stats);
	return stats.used;
}

static void mal_test_variables_begin_with_their_values(struct kunit *test)
{
	const unsigned int nr = ARRAY_SIZE(mal_vars_params);
	u64 used = mal_vars_used();
	int cpu;

	KUNIT_ASSERT_EQ(test, mal_percpu_vars_create(mal_vars_params, nr), 0);
	KUNIT_EXPECT_GE(test, mal_vars_used(), used + sizeof(u64) + MAL_VARS_BYTES);
	for_each_possible_cpu(cpu) {
		KUNIT_EXPECT_EQ(test, mal_per_cpu(mal_vars_number, cpu), mal_vars_number_image);
		KUNIT_EXPECT_EQ(test, memcmp(mal_per_cpu(mal_vars_text, cpu), mal_vars_text_image,
					     MAL_VARS_BYTES), 0);
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)mal_per_cpu(mal_vars_text, cpu),
						   128));
	}
	mal_percpu_vars_destroy(mal_vars_params, nr);
	KUNIT_EXPECT_EQ(test, mal_vars_used(), used);
}

static void mal_test_each_cpu_has_its_own(struct kunit *test)
{
	const unsigned int nr = ARRAY_SIZE(mal_vars_params);
	u64 sum = 0, images = 0;
	int cpu;

	KUNIT_ASSERT_EQ(test, mal_percpu_vars_create(mal_vars_params, nr), 0);
	mal_get_cpu_var(mal_vars_number)++;
	mal_put_cpu_var(mal_vars_number);
	this_cpu_inc(*mal_vars_number);
	for_each_possible_cpu(cpu) {
		sum += mal_per_cpu(mal_vars_number, cpu);
		images += mal_vars_number_image;
	}
	KUNIT_EXPECT_EQ(test, sum, images + 2);
	mal_percpu_vars_destroy(mal_vars_params, nr);
}

/* The area of one cannot be allocated: those before it are freed. */
static void mal_test_failure_leaves_no_variable(struct kunit *test)
{
	u64 used = mal_vars_used();

	KUNIT_EXPECT_EQ(test, mal_percpu_vars_create(mal_vars_bad_params,
						     ARRAY_SIZE(mal_vars_bad_params)), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mal_vars_used(), used);
}

/*
 * The type tells a variable of the kernel from ours, also if it is a pointer.
 * The areas stand for static variables, which the linker would lay out.
 */
static void mal_test_variables_of_the_kernel_are_accepted(struct kunit *test)
{
	u64 __percpu *number = alloc_percpu(u64);
	void *__percpu *pointer = alloc_percpu(void *);
	u64 sum = 0;
	int cpu;

	KUNIT_ASSERT_NOT_NULL(test, (void __force *)number);
	KUNIT_ASSERT_NOT_NULL(test, (void __force *)pointer);
	mal_get_cpu_var(*number) += 3;
	mal_put_cpu_var(*number);
	for_each_possible_cpu(cpu) {
		KUNIT_EXPECT_PTR_EQ(test, &mal_per_cpu(*pointer, cpu), per_cpu_ptr(pointer, cpu));
		sum += *per_cpu_ptr(number, cpu);
	}
	KUNIT_EXPECT_EQ(test, sum, 3ULL);
	free_percpu(number);
	free_percpu(pointer);
}

static struct kunit_case mal_percpu_var_cases[] = {
	KUNIT_CASE(mal_test_variables_begin_with_their_values),
	KUNIT_CASE(mal_test_each_cpu_has_its_own),
	KUNIT_CASE(mal_test_failure_leaves_no_variable),
	KUNIT_CASE(mal_test_variables_of_the_kernel_are_accepted),
	{}
};

struct kunit_suite mal_percpu_var_suite = {
	.name = "memalloc_percpu_var",
	.test_cases = mal_percpu_var_cases,
};
