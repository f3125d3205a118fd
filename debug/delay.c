// SPDX-License-Identifier: GPL-2.0
/*
 * Delays: drive races on purpose
 *
 * A race needs a change by another CPU within a few instructions, so that tests
 * hit it by luck. A test build (MEMALLOC_DELAYS=y) has delays at the places
 * where memory has left one list and has not reached the next, or where a
 * result of a lookup is about to be used. The parameter delay_us turns them on.
 *
 * A place is delayed in three of four cases, for up to delay_us microseconds. A
 * task that can be preempted is preempted after half of the delays. The lengths
 * are a function of the seed, the place, and the number of times that the place
 * was reached; so a run with the same seed has the same delays at each place,
 * though not the same interleaving of places.
 *
 * The parameter "delays" counts how often each place was reached with delays
 * on. A place that a test does not reach is a race that it does not drive.
 *
 * Locking: none. Context: any, unless noted otherwise.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sysfs.h>

#include "internal/delay.h"
#include "internal/kunit.h"

/* The longest delay: other CPUs may wait for a lock meanwhile. */
#define MAL_DELAY_MAX_US	1000

DEFINE_STATIC_KEY_FALSE(mal_delay_key);

static unsigned int mal_delay_us;
static unsigned long mal_delay_seed = 1;
static atomic_long_t mal_delay_counts[MAL_NR_DELAYS];

static const char *const mal_delay_names[] = {
	[MAL_DELAY_CPU_BUSY] = "cpu_busy",
	[MAL_DELAY_CPU_CALL] = "cpu_call",
	[MAL_DELAY_CPU_DEAD] = "cpu_dead",
	[MAL_DELAY_PAGES_SPILLED] = "pages_spilled",
	[MAL_DELAY_PAGES_PINNED] = "pages_pinned",
	[MAL_DELAY_BLOCK_BORROWED] = "block_borrowed",
	[MAL_DELAY_BLOCK_RETURNED] = "block_returned",
	[MAL_DELAY_SECTION_JOINED] = "section_joined",
	[MAL_DELAY_SECTION_LEFT] = "section_left",
	[MAL_DELAY_SHEAF_OUT] = "sheaf_out",
	[MAL_DELAY_SHEAVES_DRAINED] = "sheaves_drained",
	[MAL_DELAY_SLAB_CREATED] = "slab_created",
	[MAL_DELAY_SLAB_DESTROYED] = "slab_destroyed",
	[MAL_DELAY_CACHE_PURGED] = "cache_purged",
	[MAL_DELAY_CACHE_REMOVED] = "cache_removed",
	[MAL_DELAY_RCU_GATHERED] = "rcu_gathered",
	[MAL_DELAY_ELEMENT_MISSED] = "element_missed",
	[MAL_DELAY_CHUNK_RELEASED] = "chunk_released",
	[MAL_DELAY_AREA_FOUND] = "area_found",
	[MAL_DELAY_AREA_REMOVED] = "area_removed",
	[MAL_DELAY_AREAS_PARKED] = "areas_parked",
};

static_assert(ARRAY_SIZE(mal_delay_names) == MAL_NR_DELAYS);

/**
 * __mal_delay() - wait for a random time
 * @place: the place
 *
 * Context: any.
 */
void __mal_delay(enum mal_delay_place place)
{
	unsigned int us = READ_ONCE(mal_delay_us);
	long nr = atomic_long_inc_return(&mal_delay_counts[place]);
	u32 random = hash_64(READ_ONCE(mal_delay_seed) ^ (u64)place << 56 ^ nr, 32);

	if (!us || !(random & 3))
		return;
	udelay((random >> 3) % us + 1);
	if (!(random & 4) || !preemptible())
		return;
	preempt_disable();
	set_tsk_need_resched(current);
	set_preempt_need_resched();
	preempt_enable();
}

static int mal_delay_set_us(const char *value, const struct kernel_param *kp)
{
	unsigned int us;
	int err = kstrtouint(value, 0, &us);

	if (err)
		return err;
	if (us > MAL_DELAY_MAX_US)
		return -ERANGE;
	WRITE_ONCE(mal_delay_us, us);
	if (us)
		static_branch_enable(&mal_delay_key);
	else
		static_branch_disable(&mal_delay_key);
	pr_info("delays of up to %u us, seed %lu\n", us, mal_delay_seed);
	return 0;
}

static int mal_delay_get_counts(char *buffer, const struct kernel_param *kp)
{
	int length = 0;
	unsigned int i;

	for (i = 0; i < MAL_NR_DELAYS; i++)
		length += sysfs_emit_at(buffer, length, "%s %ld\n", mal_delay_names[i],
					atomic_long_read(&mal_delay_counts[i]));
	return length;
}

static const struct kernel_param_ops mal_delay_us_ops = {
	.set = mal_delay_set_us,
	.get = param_get_uint,
};

static const struct kernel_param_ops mal_delay_counts_ops = {
	.get = mal_delay_get_counts,
};

module_param_named(delay_seed, mal_delay_seed, ulong, 0600);
MODULE_PARM_DESC(delay_seed, "Seed of the delays (test builds)");
module_param_cb(delay_us, &mal_delay_us_ops, &mal_delay_us, 0600);
MODULE_PARM_DESC(delay_us, "Longest delay at each place, in us; 0: none (test builds)");
module_param_cb(delays, &mal_delay_counts_ops, NULL, 0400);
MODULE_PARM_DESC(delays, "Number of times that each place was reached (test builds)");
