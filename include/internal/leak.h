/* SPDX-License-Identifier: GPL-2.0 */
/*
 * leak.h: leaks of pages and areas, by call site
 */
#ifndef _MAL_LEAK_H
#define _MAL_LEAK_H

struct seq_file;

/* Maximum number of call sites per report. */
#define MAL_LEAK_SITES	32

/**
 * struct mal_leak_site - leaked memory of a call site
 * @caller: the call site; zero if its module is gone
 * @kind: kind of memory
 * @allocations: number of allocations
 * @pages: their pages
 */
struct mal_leak_site {
	unsigned long caller;
	unsigned int kind;
	unsigned long allocations;
	unsigned long pages;
};

/**
 * struct mal_leak_sites - leaked memory by call site
 * @sites: the call sites
 * @nr: number of entries in @sites
 * @others: number of allocations of call sites that did not fit
 */
struct mal_leak_sites {
	struct mal_leak_site sites[MAL_LEAK_SITES];
	unsigned int nr;
	unsigned long others;
};

void mal_leak_add(struct mal_leak_sites *sites, unsigned long caller,
		  unsigned int kind, unsigned long nr, unsigned long pages);

void mal_page_leak_show(struct seq_file *m);
void mal_page_leak_report_all(void);
int mal_page_leak_init(void);
void mal_page_leak_exit(void);

#endif /* _MAL_LEAK_H */
