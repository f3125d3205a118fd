/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dropin_test.h: declarations shared by files built with and without dropin.h
 */
#ifndef _MAL_DROPIN_TEST_H
#define _MAL_DROPIN_TEST_H

#define DROPIN_REFS_SEEN	256

/**
 * struct refs_seen - values recorded by the steps of the reference count test
 * @values: the values
 * @nr: number of @values
 */
struct refs_seen {
	long values[DROPIN_REFS_SEEN];
	unsigned int nr;
};

void dropin_refs_of_host(struct refs_seen *seen);
void dropin_refs_of_ours(struct refs_seen *seen);

#endif /* _MAL_DROPIN_TEST_H */
