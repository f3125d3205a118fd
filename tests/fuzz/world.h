/* SPDX-License-Identifier: GPL-2.0 */
/*
 * world.h: state shared by the system calls of an input
 *
 * Open files, handles and mappings are identified by small numbers, so that a
 * record can use results of another one. All addresses passed to the kernel are
 * in areas reserved once, so the kernel cannot overwrite other memory, and no
 * other mapping can take the place of a removed one.
 */
#ifndef WORLD_H
#define WORLD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "program.h"

enum {
	SLOTS = 16,
	WINDOWS = 2,			/* per thread */
	WINDOW_BYTES = 8 << 20,		/* the largest allocation, plus headroom */
	ARENA_BYTES = 8 << 20,
	FIRST_FD = 200,			/* above the numbers of other files */
};

/* A present or former allocation. */
struct slot {
	_Atomic uint64_t handle;
	_Atomic uint64_t bytes;
	_Atomic uint64_t map_offset;
	_Atomic int file;
};

/* An address range for a mapping; only used by its own thread. */
struct window {
	char *start;
	size_t length;			/* mapped at present */
	bool used;			/* mapped by the current input */
	bool readable;
	bool writable;
};

/*
 * Pages for an argument: the first two are writable, the third is read-only,
 * and the fourth is unmapped. @alias is writable throughout.
 */
struct argument_area {
	char *alias;
	char *view;
};

struct thread {
	unsigned int number;
	struct window window[WINDOWS];
	struct argument_area area;
	int pipe[2];			/* references pages of mappings */
	int fail_nth;			/* file descriptor, or -1 */
	_Atomic bool failing;		/* the current system call may fail inside */
	_Atomic unsigned int turn;	/* system calls started and finished: odd during a call */
	pthread_mutex_t signalling;	/* serializes signals and failure requests */
	pthread_t id;
};

extern struct slot world_slots[SLOTS];
extern struct thread world_threads[THREADS];
extern char *world_arena;		/* ends at an unmapped page */

int world_fd(unsigned int file);
int world_open(unsigned int file, int flags);
void world_close(unsigned int file);
bool world_set(const char *parameter, unsigned int value);

void world_start(void);
void world_thread_start(struct thread *thread);
void world_end_of_input(void);

#endif /* WORLD_H */
