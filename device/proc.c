// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/memalloc: the order of its sections
 *
 * Each layer prints itself; nothing is known here but who comes after whom.
 * The first line is a format version: it changes when something that was there
 * is changed or removed, not when something is added.
 *
 * Context: task.
 */
#include <linux/errno.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include <uapi/linux/memalloc.h>

#include "internal/device.h"
#include "internal/kmalloc.h"
#include "internal/loan.h"
#include "internal/mempool.h"
#include "internal/node.h"
#include "internal/percpu.h"
#include "internal/proc.h"
#include "internal/report.h"
#include "internal/slab_cache.h"
#include "internal/vmalloc_area.h"

static int mal_proc_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "memalloc version %d\n", MEMALLOC_ABI_VERSION);
	mal_borrowing_show(m);
	mal_zone_show(m);
	mal_slab_show(m);
	mal_kmalloc_show(m);
	mal_slab_leaks_show(m);
	mal_mempool_show(m);
	mal_percpu_show(m);
	mal_vmalloc_show(m);
	mal_device_show(m);
	mal_report_show(m);
	return 0;
}

/**
 * mal_proc_init() - make /proc/memalloc
 *
 * Context: task.
 * Return: 0, or -ENOMEM.
 */
int mal_proc_init(void)
{
	return proc_create_single("memalloc", 0444, NULL, mal_proc_show) ?
	       0 : -ENOMEM;
}

/**
 * mal_proc_exit() - remove /proc/memalloc
 *
 * Context: task. Waits for those who read it.
 */
void mal_proc_exit(void)
{
	remove_proc_entry("memalloc", NULL);
}
