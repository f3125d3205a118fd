/* SPDX-License-Identifier: GPL-2.0 */
/*
 * program.h: what an input of the fuzzer means
 *
 * An input is a sequence of records of fixed size, each of which is one system
 * call. Whatever the bytes are, they mean something: a field is drawn from what
 * is worth trying in its place, most often something valid, so that a sequence
 * gets somewhere.
 *
 *	byte  0     1    2     3      4   5     6   7        22  23
 *	      verb  who  size  place  how what  how what ... how what
 *	                              field 0   field 1      field 9
 *
 * who: bits 0-1 the thread, 2-3 the open file, 4 this file even if a handle
 * is of another. Threads run their records in order, beside each other.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stddef.h>
#include <stdint.h>

enum {
	RECORD_FIELDS = 10,
	RECORDS_MAX = 64,
	THREADS = 4,
	FILES = 4,
};

struct draw {
	uint8_t how;
	uint8_t what;
};

struct record {
	uint8_t verb;
	uint8_t who;
	uint8_t size;
	uint8_t place;
	struct draw field[RECORD_FIELDS];
};

struct verb;
struct thread;

/* By the number in a record, whatever it is. */
const struct verb *verb_of(const struct record *record);
const char *verb_name(const struct verb *verb);
unsigned int verb_number(const char *name);

/*
 * Carry out the record at @at of the @count that the thread has. Return: how
 * many it took: a batch takes more than its own.
 */
unsigned int verb_run(struct thread *thread, const struct record *records,
		      unsigned int count, unsigned int at);

/*
 * No failure that was asked for is still to come. The second, for another thread,
 * in the middle of its system call.
 */
void verb_stop_failing(struct thread *thread);
void verb_stop_failing_of(struct thread *thread);

/* Carry out an input, in all its threads. */
void program_run(const struct record *records, unsigned int count);
void program_start(void);

#endif /* PROGRAM_H */
