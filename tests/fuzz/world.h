/* SPDX-License-Identifier: GPL-2.0 */
/*
 * world.h: what the system calls of an input share
 *
 * Open files, handles and mappings are known by small numbers, so that what
 * one record makes another can use. All addresses that the kernel is given lie
 * in areas that are reserved for it once: it can overwrite nothing else, and
 * no other mapping comes to lie where one has just gone.
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
	WINDOWS = 2,			/* of each thread */
	WINDOW_BYTES = 8 << 20,		/* the largest allocation, and room */
	ARENA_BYTES = 8 << 20,
	FIRST_FD = 200,			/* no other file gets such a number */
};

/* An allocation, or what was one. */
struct slot {
	_Atomic uint64_t handle;
	_Atomic uint64_t bytes;
	_Atomic uint64_t map_offset;
	_Atomic int file;
};

/* A place for a mapping; touched by its own thread only. */
struct window {
	char *start;
	size_t length;			/* mapped now */
	bool used;			/* something has been mapped by this input */
	bool readable;
	bool writable;
};

/*
 * The pages that an argument may lie in: the first two can be written, the
 * third cannot, and the fourth is not there. @alias can be written throughout.
 */
struct argument_area {
	char *alias;
	char *view;
};

struct thread {
	unsigned int number;
	struct window window[WINDOWS];
	struct argument_area area;
	int pipe[2];			/* that holds pages of mappings */
	int fail_nth;			/* file descriptor, or -1 */
	_Atomic bool failing;		/* the next system call may fail inside */
	_Atomic unsigned int turn;	/* system calls begun and ended: odd, in one */
	pthread_mutex_t signalling;	/* no signal is sent, and no failure asked for */
	pthread_t id;
};

extern struct slot world_slots[SLOTS];
extern struct thread world_threads[THREADS];
extern char *world_arena;		/* behind it is nothing */

int world_fd(unsigned int file);
int world_open(unsigned int file, int flags);
void world_close(unsigned int file);
bool world_set(const char *parameter, unsigned int value);

void world_start(void);
void world_thread_start(struct thread *thread);
void world_end_of_input(void);

#endif /* WORLD_H */
