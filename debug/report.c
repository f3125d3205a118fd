// SPDX-License-Identifier: GPL-2.0
/*
 * Reports: kind, culprit and number of detected misuses
 *
 * Every misuse that a layer detects is counted here exactly, and logged within
 * a rate limit. A report never stops the system: the layer that detected the
 * misuse keeps the memory out of use and continues.
 *
 * A report is one line, suitable for grep:
 *
 *	memalloc: report: double_free by caller+0x12/0x40 [module]: ...
 *
 * Context: any, including NMI, where printk() defers its output. No lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/seq_file.h>

#include <uapi/linux/memalloc.h>

#include "internal/kunit.h"
#include "internal/report.h"

static const char * const mal_report_names[MAL_NR_REPORTS] = {
	[MAL_REPORT_DOUBLE_FREE] = "double_free",
	[MAL_REPORT_FOREIGN_FREE] = "foreign_free",
	[MAL_REPORT_WRONG_FREE] = "wrong_free",
	[MAL_REPORT_LOST_REFERENCE] = "lost_reference",
	[MAL_REPORT_CORRUPTION] = "corruption",
	[MAL_REPORT_USE_AFTER_FREE] = "use_after_free",
	[MAL_REPORT_OVERFLOW] = "overflow",
};

static atomic_long_t mal_report_counts[MAL_NR_REPORTS];

static DEFINE_RATELIMIT_STATE(mal_report_limit, DEFAULT_RATELIMIT_INTERVAL,
			      DEFAULT_RATELIMIT_BURST);

/**
 * mal_report() - count and log a misuse
 * @what: kind of misuse
 * @caller: code address of the culprit, or zero if it is unknown
 * @fmt: rest of the line: describes the memory
 *
 * Context: any.
 * Return: true if it was logged, and more may be logged.
 */
bool mal_report(enum mal_report what, unsigned long caller, const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;

	atomic_long_inc(&mal_report_counts[what]);
	if (!__ratelimit(&mal_report_limit))
		return false;
	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	if (caller)
		pr_err("report: %s by %pS: %pV\n", mal_report_names[what],
		       (void *)caller, &vaf);
	else
		pr_err("report: %s: %pV\n", mal_report_names[what], &vaf);
	va_end(args);
	return true;
}

static atomic_long_t mal_uncharged;

/**
 * mal_report_uncharged() - count an allocation that a memory cgroup should pay
 * for
 * @caller: code address of the caller
 *
 * This is not misuse. It is logged once, so that a missing charge does not go
 * unnoticed. The call is made where allocations leave the fast path, so not all
 * of them are counted.
 *
 * Context: any.
 */
void mal_report_uncharged(unsigned long caller)
{
	atomic_long_inc(&mal_uncharged);
	pr_notice_once("__GFP_ACCOUNT and SLAB_ACCOUNT charge no memory cgroup; first asked for by %pS\n",
		       (void *)caller);
}

/**
 * mal_report_uncharged_count() - number of calls of mal_report_uncharged()
 *
 * Context: any.
 * Return: the number.
 */
u64 mal_report_uncharged_count(void)
{
	return atomic_long_read(&mal_uncharged);
}
MAL_EXPORT_FOR_KUNIT(mal_report_uncharged_count);

static u64 mal_report_count(enum mal_report what)
{
	return atomic_long_read(&mal_report_counts[what]);
}

/**
 * mal_report_stats() - read the number of reports
 * @stats: filled in
 *
 * Context: any.
 */
void mal_report_stats(struct memalloc_stats_reports *stats)
{
	*stats = (struct memalloc_stats_reports) {
		.double_free = mal_report_count(MAL_REPORT_DOUBLE_FREE),
		.foreign_free = mal_report_count(MAL_REPORT_FOREIGN_FREE),
		.wrong_free = mal_report_count(MAL_REPORT_WRONG_FREE),
		.lost_reference = mal_report_count(MAL_REPORT_LOST_REFERENCE),
		.corruption = mal_report_count(MAL_REPORT_CORRUPTION),
		.use_after_free = mal_report_count(MAL_REPORT_USE_AFTER_FREE),
		.overflow = mal_report_count(MAL_REPORT_OVERFLOW),
	};
}
MAL_EXPORT_FOR_KUNIT(mal_report_stats);

/**
 * mal_report_show() - print the section "reports"
 * @m: /proc/memalloc
 *
 * Context: task.
 */
void mal_report_show(struct seq_file *m)
{
	unsigned int i;

	seq_puts(m, "\n[reports]\n");
	for (i = 0; i < MAL_NR_REPORTS; i++)
		seq_printf(m, "%-20s %llu\n", mal_report_names[i],
			   mal_report_count(i));
}
