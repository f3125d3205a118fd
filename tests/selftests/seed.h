/* SPDX-License-Identifier: GPL-2.0 */
/*
 * seed.h: reproducible random numbers
 *
 * A test takes its seed from the clock, or from MEMALLOC_SEED in the
 * environment, and prints it; the same seed makes the same sequence.
 */
#ifndef SEED_H
#define SEED_H

#include <stdlib.h>
#include <time.h>

#include <linux/types.h>

static inline __u64 seed_choose(void)
{
	const char *wish = getenv("MEMALLOC_SEED");
	struct timespec now;

	if (wish)
		return strtoull(wish, NULL, 0);
	clock_gettime(CLOCK_REALTIME, &now);
	return (__u64)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* splitmix64: accepts any seed, including consecutive ones. */
static inline __u64 seed_next(__u64 *seed)
{
	__u64 word = *seed += 0x9e3779b97f4a7c15;

	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
	word = (word ^ word >> 27) * 0x94d049bb133111eb;
	return word ^ word >> 31;
}

/* Return: a number in [0, below). */
static inline __u64 seed_below(__u64 *seed, __u64 below)
{
	return seed_next(seed) % below;
}

/* Choose, print and store the seed of a test. */
#define SEED_PRINT(seed) \
	TH_LOG("seed: MEMALLOC_SEED=%llu", (unsigned long long)((seed) = seed_choose()))

#endif /* SEED_H */
