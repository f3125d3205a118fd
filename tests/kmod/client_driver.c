// SPDX-License-Identifier: GPL-2.0
/*
 * A driver and its device: memory held while the driver is bound
 *
 * probe() allocates as drivers do: bytes, arrays, strings, pages, areas, a
 * mempool and per-CPU counters. It writes to all of them, and remove() checks
 * the contents. Much of the memory is device-managed, and is freed with the
 * device.
 *
 * Context: task.
 */
#include <linux/cleanup.h>
#include <linux/mempool.h>
#include <linux/percpu.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include <memalloc/owner.h>

#include "client.h"

#define CLIENT_SLOTS		100
#define CLIENT_AREA_BYTES	(5 * PAGE_SIZE)

/**
 * struct client_device - memory of the driver
 * @name: device-managed
 * @slots: device-managed
 * @buffer: a device-managed block of four pages
 * @area: vmalloc area
 * @pool: pool of at least four buffers
 * @counter: per-CPU counter
 */
struct client_device {
	char *name;
	u32 *slots;
	u8 *buffer;
	u8 *area;
	mempool_t *pool;
	u64 __percpu *counter;
};

static void client_must(bool ok, const char *what)
{
	if (likely(ok))
		return;
	atomic_long_inc(&client_wrong);
	pr_err("memalloc_client: %s\n", what);
}

static int client_allocate_managed(struct device *dev, struct client_device *client)
{
	void *early = devm_kmalloc(dev, 700, GFP_KERNEL);
	unsigned int i;
	u32 *slots;

	client->name = devm_kasprintf(dev, GFP_KERNEL, "client of %s", dev_name(dev));
	slots = devm_kcalloc(dev, 10, sizeof(*slots), GFP_KERNEL);
	client->buffer = (u8 *)devm_get_free_pages(dev, GFP_KERNEL | __GFP_ZERO, 2);
	if (!early || !client->name || !slots || !client->buffer)
		return -ENOMEM;
	devm_kfree(dev, early);
	slots[9] = 9;
	client->slots = devm_krealloc(dev, slots, CLIENT_SLOTS * sizeof(*slots),
				      GFP_KERNEL);
	if (!client->slots)
		return -ENOMEM;
	client_must(client->slots[9] == 9, "devm_krealloc() did not copy");
	client_must(mal_owns(client->slots) && mal_owns(client->name) &&
		    mal_owns(client->buffer), "device-managed memory is not memalloc's");
	for (i = 0; i < CLIENT_SLOTS; i++)
		client->slots[i] = i;
	return 0;
}

static void client_free(struct client_device *client)
{
	free_percpu(client->counter);
	mempool_destroy(client->pool);
	vfree(client->area);
}

static int client_allocate(struct client_device *client)
{
	int cpu;

	client->area = vzalloc(CLIENT_AREA_BYTES);
	client->pool = mempool_create_kmalloc_pool(4, 256);
	client->counter = alloc_percpu(u64);
	if (!client->area || !client->pool || !client->counter) {
		client_free(client);
		return -ENOMEM;
	}
	client_must(!memchr_inv(client->area, 0, CLIENT_AREA_BYTES),
		    "vzalloc() did not fill with zeroes");
	memset(client->area, 0xa5, CLIENT_AREA_BYTES);
	for_each_possible_cpu(cpu)
		client_must(!*per_cpu_ptr(client->counter, cpu),
			    "alloc_percpu() did not fill with zeroes");
	this_cpu_inc(*client->counter);
	return 0;
}

/* Memory freed in the same function, by its scope or explicitly. */
static void client_do_strings(void)
{
	static const u16 numbers[] = { 1, 2, 3 };
	char *copy = kstrdup("a string", GFP_KERNEL);
	char *part = kstrndup("a string", 3, GFP_KERNEL);
	void *same = kmemdup(numbers, sizeof(numbers), GFP_KERNEL);
	char *text = kasprintf(GFP_KERNEL, "%s of %d", "one", 2);
	const char *constant = kstrdup_const("constant", GFP_KERNEL);
	void *mine[] = { copy, part, same, text };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mine); i++)
		client_must(mal_owns(mine[i]), "a copy is not memalloc's");
	client_must(copy && !strcmp(copy, "a string"), "kstrdup()");
	client_must(part && !strcmp(part, "a s"), "kstrndup()");
	client_must(same && !memcmp(same, numbers, sizeof(numbers)), "kmemdup()");
	client_must(text && !strcmp(text, "one of 2"), "kasprintf()");
	client_must(constant && !strcmp(constant, "constant"), "kstrdup_const()");
	kfree_bulk(ARRAY_SIZE(mine), mine);
	kfree_const(constant);
}

/* Memory that starts small and grows beyond the limit of kmalloc(). */
static void client_do_growth(void)
{
	size_t size, length = 4;
	char *text = kvmalloc(length, GFP_KERNEL);
	char *more;

	client_must(text && mal_owns(text), "kvmalloc()");
	if (!text)
		return;
	strscpy(text, "abc", length);
	for (size = 64; size <= SZ_8M; size *= 8) {
		more = kvrealloc(text, size, GFP_KERNEL);
		if (!more)
			break;
		client_must(!strcmp(more, "abc"), "kvrealloc() did not copy");
		memset(more + length, 'x', size - length);
		length = size;
		text = more;
	}
	kvfree(text);
}

#ifdef DEFINE_FREE
static void client_do_scope(void)
{
	u8 *buffer __free(kfree) = kzalloc(300, GFP_KERNEL);

	client_must(buffer && mal_owns(buffer), "memory of a scope is not memalloc's");
}
#else
static void client_do_scope(void)
{
}
#endif

static void client_do_pages(void)
{
	unsigned long addr = __get_free_pages(GFP_KERNEL, 1);
	void *exact = alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL);
	struct page *page = alloc_page(GFP_KERNEL);

	client_must(addr && mal_owns((void *)addr), "__get_free_pages()");
	client_must(exact && mal_owns(exact), "alloc_pages_exact()");
	client_must(page && mal_owns_page(page), "alloc_page()");
	if (page) {
		get_page(page);
		put_page(page);
		put_page(page);
	}
	if (exact)
		free_pages_exact(exact, 3 * PAGE_SIZE);
	free_pages(addr, 1);
}

static void client_do_pool(mempool_t *pool)
{
	void *elements[8];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(elements); i++) {
		elements[i] = mempool_alloc(pool, GFP_KERNEL);
		memset(elements[i], i, 256);
	}
	for (i = 0; i < ARRAY_SIZE(elements); i++) {
		client_must(!memchr_inv(elements[i], i, 256), "mempool_alloc()");
		mempool_free(elements[i], pool);
	}
}

static int client_probe(struct platform_device *pdev)
{
	struct client_device *client;
	int err;

	client = devm_kzalloc(&pdev->dev, sizeof(*client), GFP_KERNEL);
	if (!client)
		return -ENOMEM;
	err = client_allocate_managed(&pdev->dev, client);
	if (!err)
		err = client_allocate(client);
	if (err)
		return err;
	platform_set_drvdata(pdev, client);
	client_do_strings();
	client_do_growth();
	client_do_scope();
	client_do_pages();
	client_do_pool(client->pool);
	return 0;
}

static void client_detach(struct platform_device *pdev)
{
	struct client_device *client = platform_get_drvdata(pdev);
	u64 count = 0;
	unsigned int i;
	int cpu;

	client_must(!strncmp(client->name, "client of ", 10), "the name is lost");
	for (i = 0; i < CLIENT_SLOTS && client->slots[i] == i; i++)
		;
	client_must(i == CLIENT_SLOTS, "the slots are lost");
	client_must(!memchr_inv(client->buffer, 0, 4 * PAGE_SIZE),
		    "the buffer is not zero");
	client_must(!memchr_inv(client->area, 0xa5, CLIENT_AREA_BYTES),
		    "the area is lost");
	for_each_possible_cpu(cpu)
		count += *per_cpu_ptr(client->counter, cpu);
	client_must(count == 1, "the count is lost");
	client_free(client);
}

static struct platform_driver client_driver = {
	.probe = client_probe,
	.driver = {
		.name = "memalloc_client",
		.suppress_bind_attrs = true,
	},
};

static struct platform_device *client_pdev;

/**
 * client_driver_init() - bind the driver to a device
 *
 * Context: task; sleeps.
 * Return: 0, or an error of the host.
 */
int client_driver_init(void)
{
	int err = platform_driver_register(&client_driver);

	if (err)
		return err;
	client_pdev = platform_device_register_simple("memalloc_client", -1, NULL, 0);
	if (IS_ERR(client_pdev)) {
		platform_driver_unregister(&client_driver);
		return PTR_ERR(client_pdev);
	}
	if (platform_get_drvdata(client_pdev))
		return 0;
	platform_device_unregister(client_pdev);
	platform_driver_unregister(&client_driver);
	return -ENOMEM;
}

/**
 * client_driver_exit() - unbind the driver
 *
 * Context: task; sleeps.
 */
void client_driver_exit(void)
{
	client_detach(client_pdev);
	platform_device_unregister(client_pdev);
	platform_driver_unregister(&client_driver);
}
