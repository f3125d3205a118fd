// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's KASAN tests, on memalloc
 *
 * memalloc's own checks find some misuse before KASAN does, and report it. The
 * tests accept either report. memalloc's reports are rate limited, so the tests
 * pause after each one.
 */
#include <linux/delay.h>
#include <linux/ratelimit_types.h>
#include <linux/string.h>

#include <uapi/linux/memalloc.h>

#include "internal/compat.h"
#include "internal/report.h"

static const char *conformance_report_in(const char *line, const char *report,
					 size_t len)
{
	return strnstr(line, report, len) ?:
	       strnstr(line, "memalloc: report: ", len);
}

static u64 conformance_reports(void)
{
	struct memalloc_stats_reports stats;

	mal_report_stats(&stats);
	return stats.double_free + stats.foreign_free + stats.wrong_free +
	       stats.lost_reference + stats.corruption + stats.use_after_free +
	       stats.overflow;
}

static void conformance_look(void)
{
	static u64 before;
	u64 now = conformance_reports();

	if (now != before)
		msleep(jiffies_to_msecs(DEFAULT_RATELIMIT_INTERVAL) /
		       DEFAULT_RATELIMIT_BURST + 100);
	before = now;
}

#define conformance_look		conformance_look
#define strnstr(line, report, len)	conformance_report_in(line, report, len)

#include "kasan_body.h"

MAL_IMPORT();
