// SPDX-License-Identifier: GPL-2.0
/*
 * Run an input: its threads, each with its records
 *
 * The threads exist as long as the program. The first one is the caller; the
 * others are woken for inputs with records for them. A system call that takes
 * longer than a tick is interrupted by signals repeatedly: a wait for memory
 * must not last forever, and interrupted calls are worth testing.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "coverage.h"
#include "world.h"

enum { TICK_US = 30000 };

/* The records of each thread in the current input. */
static struct work {
	struct record record[RECORDS_MAX];
	unsigned int count;
	sem_t go;
	sem_t done;
} work[THREADS];

static void run_own(unsigned int number)
{
	struct work *own = &work[number];
	unsigned int at = 0;

	while (at < own->count)
		at += call_run(&world_threads[number], own->record, own->count, at);
	call_stop_failing(&world_threads[number]);
}

static void thread_start(unsigned int number)
{
	world_threads[number].number = number;
	world_thread_start(&world_threads[number]);
	coverage_start(number);
}

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore))
		;
}

static void *worker(void *arg)
{
	const unsigned int number = (struct work *)arg - work;

	thread_start(number);
	sem_post(&work[number].done);
	for (;;) {
		wait_for(&work[number].go);
		run_own(number);
		sem_post(&work[number].done);
	}
	return NULL;
}

static void on_signal(int number)
{
	(void)number;
}

/*
 * A failure of the kernel's own allocation for the signal would kill the
 * program. So failures are disabled until the signal has been delivered.
 */
static void interrupt(struct thread *thread)
{
	pthread_mutex_lock(&thread->signalling);
	call_stop_failing_of(thread);
	pthread_kill(thread->id, SIGUSR2);
	pthread_mutex_unlock(&thread->signalling);
}

static void *ticker(void *arg)
{
	unsigned int seen[THREADS] = {}, turn, i;

	(void)arg;
	for (;;) {
		usleep(TICK_US);
		for (i = 0; i < THREADS; i++) {
			turn = world_threads[i].turn;
			if (turn % 2 && turn == seen[i])
				interrupt(&world_threads[i]);
			seen[i] = turn;
		}
	}
	return NULL;
}

static void thread_create(void *(*start)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, start, arg))
		abort();
}

void program_start(void)
{
	const struct sigaction action = { .sa_handler = on_signal };
	unsigned int i;

	world_start();
	sigaction(SIGUSR2, &action, NULL);
	thread_start(0);
	for (i = 1; i < THREADS; i++) {
		sem_init(&work[i].go, 0, 0);
		sem_init(&work[i].done, 0, 0);
		thread_create(worker, &work[i]);
		wait_for(&work[i].done);
	}
	thread_create(ticker, NULL);
}

/* Open the files that the records use; the third one is read-only. */
static void open_files(const struct record *records, unsigned int count)
{
	static const int flags[FILES] = { O_RDWR, O_RDWR, O_RDONLY, O_RDWR };
	unsigned int i, used = 1;

	for (i = 0; i < count; i++)
		used |= 1U << (records[i].origin >> 2) % FILES;
	for (i = 0; i < FILES; i++)
		if (used & 1U << i)
			world_open(i, flags[i]);
}

void program_run(const struct record *records, unsigned int count)
{
	struct work *own;
	unsigned int i;

	if (count > RECORDS_MAX)
		count = RECORDS_MAX;
	open_files(records, count);
	for (i = 0; i < THREADS; i++)
		work[i].count = 0;
	for (i = 0; i < count; i++) {
		own = &work[records[i].origin % THREADS];
		own->record[own->count++] = records[i];
	}
	for (i = 1; i < THREADS; i++)
		if (work[i].count)
			sem_post(&work[i].go);
	run_own(0);
	for (i = 1; i < THREADS; i++)
		if (work[i].count)
			wait_for(&work[i].done);
	world_end_of_input();
}
