// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/memalloc: the order of its sections
 *
 * Each layer prints its own section; this file only determines the order. The
 * first line is a format version. It changes when existing output is changed or
 * removed, not when output is added.
 *
 * A section is printed as one record, except that of the caches: there may be
 * very many, so each cache is a record. seq_file requests the records one by
 * one, as far as the reader reads. Only the position of the last record is
 * remembered. Any other one is searched for from the beginning.
 *
 * Only root may read the file, like /proc/slabinfo and /proc/vmallocinfo: it
 * shows how all programs and modules use memory. An open file keeps the module
 * loaded. Otherwise unload would wait, unkillably, for a reader that is stalled
 * by its own page fault handler (userfaultfd, FUSE).
 *
 * Context: task.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

#include <uapi/linux/memalloc.h>

#include "internal/borrow.h"
#include "internal/device.h"
#include "internal/host_free.h"
#include "internal/kmalloc.h"
#include "internal/mempool.h"
#include "internal/node.h"
#include "internal/percpu.h"
#include "internal/proc.h"
#include "internal/report.h"
#include "internal/slab_cache.h"
#include "internal/vmalloc_area.h"

static void mal_proc_version_show(struct seq_file *m)
{
	seq_printf(m, "memalloc version %d\n", MEMALLOC_ABI_VERSION);
}

/**
 * struct mal_proc_section - a section, or the header of one
 * @show: prints the section or its header
 * @next: advances from the number of a record to the next one. Returns
 *	false if there is none. NULL: the section is one record
 * @show_one: prints a record
 */
struct mal_proc_section {
	void (*show)(struct seq_file *m);
	bool (*next)(unsigned long *id);
	void (*show_one)(struct seq_file *m, unsigned long id);
};

static const struct mal_proc_section mal_proc_sections[] = {
	{ mal_proc_version_show },
	{ mal_borrow_show },
	{ mal_zone_show },
	{ mal_slab_show, mal_slab_show_next, mal_slab_show_one },
	{ mal_kmalloc_show },
	{ mal_slab_leaks_show },
	{ mal_mempool_show },
	{ mal_percpu_show },
	{ mal_vmalloc_show },
	{ mal_device_show },
	{ mal_host_free_show },
	{ mal_report_show },
};

/**
 * struct mal_proc_reader - position of a reader
 * @pos: number of the current record
 * @section: section of the record
 * @id: number of the record in the section, or zero for the header
 *
 * Protected by seq_file.lock.
 */
struct mal_proc_reader {
	loff_t pos;
	unsigned int section;
	unsigned long id;
};

/* End the output if the task is being killed. */
static void *mal_proc_piece(struct mal_proc_reader *reader)
{
	return reader->section < ARRAY_SIZE(mal_proc_sections) &&
	       !fatal_signal_pending(current) ? reader : NULL;
}

static void mal_proc_step(struct mal_proc_reader *reader)
{
	const struct mal_proc_section *section = &mal_proc_sections[reader->section];

	reader->pos++;
	if (section->next && section->next(&reader->id))
		return;
	reader->section++;
	reader->id = 0;
}

static void *mal_proc_start(struct seq_file *m, loff_t *pos)
{
	struct mal_proc_reader *reader = m->private;

	if (*pos < reader->pos)
		*reader = (struct mal_proc_reader) { };
	while (reader->pos < *pos && mal_proc_piece(reader)) {
		mal_proc_step(reader);
		cond_resched();
	}
	return mal_proc_piece(reader);
}

static void *mal_proc_next(struct seq_file *m, void *piece, loff_t *pos)
{
	mal_proc_step(piece);
	++*pos;
	return mal_proc_piece(piece);
}

static void mal_proc_stop(struct seq_file *m, void *piece)
{
}

static int mal_proc_show(struct seq_file *m, void *piece)
{
	const struct mal_proc_reader *reader = piece;
	const struct mal_proc_section *section = &mal_proc_sections[reader->section];

	if (reader->id)
		section->show_one(m, reader->id);
	else
		section->show(m);
	return 0;
}

static const struct seq_operations mal_proc_pieces = {
	.start = mal_proc_start,
	.next = mal_proc_next,
	.stop = mal_proc_stop,
	.show = mal_proc_show,
};

static int mal_proc_open(struct inode *inode, struct file *filp)
{
	int err;

	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	err = seq_open_private(filp, &mal_proc_pieces,
			       sizeof(struct mal_proc_reader));
	if (err)
		module_put(THIS_MODULE);
	return err;
}

/*
 * remove_proc_entry() waits for this to return, so the module may be put here.
 */
static int mal_proc_release(struct inode *inode, struct file *filp)
{
	int err = seq_release_private(inode, filp);

	module_put(THIS_MODULE);
	return err;
}

static const struct proc_ops mal_proc_ops = {
	.proc_open = mal_proc_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = mal_proc_release,
};

/**
 * mal_proc_init() - create /proc/memalloc
 *
 * Context: task.
 * Return: 0, or -ENOMEM.
 */
int mal_proc_init(void)
{
	return proc_create("memalloc", 0400, NULL, &mal_proc_ops) ? 0 : -ENOMEM;
}

/**
 * mal_proc_exit() - remove /proc/memalloc
 *
 * No file is open: an open file keeps the module loaded.
 *
 * Context: task.
 */
void mal_proc_exit(void)
{
	remove_proc_entry("memalloc", NULL);
}
