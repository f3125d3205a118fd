/* SPDX-License-Identifier: GPL-2.0 */
/*
 * program.h: format of the fuzzer's inputs
 *
 * An input is a sequence of records of fixed size; each is a system call. Any
 * bytes are a valid input: a field is drawn from values worth testing in its
 * place, most often valid ones, so that sequences get far.
 *
 *	byte  0     1       2     3      4   5     6   7        22  23
 *	      call  origin  size  place  how what  how what ... how what
 *	                                 field 0   field 1      field 9
 *
 * Bits 0-1 of "origin" select the thread, bits 2-3 the open file; bit 4 uses
 * that file even if a handle belongs to another one. The threads run
 * concurrently, each its records in order.
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
	uint8_t call;
	uint8_t origin;
	uint8_t size;
	uint8_t place;
	struct draw field[RECORD_FIELDS];
};

struct call;
struct thread;

/* Returns the call of a record; any number is valid. */
const struct call *call_of(const struct record *record);
const char *call_name(const struct call *call);
unsigned int call_number(const char *name);

/*
 * Run the record at @at of the thread's @count records. Returns the number of
 * records used: a batch uses several.
 */
unsigned int call_run(struct thread *thread, const struct record *records,
		      unsigned int count, unsigned int at);

/*
 * Cancel a pending failure. The second function is for another thread during
 * its system call.
 */
void call_stop_failing(struct thread *thread);
void call_stop_failing_of(struct thread *thread);

/* Run an input in all its threads. */
void program_run(const struct record *records, unsigned int count);
void program_start(void);

#endif /* PROGRAM_H */
