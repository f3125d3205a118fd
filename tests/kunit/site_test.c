// SPDX-License-Identifier: GPL-2.0
/*
 * Sites of open files: a site has the name of the task that opened the file
 * until it is forgotten, and is not used for another file
 */
#include <kunit/test.h>

#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "internal/site.h"

#include "memalloc_kunit.h"

#define MAL_SITE_OPENERS	4
#define MAL_SITE_ROUNDS		5000

/**
 * struct mal_site_opener - a task that creates and forgets sites
 * @forgotten: a site that another task has forgotten, for lookups
 * @task: the task
 * @wrong: number of wrong names
 */
struct mal_site_opener {
	unsigned long forgotten;
	struct task_struct *task;
	unsigned long wrong;
};

static bool mal_site_is_called(unsigned long site, const char *expected)
{
	char name[MAL_SITE_NAME];

	return !strcmp(mal_site_name(site, name), expected);
}

/* Create a site, check its name, forget it, and check again. */
static bool mal_site_round_ok(const char *expected)
{
	unsigned long site = mal_site_of_task();
	bool ok;

	if (!site)
		return true;
	ok = mal_site_is_called(site, expected);
	mal_site_forget_task(site);
	return mal_site_is_called(site, "(gone)") && ok;
}

static int mal_site_open_and_close(void *data)
{
	struct mal_site_opener *opener = data;
	char expected[TASK_COMM_LEN + 16];
	unsigned int i;

	snprintf(expected, sizeof(expected), "%s[%d]", current->comm,
		 task_tgid_nr(current));
	for (i = 0; i < MAL_SITE_ROUNDS; i++) {
		if (!mal_site_round_ok(expected) ||
		    !mal_site_is_called(opener->forgotten, "(gone)"))
			opener->wrong++;
		cond_resched();
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void mal_site_openers_run(struct kunit *test,
				 struct mal_site_opener *openers)
{
	unsigned int i;

	for (i = 0; i < MAL_SITE_OPENERS; i++) {
		openers[i].task = kthread_run(mal_site_open_and_close, &openers[i],
					      "opener-%u", i);
		KUNIT_EXPECT_FALSE(test, IS_ERR(openers[i].task));
	}
	for (i = 0; i < MAL_SITE_OPENERS; i++)
		if (!IS_ERR(openers[i].task))
			kthread_stop(openers[i].task);
}

/* All tasks run at once, and all look up a site that has been forgotten. */
static void mal_test_names_its_own_task(struct kunit *test)
{
	unsigned long forgotten = mal_site_of_task();
	struct mal_site_opener *openers;
	unsigned int i;

	KUNIT_ASSERT_NE(test, forgotten, 0UL);
	mal_site_forget_task(forgotten);
	openers = kunit_kcalloc(test, MAL_SITE_OPENERS, sizeof(*openers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, openers);
	for (i = 0; i < MAL_SITE_OPENERS; i++)
		openers[i].forgotten = forgotten;
	mal_site_openers_run(test, openers);
	for (i = 0; i < MAL_SITE_OPENERS; i++)
		KUNIT_EXPECT_EQ(test, openers[i].wrong, 0UL);
}

static int mal_site_compare(const void *one, const void *other)
{
	const unsigned long *a = one, *b = other;

	return *a < *b ? -1 : *a > *b;
}

/* Sites are not reused, so a block is never attributed to a later file. */
static void mal_test_is_used_once(struct kunit *test)
{
	const size_t nr = 8 * MAL_SITE_ROUNDS;
	unsigned long *sites = vmalloc(array_size(nr, sizeof(*sites)));
	size_t i, again = 0;

	KUNIT_ASSERT_NOT_NULL(test, sites);
	for (i = 0; i < nr; i++) {
		sites[i] = mal_site_of_task();
		mal_site_forget_task(sites[i]);
		cond_resched();
	}
	sort(sites, nr, sizeof(*sites), mal_site_compare, NULL);
	for (i = 1; i < nr; i++)
		again += sites[i] && sites[i] == sites[i - 1];
	vfree(sites);
	KUNIT_EXPECT_EQ(test, again, (size_t)0);
}

static struct kunit_case mal_site_cases[] = {
	KUNIT_CASE(mal_test_names_its_own_task),
	KUNIT_CASE(mal_test_is_used_once),
	{ }
};

struct kunit_suite mal_site_suite = {
	.name = "memalloc_site",
	.test_cases = mal_site_cases,
};
