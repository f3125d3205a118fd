/* SPDX-License-Identifier: GPL-2.0 */
/*
 * coverage.h: which blocks of the module an input has reached
 */
#ifndef COVERAGE_H
#define COVERAGE_H

/* Read the list of blocks that blocks.awk makes. */
void coverage_read(const char *path);

/* By each thread itself, once: its system calls are followed from now on. */
void coverage_start(unsigned int thread);

/* Begin an input; hand what it has reached to the engine. */
void coverage_clear(void);
void coverage_collect(void);

/* Blocks reached since the start, as offsets, a line for each. */
void coverage_write(const char *path);

#endif /* COVERAGE_H */
