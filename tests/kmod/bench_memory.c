// SPDX-License-Identifier: GPL-2.0
/*
 * Memory usage: hold objects, so that user space can measure their cost
 *
 * For each kind of object of the mixed workloads and each side there is a file,
 * for example memory/host-kmalloc. Writing a command to it changes the objects
 * held:
 *
 *	fill	allocate the object of each slot of the trace
 *	churn	run the trace, which replaces the objects
 *	thin	free three of four objects at random
 *	drain	free all objects
 *
 * Reading it returns the number of bytes requested for the objects held.
 * /proc/slabinfo and /proc/memalloc show the memory used for them: see
 * tests/bench/guest-memory.
 *
 * Context: task; sleeps.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "bench_memory.h"
#include "bench_mixed.h"

/* About 8 MiB of small objects. The trace replaces each lasting one once. */
#define BENCH_MEMORY_SLOTS	32768U
#define BENCH_MEMORY_STEPS	(12 * BENCH_MEMORY_SLOTS)

/**
 * struct bench_memory - objects held
 * @kind: their kind
 * @ops: operations of their side
 * @pool: their pool; NULL if none are held
 * @objects: the object of each slot, or NULL
 * @thinned: some slots are empty
 */
struct bench_memory {
	const struct bench_mixed_kind *kind;
	const struct bench_mixed_ops *ops;
	struct bench_mixed_pool *pool;
	void **objects;
	bool thinned;
};

static struct bench_memory bench_memories[BENCH_NR_MIXED][BENCH_NR_SIDES];
static DEFINE_MUTEX(bench_memory_lock); /* protects the array */

static size_t bench_memory_object(const struct bench_memory *memory, unsigned int slot)
{
	const struct bench_trace *trace = &memory->pool->trace;
	unsigned int size = trace->profile->classes[trace->first[slot]].size;

	return memory->kind->orders ? PAGE_SIZE << size : size;
}

static size_t bench_memory_bytes(const struct bench_memory *memory)
{
	unsigned int slot;
	size_t bytes = 0;

	for (slot = 0; memory->pool && slot < memory->pool->trace.nr_slots; slot++)
		if (memory->objects[slot])
			bytes += bench_memory_object(memory, slot);
	return bytes;
}

/* Destroy the pool. The caller has freed its objects. */
static void bench_memory_close(struct bench_memory *memory)
{
	memory->ops->close(memory->pool);
	kvfree(memory->objects);
	memory->pool = NULL;
	memory->objects = NULL;
	memory->thinned = false;
}

static void bench_memory_free(struct bench_memory *memory, unsigned int slot)
{
	const struct bench_trace *trace = &memory->pool->trace;

	if (memory->objects[slot])
		memory->ops->free(memory->pool, trace->first[slot], memory->objects[slot]);
	memory->objects[slot] = NULL;
}

static int bench_memory_fill(struct bench_memory *memory)
{
	unsigned int divisor = memory->kind->orders ? 4 : 1; /* pages are large */
	int err;

	if (memory->pool)
		return -EBUSY;
	memory->objects = kvcalloc(BENCH_MEMORY_SLOTS, sizeof(void *), GFP_KERNEL);
	if (!memory->objects)
		return -ENOMEM;
	memory->pool = memory->ops->open("memory", BENCH_MEMORY_SLOTS / divisor,
					 BENCH_MEMORY_STEPS / divisor);
	if (!memory->pool) {
		kvfree(memory->objects);
		return -ENOMEM;
	}
	err = memory->ops->fill(memory->pool, memory->objects);
	if (err)
		bench_memory_close(memory);
	return err;
}

static int bench_memory_churn(struct bench_memory *memory)
{
	int err;

	if (!memory->pool || memory->thinned)
		return -ENODATA;
	err = memory->ops->replay(memory->pool, memory->objects);
	if (err)
		bench_memory_close(memory);
	return err;
}

static int bench_memory_thin(struct bench_memory *memory)
{
	struct rnd_state random;
	unsigned int slot;

	if (!memory->pool)
		return -ENODATA;
	memory->thinned = true;
	prandom_seed_state(&random, 1);
	for (slot = 0; slot < memory->pool->trace.nr_slots; slot++)
		if (prandom_u32_state(&random) % 4)
			bench_memory_free(memory, slot);
	return 0;
}

static int bench_memory_drain(struct bench_memory *memory)
{
	unsigned int slot;

	if (!memory->pool)
		return 0;
	for (slot = 0; slot < memory->pool->trace.nr_slots; slot++)
		bench_memory_free(memory, slot);
	bench_memory_close(memory);
	return 0;
}

static const struct {
	const char *word;
	int (*call)(struct bench_memory *memory);
} bench_memory_commands[] = {
	{ "fill",	bench_memory_fill },
	{ "churn",	bench_memory_churn },
	{ "thin",	bench_memory_thin },
	{ "drain",	bench_memory_drain },
};

static int bench_memory_do(struct bench_memory *memory, const char *word)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(bench_memory_commands); i++)
		if (sysfs_streq(word, bench_memory_commands[i].word))
			break;
	if (i == ARRAY_SIZE(bench_memory_commands))
		return -EINVAL;
	mutex_lock(&bench_memory_lock);
	err = bench_memory_commands[i].call(memory);
	mutex_unlock(&bench_memory_lock);
	return err;
}

static ssize_t bench_memory_write(struct file *file, const char __user *buffer,
				  size_t length, loff_t *offset)
{
	char word[16] = "";
	int err;

	if (length >= sizeof(word))
		return -EINVAL;
	if (copy_from_user(word, buffer, length))
		return -EFAULT;
	err = bench_memory_do(file->private_data, word);
	return err ?: length;
}

static ssize_t bench_memory_read(struct file *file, char __user *buffer, size_t length,
				 loff_t *offset)
{
	char text[24];
	int n;

	mutex_lock(&bench_memory_lock);
	n = scnprintf(text, sizeof(text), "%zu\n", bench_memory_bytes(file->private_data));
	mutex_unlock(&bench_memory_lock);
	return simple_read_from_buffer(buffer, length, offset, text, n);
}

static const struct file_operations bench_memory_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = bench_memory_read,
	.write = bench_memory_write,
	.llseek = default_llseek,
};

/**
 * bench_memory_init() - create the files
 * @root: directory of the module
 *
 * Context: task; sleeps.
 */
void bench_memory_init(struct dentry *root)
{
	static const char * const sides[] = { "host", "memalloc" };
	struct dentry *dir = debugfs_create_dir("memory", root);
	unsigned int kind, side;

	for (kind = 0; kind < BENCH_NR_MIXED; kind++) {
		for (side = 0; side < BENCH_NR_SIDES; side++) {
			struct bench_memory *memory = &bench_memories[kind][side];
			char name[32];

			memory->kind = &bench_mixed_kinds[kind];
			memory->ops = memory->kind->ops[side];
			snprintf(name, sizeof(name), "%s-%s", sides[side],
				 memory->kind->name);
			debugfs_create_file(name, 0600, dir, memory, &bench_memory_fops);
		}
	}
}

/**
 * bench_memory_exit() - free all objects; the files have been removed
 *
 * Context: task; sleeps.
 */
void bench_memory_exit(void)
{
	unsigned int kind, side;

	for (kind = 0; kind < BENCH_NR_MIXED; kind++)
		for (side = 0; side < BENCH_NR_SIDES; side++)
			bench_memory_drain(&bench_memories[kind][side]);
}
