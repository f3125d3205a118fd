/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tally.h: the checks of a validation, counted and reported
 */
#ifndef _MAL_TALLY_H
#define _MAL_TALLY_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "internal/report.h"

/**
 * struct mal_tally - result of a validation
 * @checked: number of checks
 * @errors: number of failed checks, each of which has been reported
 */
struct mal_tally {
	u64 checked;
	u64 errors;
};

/**
 * mal_tally_check() - count a check, and report it if it has failed
 * @tally: the result so far
 * @ok: the condition
 * @fmt: format of the report, and its arguments, which are evaluated only if
 *	the check has failed
 *
 * Context: as for mal_report().
 */
#define mal_tally_check(tally, ok, fmt, ...) do {			\
	struct mal_tally *_tally = (tally);				\
									\
	_tally->checked++;						\
	if (unlikely(!(ok))) {						\
		_tally->errors++;					\
		mal_report(MAL_REPORT_CORRUPTION, 0, fmt, ##__VA_ARGS__); \
	}								\
} while (0)

#endif /* _MAL_TALLY_H */
