// SPDX-License-Identifier: GPL-2.0
/*
 * Requests: typical allocations of a driver in any context
 *
 * A request is an object of a cache with a constructor. It has a name, data of
 * a random size, and sometimes a page, all filled with contents derived from
 * the seed of the request. Requests wait in a queue. Completing a request
 * checks each byte and frees everything, the request itself sometimes after a
 * grace period. Completion may happen on another CPU and in another context
 * than the allocation.
 *
 * Locking: client_lock protects the queue; nothing is allocated or freed under
 * it.
 *
 * Context: any but NMI.
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include <memalloc/owner.h>

#include "client.h"

#define CLIENT_MAGIC	0x636c6965
#define CLIENT_MAX_DATA	12000

/**
 * struct client_request - a request
 * @magic: set by the constructor
 * @seed: determines the contents
 * @size: bytes of @data
 * @link: entry in the queue
 * @rcu: for the free after a grace period
 * @name: its name
 * @data: its data
 * @page: its page, or NULL
 */
struct client_request {
	u32 magic;
	u32 seed;
	size_t size;
	struct list_head link;
	struct rcu_head rcu;
	char *name;
	u8 *data;
	struct page *page;
};

atomic_long_t client_made[NR_CONTEXTS];
atomic_long_t client_wrong;
atomic_long_t client_missed;

static struct kmem_cache *client_cache;
static DEFINE_SPINLOCK(client_lock);
static LIST_HEAD(client_queue);
static atomic_t client_seed = ATOMIC_INIT(1);

static void client_construct(void *object)
{
	struct client_request *request = object;

	memset(request, 0, sizeof(*request));
	request->magic = CLIENT_MAGIC;
	INIT_LIST_HEAD(&request->link);
}

static void client_expect(bool ok, const char *what, u32 seed)
{
	if (likely(ok))
		return;
	atomic_long_inc(&client_wrong);
	pr_err_ratelimited("memalloc_client: request %u: %s\n", seed, what);
}

/* Pseudo-random value; the same for the same seed. */
static u32 client_mix(u32 seed)
{
	seed = (seed ^ (seed >> 16)) * 0x45d9f3b;
	seed = (seed ^ (seed >> 16)) * 0x45d9f3b;
	return seed ^ (seed >> 16);
}

static void client_fill(u8 *to, size_t size, u32 seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		to[i] = seed + i;
}

static bool client_is_filled(const u8 *from, size_t size, u32 seed)
{
	size_t i;

	for (i = 0; i < size && from[i] == (u8)(seed + i); i++)
		;
	return i == size;
}

static void client_release(struct client_request *request)
{
	u32 seed = request->seed;

	kfree(request->name);
	kfree_sensitive(request->data);
	if (request->page)
		__free_page(request->page);
	request->name = NULL;
	request->data = NULL;
	request->page = NULL;
	if (seed % 4)
		kmem_cache_free(client_cache, request);
	else
		kfree_rcu(request, rcu);
}

static struct client_request *client_new(gfp_t gfp)
{
	struct client_request *request = kmem_cache_alloc(client_cache, gfp);

	if (!request)
		return NULL;
	request->seed = atomic_inc_return(&client_seed);
	client_expect(mal_owns(request), "is not memalloc's", request->seed);
	client_expect(request->magic == CLIENT_MAGIC, "was not constructed",
		      request->seed);
	request->size = client_mix(request->seed) % CLIENT_MAX_DATA + 1;
	if (request->seed % 16)
		request->size = request->size % 512 + 1;
	request->name = kasprintf(gfp, "request %u", request->seed);
	request->data = kmalloc(request->size, gfp);
	if (request->seed % 8 == 0)
		request->page = alloc_page(gfp);
	if (request->name && request->data && (request->page || request->seed % 8))
		return request;
	client_release(request);
	return NULL;
}

static void client_write(struct client_request *request)
{
	client_expect(mal_owns(request->data), "data is not memalloc's",
		      request->seed);
	client_expect(ksize(request->data) >= request->size, "data is too small",
		      request->seed);
	client_fill(request->data, request->size, request->seed);
	if (!request->page)
		return;
	client_expect(mal_owns_page(request->page), "page is not memalloc's",
		      request->seed);
	client_fill(page_address(request->page), PAGE_SIZE, request->seed);
}

static void client_check(const struct client_request *request)
{
	char name[24];

	snprintf(name, sizeof(name), "request %u", request->seed);
	client_expect(request->magic == CLIENT_MAGIC, "lost its magic", request->seed);
	client_expect(!strcmp(name, request->name), "has the wrong name", request->seed);
	client_expect(client_is_filled(request->data, request->size, request->seed),
		      "has wrong data", request->seed);
	if (request->page)
		client_expect(client_is_filled(page_address(request->page), PAGE_SIZE,
					       request->seed),
			      "has the wrong page", request->seed);
}

/**
 * client_submit() - make requests
 * @context: context of the caller
 * @nr: number of requests
 *
 * Context: @context.
 */
void client_submit(enum context context, unsigned int nr)
{
	gfp_t gfp = context == CONTEXT_TASK ? GFP_KERNEL : GFP_ATOMIC | __GFP_NOWARN;
	unsigned long flags;

	while (nr--) {
		struct client_request *request = client_new(gfp);

		if (!request) {
			atomic_long_inc(&client_missed);
			continue;
		}
		client_write(request);
		spin_lock_irqsave(&client_lock, flags);
		list_add_tail(&request->link, &client_queue);
		spin_unlock_irqrestore(&client_lock, flags);
		atomic_long_inc(&client_made[context]);
	}
}

static struct client_request *client_next(void)
{
	struct client_request *request;
	unsigned long flags;

	spin_lock_irqsave(&client_lock, flags);
	request = list_first_entry_or_null(&client_queue, struct client_request, link);
	if (request)
		list_del_init(&request->link);
	spin_unlock_irqrestore(&client_lock, flags);
	return request;
}

/**
 * client_complete() - check and free the oldest requests
 * @nr: maximum number of requests
 *
 * Context: any but NMI.
 */
void client_complete(unsigned int nr)
{
	struct client_request *request;

	while (nr-- && (request = client_next())) {
		client_check(request);
		client_release(request);
	}
}

/**
 * client_requests_init() - create the cache
 *
 * Context: task; sleeps.
 * Return: 0, or -ENOMEM.
 */
int client_requests_init(void)
{
	client_cache = kmem_cache_create("client_request",
					 sizeof(struct client_request), 0,
					 SLAB_HWCACHE_ALIGN, client_construct);
	return client_cache ? 0 : -ENOMEM;
}

/**
 * client_requests_exit() - complete all queued requests
 *
 * Context: task; sleeps. No more requests may be made.
 */
void client_requests_exit(void)
{
	client_complete(UINT_MAX);
	kmem_cache_destroy(client_cache);
}
