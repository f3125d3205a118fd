// SPDX-License-Identifier: GPL-2.0
/*
 * A client of memalloc that acts as a typical driver
 *
 * Loading the module binds a driver to a device and makes requests in all
 * contexts on all CPUs. The device keeps its memory until the module is
 * removed. The parameters show the results: "wrong" must be zero.
 *
 * leak=NUMBER leaks that many pages, large objects and small objects of each
 * kind, and a cache with that many objects. foreign=1 frees memory of the host.
 * memalloc has to report both.
 */
#include <linux/bitmap.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "internal/compat.h"

#include "client.h"

#define CLIENT_BURST	16

static unsigned int rounds = 50;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "Rounds of requests on each CPU (default: 50)");

static unsigned int leak;
module_param(leak, uint, 0444);
MODULE_PARM_DESC(leak, "Number of pages and objects of each kind to leak (default: 0)");

static bool foreign;
module_param(foreign, bool, 0444);
MODULE_PARM_DESC(foreign, "Free memory of the host (default: N)");

static int client_get_count(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%ld\n", atomic_long_read(kp->arg));
}

static const struct kernel_param_ops client_count_ops = {
	.get = client_get_count,
};

module_param_cb(wrong, &client_count_ops, &client_wrong, 0444);
MODULE_PARM_DESC(wrong, "Errors found");
module_param_cb(missed, &client_count_ops, &client_missed, 0444);
MODULE_PARM_DESC(missed, "Requests that failed for lack of memory");
module_param_cb(task, &client_count_ops, &client_made[CONTEXT_TASK], 0444);
MODULE_PARM_DESC(task, "Requests made by threads");
module_param_cb(timer, &client_count_ops, &client_made[CONTEXT_TIMER], 0444);
MODULE_PARM_DESC(timer, "Requests made by timers");
module_param_cb(tasklet, &client_count_ops, &client_made[CONTEXT_TASKLET], 0444);
MODULE_PARM_DESC(tasklet, "Requests made by tasklets");
module_param_cb(irq_work, &client_count_ops, &client_made[CONTEXT_IRQ_WORK], 0444);
MODULE_PARM_DESC(irq_work, "Requests made by irq_work");
module_param_cb(hrtimer, &client_count_ops, &client_made[CONTEXT_HRTIMER], 0444);
MODULE_PARM_DESC(hrtimer, "Requests made by high-resolution timers");

/* Keep the compiler from removing a leaked allocation. */
static void client_forget(const void *memory)
{
	OPTIMIZER_HIDE_VAR(memory);
}

/* Leak seven objects, each from a different function. */
static void client_leak_small(void)
{
	char bytes[40] = "forgotten";

	client_forget(kmalloc(sizeof(bytes), GFP_KERNEL));
	client_forget(kmemdup(bytes, sizeof(bytes), GFP_KERNEL));
	client_forget(kstrdup(bytes, GFP_KERNEL));
	client_forget(kstrndup(bytes, 5, GFP_KERNEL));
	client_forget(kasprintf(GFP_KERNEL, "%s %d", bytes, 1));
	client_forget(krealloc(NULL, sizeof(bytes), GFP_KERNEL));
	client_forget(kvmalloc(sizeof(bytes), GFP_KERNEL));
}

static void client_leak_cache(void)
{
	struct kmem_cache *cache;
	unsigned int i;

	cache = kmem_cache_create("client_forgotten", 48, 0, 0, NULL);
	for (i = 0; cache && i < leak; i++)
		client_forget(kmem_cache_alloc(cache, GFP_KERNEL));
}

static void client_leak(void)
{
	unsigned int i;

	for (i = 0; i < leak; i++) {
		client_forget(kmalloc(20000, GFP_KERNEL));
		client_forget(alloc_page(GFP_KERNEL));
		client_leak_small();
	}
	if (leak)
		client_leak_cache();
}

/* bitmap_zalloc() allocates from the host, so our kfree() has to refuse it. */
static void client_free_foreign(void)
{
	unsigned long *bitmap = bitmap_zalloc(1000, GFP_KERNEL);

	kfree(bitmap);
	bitmap_free(bitmap);
}

static void client_run(unsigned int cpu, enum context context)
{
	if (!context_is_right(context))
		atomic_long_inc(&client_wrong);
	client_submit(context, CLIENT_BURST);
	client_complete(CLIENT_BURST / 2);
}

static void client_end_round(unsigned int cpu)
{
	client_complete(3 * CLIENT_BURST);
}

static const struct context_ops client_ops = {
	.run = client_run,
	.end = client_end_round,
};

static int __init client_init(void)
{
	int err = client_requests_init();

	if (err)
		return err;
	err = client_driver_init();
	if (err)
		goto err_requests;
	err = contexts_run(&client_ops, rounds);
	if (err)
		goto err_driver;
	if (foreign)
		client_free_foreign();
	return 0;

err_driver:
	client_driver_exit();
err_requests:
	client_requests_exit();
	return err;
}

static void __exit client_exit(void)
{
	client_driver_exit();
	client_requests_exit();
	client_leak();
}

module_init(client_init);
module_exit(client_exit);

MODULE_DESCRIPTION("A driver on memalloc");
MODULE_LICENSE("GPL");
MAL_IMPORT();
