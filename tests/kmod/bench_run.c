// SPDX-License-Identifier: GPL-2.0
/*
 * Measurement of one workload on both sides in turn, in threads bound to CPUs
 *
 * A run first finds the number of pairs of an allocation and a free for which
 * the host's allocator takes about the target time. Then both sides perform
 * that number in each repetition. The sides take turns, and each one comes
 * first equally often, so that changes over time (frequency, interrupts, state
 * of memory) affect both alike. The first repetitions warm up the CPU caches
 * and the parts of the allocators that adapt to the load.
 *
 * The threads run in step. They meet at a spinning barrier (bench_meet())
 * before and after each measurement, so that all of them know the result and
 * take the same decisions without a leader. The time of a repetition is that of
 * the slowest thread, minus the time to read the clock.
 *
 * If a body fails, its thread sets bench_run.err and leaves. The other threads
 * notice at the next barrier, and leave, too.
 *
 * Context: task; sleeps.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "bench.h"

#define BENCH_MAX_PAIRS	(1UL << 24)

static unsigned int target_us = 1000;
module_param(target_us, uint, 0644);
MODULE_PARM_DESC(target_us, "Target time of a repetition on the host's side, in microseconds (default: 1000)");

static unsigned int seed = 1;
module_param(seed, uint, 0644);
MODULE_PARM_DESC(seed, "Seed of the random orders (default: 1)");

/**
 * struct bench_member - a thread, with its state private to bench_run.c
 * @thread: state shared with the bodies
 * @task: the task
 * @done: completed when the thread has finished
 * @random: random state of its shuffle
 * @pool: pools of both sides; those of the first thread if shared
 * @tasklet: runs the body in softirq context
 * @body: the body for @tasklet
 * @err: its result
 */
struct bench_member {
	struct bench_thread thread;
	struct task_struct *task;
	struct completion done;
	struct rnd_state random;
	void *pool[BENCH_NR_SIDES];
	struct tasklet_struct tasklet;
	int (*body)(struct bench_thread *t);
	int err;
};

/**
 * struct bench_run - a measurement of a workload
 * @workload: the workload
 * @samples: results; written by the first thread
 * @arrived: number of arrivals at the barrier
 * @err: error that ended the run
 * @nr: number of threads
 * @members: the threads
 */
struct bench_run {
	const struct bench_workload *workload;
	struct bench_samples *samples;
	atomic_t arrived;
	int err;
	unsigned int nr;
	struct bench_member members[];
};

/**
 * bench_failed() - has the run failed?
 * @t: a thread of the run
 *
 * Return: true if a thread has failed.
 */
bool bench_failed(const struct bench_thread *t)
{
	return smp_load_acquire(&t->run->err); /* pairs with bench_fail() */
}

static void bench_fail(struct bench_thread *t, int err)
{
	smp_store_release(&t->run->err, err); /* pairs with bench_failed() */
}

/**
 * bench_meet() - barrier of all threads of a run
 * @t: the calling thread
 *
 * Return: true, or false if the run has failed.
 */
bool bench_meet(struct bench_thread *t)
{
	int target = ++t->meetings * t->run->nr;

	atomic_inc_return(&t->run->arrived);
	while (atomic_read_acquire(&t->run->arrived) < target && !bench_failed(t))
		bench_relax();
	return !bench_failed(t);
}

/**
 * bench_ring() - ring through which the threads of a run pass objects
 * @t: a thread of the run
 *
 * Return: an array of bench_thread.live slots, initially NULL.
 */
void **bench_ring(struct bench_thread *t)
{
	return t->run->members[0].thread.objects;
}

/*
 * Returns the time between bench_start() and bench_stop() with nothing in
 * between.
 */
static u64 bench_clock_ns(void)
{
	struct bench_thread nothing;
	u64 least = U64_MAX;
	int i;

	for (i = 0; i < 16; i++) {
		nothing.begin = ktime_get_ns();
		bench_stop(&nothing);
		least = min(least, nothing.end - nothing.begin);
	}
	return least;
}

/* The Fisher-Yates shuffle, in Durstenfeld's form. */
static void bench_shuffle(struct bench_thread *t, struct rnd_state *random)
{
	unsigned int i, j;

	for (i = 0; i < t->live; i++)
		t->shuffle[i] = i;
	for (i = t->live - 1; i > 0; i--) {
		j = prandom_u32_state(random) % (i + 1);
		swap(t->shuffle[i], t->shuffle[j]);
	}
}

static u64 bench_slowest_ns(const struct bench_run *run)
{
	u64 ns = 0;
	unsigned int i;

	for (i = 0; i < run->nr; i++) {
		const struct bench_thread *t = &run->members[i].thread;

		ns = max(ns, t->end - t->begin);
	}
	return ns;
}

static void bench_tasklet_fn(struct tasklet_struct *tasklet)
{
	struct bench_member *member = container_of(tasklet, struct bench_member,
						   tasklet);

	member->err = member->body(&member->thread);
}

/* Run the body in a tasklet on the CPU of the thread. */
static int bench_in_softirq(struct bench_member *member)
{
	local_bh_disable();
	tasklet_schedule(&member->tasklet);
	local_bh_enable();
	tasklet_unlock_wait(&member->tasklet);
	return member->err;
}

static int bench_body(struct bench_thread *t, enum bench_side side)
{
	struct bench_member *member = container_of(t, struct bench_member, thread);
	const struct bench_workload *w = t->run->workload;

	t->pool = member->pool[side];
	member->body = w->object->ops[side]->body[w->pattern->body];
	return w->pattern->softirq ? bench_in_softirq(member) : member->body(t);
}

/* Returns the time of one side for t->pairs, or 0 if the run has failed. */
static u64 bench_one(struct bench_thread *t, enum bench_side side)
{
	u64 clock = bench_clock_ns(), ns;
	int err;

	if (!bench_meet(t))
		return 0;
	err = bench_body(t, side);
	if (err)
		bench_fail(t, err);
	if (!bench_meet(t))
		return 0;
	cond_resched();
	ns = bench_slowest_ns(t->run);
	return ns > clock ? ns - clock : 1;
}

/* Find the number of pairs for which the host takes the target time. */
static bool bench_calibrate(struct bench_thread *t)
{
	u64 target = (u64)target_us * NSEC_PER_USEC, ns;

	for (t->pairs = t->live; t->pairs < BENCH_MAX_PAIRS; t->pairs *= 2) {
		ns = bench_one(t, BENCH_HOST);
		if (!ns)
			return false;
		if (ns > target / 2)
			return true;
	}
	return true;
}

/*
 * Measure both sides in alternating order. Start right after a tick, so that
 * the next one is as late as possible.
 */
static bool bench_both(struct bench_thread *t, unsigned int first,
		       u64 ns[BENCH_NR_SIDES])
{
	unsigned int turn;

	schedule_timeout_uninterruptible(1);
	for (turn = 0; turn < BENCH_NR_SIDES; turn++) {
		enum bench_side side = (first + turn) % BENCH_NR_SIDES;

		ns[side] = bench_one(t, side);
		if (!ns[side])
			return false;
	}
	return true;
}

static bool bench_repeat(struct bench_thread *t, struct rnd_state *random)
{
	struct bench_samples *samples = t->run->samples;
	unsigned int i, warmup = samples->warmups;
	u64 ns[BENCH_NR_SIDES];

	for (i = 0; i < warmup + samples->nr; i++) {
		bench_shuffle(t, random);
		if (!bench_both(t, i, ns))
			return false;
		if (!t->index && i >= warmup)
			memcpy(samples->ns[i - warmup], ns, sizeof(ns));
	}
	return true;
}

static int bench_thread_fn(void *data)
{
	struct bench_member *member = data;
	struct bench_thread *t = &member->thread;

	bench_shuffle(t, &member->random);
	if (bench_calibrate(t) && bench_repeat(t, &member->random) && !t->index)
		t->run->samples->pairs = t->pairs;
	kthread_complete_and_exit(&member->done, 0);
}

static void bench_member_exit(struct bench_member *member)
{
	kvfree(member->thread.objects);
	kvfree(member->thread.shuffle);
}

static int bench_member_init(struct bench_run *run, unsigned int index, int cpu)
{
	const struct bench_workload *w = run->workload;
	struct bench_member *member = &run->members[index];
	struct bench_thread *t = &member->thread;

	t->run = run;
	t->index = index;
	t->size = w->object->size;
	t->live = w->live;
	t->objects = kvcalloc(w->live, sizeof(*t->objects), GFP_KERNEL);
	t->shuffle = kvcalloc(w->live, sizeof(*t->shuffle), GFP_KERNEL);
	init_completion(&member->done);
	tasklet_setup(&member->tasklet, bench_tasklet_fn);
	prandom_seed_state(&member->random, seed + index);
	if (!t->objects || !t->shuffle)
		return -ENOMEM;
	member->task = kthread_create(bench_thread_fn, member, "memalloc_bench/%u", index);
	if (IS_ERR(member->task))
		return PTR_ERR(member->task);
	kthread_bind(member->task, cpu);
	return 0;
}

/* Stop threads that were created but never woken. */
static void bench_dismiss(struct bench_run *run)
{
	unsigned int i;

	for (i = 0; i < run->nr; i++)
		if (!IS_ERR_OR_NULL(run->members[i].task))
			kthread_stop(run->members[i].task);
}

static int bench_hire(struct bench_run *run)
{
	unsigned int i = 0;
	int cpu, err;

	for_each_online_cpu(cpu) {
		if (i == run->nr)
			return 0;
		err = bench_member_init(run, i++, cpu);
		if (err)
			return err;
	}
	return i == run->nr ? 0 : -ENODEV;
}

static void bench_wait(struct bench_run *run)
{
	unsigned int i;

	for (i = 0; i < run->nr; i++)
		wake_up_process(run->members[i].task);
	for (i = 0; i < run->nr; i++)
		wait_for_completion(&run->members[i].done);
}

static int bench_work(struct bench_run *run)
{
	int err;

	cpus_read_lock();
	err = bench_hire(run);
	if (!err)
		bench_wait(run);
	else
		bench_dismiss(run);
	cpus_read_unlock();
	return err ?: run->err;
}

static int bench_member_pools(struct bench_run *run, struct bench_member *member)
{
	const struct bench_object *object = run->workload->object;
	int side;

	for (side = 0; side < BENCH_NR_SIDES; side++) {
		member->pool[side] = object->ops[side]->open(object->size);
		if (!member->pool[side])
			return -ENOMEM;
	}
	return 0;
}

/* Open a pool for each side, shared by all threads or one for each thread. */
static int bench_pools_open(struct bench_run *run)
{
	const struct bench_workload *w = run->workload;
	unsigned int i;
	int err = 0;

	if (!w->object->ops[BENCH_HOST]->open)
		return 0;
	for (i = 0; i < run->nr && !err; i++) {
		if (i && !w->pattern->own)
			memcpy(run->members[i].pool, run->members[0].pool,
			       sizeof(run->members[i].pool));
		else
			err = bench_member_pools(run, &run->members[i]);
	}
	return err;
}

static void bench_pools_close(struct bench_run *run)
{
	const struct bench_workload *w = run->workload;
	unsigned int i, nr = w->pattern->own ? run->nr : 1;
	int side;

	for (i = 0; i < nr; i++)
		for (side = 0; side < BENCH_NR_SIDES; side++)
			if (run->members[i].pool[side])
				w->object->ops[side]->close(run->members[i].pool[side]);
}

/**
 * bench_measure() - measure a workload
 * @w: the workload
 * @samples: results; the caller sets nr and provides the arrays
 *
 * Context: task; sleeps until the measurement is complete.
 * Return: 0; -ENOMEM if the workload needs more memory than is available or
 * than memalloc may borrow; -ENODEV if too few CPUs are online.
 */
int bench_measure(const struct bench_workload *w, struct bench_samples *samples)
{
	unsigned int nr = w->pattern->threads, i;
	struct bench_run *run;
	int err;

	run = kzalloc(struct_size(run, members, nr), GFP_KERNEL);
	if (!run)
		return -ENOMEM;
	run->workload = w;
	run->samples = samples;
	run->nr = nr;
	err = bench_pools_open(run);
	if (!err)
		err = bench_work(run);
	bench_pools_close(run);
	for (i = 0; i < nr; i++)
		bench_member_exit(&run->members[i]);
	kfree(run);
	return err;
}
