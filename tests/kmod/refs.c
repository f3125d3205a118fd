// SPDX-License-Identifier: GPL-2.0
/*
 * References to memalloc's pages taken and dropped by drivers and the network,
 * correctly or not
 *
 * Not built with dropin.h: put_page(), kfree() and __free_pages() are the
 * kernel's own. Writing a parameter runs its test, which logs one line. See
 * tests/guest/refs.
 *
 * Context: task.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bvec.h>
#include <linux/highmem.h>
#include <linux/in.h>
#include <linux/inet.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/net.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include <memalloc/kmalloc.h>
#include <memalloc/owner.h>
#include <memalloc/page_alloc.h>

#include "internal/compat.h"

MAL_IMPORT();

#define REFS_PATTERN	0x5a
#define REFS_SCRIBBLE	0xee

/* Blocks to allocate in order to see whether a block is handed out again. */
#define REFS_CROWD	256

static struct page *refs_crowd[REFS_CROWD];

/*
 * Stray drops
 */

static bool refs_intact(const void *memory, size_t size)
{
	return !memchr_inv(memory, REFS_PATTERN, size);
}

/* Returns the number of memalloc's pages that the host has handed out. */
static unsigned int refs_host_has_ours(void)
{
	struct page **pages = kcalloc(4 * REFS_CROWD, sizeof(*pages), GFP_KERNEL);
	unsigned int i, ours = 0;

	for (i = 0; pages && i < 4 * REFS_CROWD; i++) {
		pages[i] = alloc_page(GFP_KERNEL);
		if (pages[i] && mal_owns_page(pages[i]))
			ours++;
	}
	while (pages && i--)
		if (pages[i] && !mal_owns_page(pages[i]))
			__free_page(pages[i]);
	kfree(pages);
	return ours;
}

/* Drop an object, large memory and pages @nr times each. */
static int refs_stray_set(const char *val, const struct kernel_param *kp)
{
	struct page *page = mal_alloc_pages(GFP_KERNEL, 2);
	void *large = mal_kmalloc(4 * PAGE_SIZE, GFP_KERNEL);
	void *object = mal_kmalloc(64, GFP_KERNEL);
	unsigned int nr, i;
	bool intact;

	if (kstrtouint(val, 0, &nr) || !page || !large || !object)
		return -EINVAL;
	memset(page_address(page), REFS_PATTERN, 4 * PAGE_SIZE);
	memset(large, REFS_PATTERN, 4 * PAGE_SIZE);
	memset(object, REFS_PATTERN, 64);
	for (i = 0; i < nr; i++) {
		kfree(object);
		put_page(virt_to_page(object));
		put_page(virt_to_page(large));
		put_page(virt_to_page(large) + 3);
		kfree(page_address(page));
		put_page(page + 1);
	}
	i = refs_host_has_ours();
	intact = refs_intact(page_address(page), 4 * PAGE_SIZE) &&
		 refs_intact(large, 4 * PAGE_SIZE) && refs_intact(object, 64);
	pr_info("stray: %u pages of ours at the host, %sintact\n", i,
		intact ? "" : "not ");
	mal_kfree(object);
	mal_kfree(large);
	mal_free_pages_shared(page, 2);
	return 0;
}

static const struct kernel_param_ops refs_stray_ops = { .set = refs_stray_set };
module_param_cb(stray, &refs_stray_ops, NULL, 0200);

/* Let the host free an object by each function that may get it. */
static int refs_object_set(const char *val, const struct kernel_param *kp)
{
	void *object = mal_kmalloc(64, GFP_KERNEL);

	if (!object)
		return -ENOMEM;
	kfree(object);
	kvfree(object);
	kfree_bulk(1, &object);
	/* An interrupt may be the caller. */
	local_irq_disable();
	kfree(object);
	local_irq_enable();
	mal_kfree(object);
	return 0;
}

static const struct kernel_param_ops refs_object_ops = { .set = refs_object_set };
module_param_cb(object, &refs_object_ops, NULL, 0200);

/* Let the host free pages. */
static int refs_pages_set(const char *val, const struct kernel_param *kp)
{
	struct page *page = mal_alloc_pages(GFP_KERNEL, 2);

	if (!page)
		return -ENOMEM;
	kfree(page_address(page));
	mal_free_pages_shared(page, 2);
	return 0;
}

static const struct kernel_param_ops refs_pages_ops = { .set = refs_pages_set };
module_param_cb(pages, &refs_pages_ops, NULL, 0200);

/* Balanced gets and puts have no effect. */
static int refs_balanced_set(const char *val, const struct kernel_param *kp)
{
	void *large = mal_kmalloc(4 * PAGE_SIZE, GFP_KERNEL);
	void *object = mal_kmalloc(64, GFP_KERNEL);
	unsigned int i;

	if (!large || !object)
		return -ENOMEM;
	for (i = 0; i < 1000; i++) {
		get_page(virt_to_page(object));
		put_page(virt_to_page(object));
		if (get_page_unless_zero(virt_to_page(large) + 1))
			put_page(virt_to_page(large) + 1);
	}
	pr_info("balanced: sendpage_ok %d %d %d\n", sendpage_ok(virt_to_page(object)),
		sendpage_ok(virt_to_page(large)), sendpage_ok(virt_to_page(large) + 3));
	mal_kfree(object);
	mal_kfree(large);
	return 0;
}

static const struct kernel_param_ops refs_balanced_ops = { .set = refs_balanced_set };
module_param_cb(balanced, &refs_balanced_ops, NULL, 0200);

/* A block with an inner page that the host has refused to free. */
static struct page *refs_refused;

/*
 * Free an inner page by __free_pages() of an order above 0. The host reuses the
 * page, and memalloc must not.
 */
static int refs_lose_set(const char *val, const struct kernel_param *kp)
{
	struct page *page = mal_alloc_pages(GFP_KERNEL, 1), *taken;
	struct page **crowd = refs_crowd;
	unsigned int i, again = 0;

	if (!page)
		return -ENOMEM;
	preempt_disable();
	__free_pages(page, 1);
	taken = alloc_page(GFP_ATOMIC);
	preempt_enable();
	if (taken != page + 1) {
		pr_info("lose: the host has another page\n");
		if (taken)
			__free_page(taken);
		refs_refused = page;
		return -EAGAIN;
	}
	memset(page_address(taken), REFS_PATTERN, PAGE_SIZE);
	mal_free_pages_shared(page, 1);
	for (i = 0; i < REFS_CROWD; i++) {
		crowd[i] = mal_alloc_page(GFP_KERNEL);
		if (crowd[i])
			memset(page_address(crowd[i]), REFS_SCRIBBLE, PAGE_SIZE);
		again += crowd[i] == taken;
	}
	while (i--)
		mal_free_page(crowd[i]);
	pr_info("lose: handed out %u times, count %d, %sours, %sintact\n", again,
		page_ref_count(taken), mal_owns_page(taken) ? "" : "not ",
		refs_intact(page_address(taken), PAGE_SIZE) ? "" : "not ");
	__free_page(taken);
	return 0;
}

static const struct kernel_param_ops refs_lose_ops = { .set = refs_lose_set };
module_param_cb(lose, &refs_lose_ops, NULL, 0200);

/* Free the block after the host has refused its inner page. */
static int refs_keep_set(const char *val, const struct kernel_param *kp)
{
	if (!refs_refused)
		return -EINVAL;
	mal_free_pages_shared(refs_refused, 1);
	refs_refused = NULL;
	return 0;
}

static const struct kernel_param_ops refs_keep_ops = { .set = refs_keep_set };
module_param_cb(keep, &refs_keep_ops, NULL, 0200);

/* Free a block with an inner page that stays referenced forever. */
static int refs_hold_set(const char *val, const struct kernel_param *kp)
{
	struct page *page = mal_alloc_pages(GFP_KERNEL, 3);

	if (!page)
		return -ENOMEM;
	get_page(page + 5);
	mal_free_pages(page, 3);
	return 0;
}

static const struct kernel_param_ops refs_hold_ops = { .set = refs_hold_set };
module_param_cb(hold, &refs_hold_ops, NULL, 0200);

/* Fields of struct page that an owner or a late set_page_dirty() has set. */
static int refs_leave_set(const char *val, const struct kernel_param *kp)
{
	unsigned int order, i, left = 0;
	struct page *page;

	for (order = 0; order <= 3; order += 3) {
		page = mal_alloc_pages(GFP_KERNEL, order);
		if (!page)
			return -ENOMEM;
		for (i = 0; i < 1U << order; i++) {
			page[i].mapping = (void *)refs_leave_set;
			set_page_private(page + i, 42);
			SetPageUptodate(page + i);
			SetPageDirty(page + i);
		}
		mal_free_pages(page, order);
		page = mal_alloc_pages(GFP_KERNEL, 0);
		if (!page)
			return -ENOMEM;
		left += page->mapping || page_private(page) || PageUptodate(page) ||
			PageDirty(page);
		mal_free_page(page);
	}
	pr_info("leave: %u pages show it\n", left);
	return 0;
}

static const struct kernel_param_ops refs_leave_ops = { .set = refs_leave_set };
module_param_cb(leave, &refs_leave_ops, NULL, 0200);

/*
 * Reading returns the physical address of a page, so that the guest can have
 * the host declare it broken. Writing frees the page and checks that it is not
 * handed out again.
 */
static struct page *refs_broken;

static int refs_broken_get(char *buffer, const struct kernel_param *kp)
{
	if (!refs_broken)
		refs_broken = mal_alloc_pages(GFP_KERNEL, 2);
	if (!refs_broken)
		return -ENOMEM;
	return sysfs_emit(buffer, "0x%llx\n",
			  (unsigned long long)page_to_phys(refs_broken + 1));
}

static int refs_broken_set(const char *val, const struct kernel_param *kp)
{
	struct page *broken = refs_broken + 1, **crowd = refs_crowd;
	bool poisoned = PageHWPoison(broken);
	unsigned int i, again = 0;

	mal_free_pages_shared(refs_broken, 2);
	for (i = 0; i < REFS_CROWD; i++) {
		crowd[i] = mal_alloc_pages(GFP_KERNEL, 2 * (i % 2));
		again += crowd[i] && broken >= crowd[i] &&
			 broken < crowd[i] + (i % 2 ? 4 : 1);
	}
	while (i--)
		mal_free_pages(crowd[i], 2 * (i % 2));
	pr_info("broken: %d, handed out %u times\n", poisoned, again);
	return 0;
}

static const struct kernel_param_ops refs_broken_ops = {
	.get = refs_broken_get,
	.set = refs_broken_set,
};
module_param_cb(broken, &refs_broken_ops, NULL, 0600);

/*
 * A socket over loopback
 */

static struct socket *refs_tx, *refs_rx;

static int refs_connect(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct socket *listening;
	int err;

	err = sock_create_kern(&init_net, AF_INET, SOCK_STREAM, IPPROTO_TCP, &listening);
	if (err)
		return err;
	err = kernel_bind(listening, (void *)&addr, sizeof(addr)) ?:
	      kernel_listen(listening, 1);
	if (!err && kernel_getsockname(listening, (void *)&addr) < 0)
		err = -EINVAL;
	if (!err)
		err = sock_create_kern(&init_net, AF_INET, SOCK_STREAM, IPPROTO_TCP,
				       &refs_tx);
	if (!err)
		err = kernel_connect(refs_tx, (void *)&addr, sizeof(addr), 0) ?:
		      kernel_accept(listening, &refs_rx, 0);
	sock_release(listening);
	return err;
}

static void refs_disconnect(void)
{
	if (refs_tx)
		sock_release(refs_tx);
	if (refs_rx)
		sock_release(refs_rx);
	refs_tx = NULL;
	refs_rx = NULL;
}

static int refs_send_page(struct page *page, int offset, size_t size)
{
/*
 * Some stable kernels define MSG_SPLICE_PAGES although TCP does not support it.
 */
#ifndef MSG_SENDPAGE_NOTLAST
	struct msghdr msg = { .msg_flags = MSG_SPLICE_PAGES };
	struct bio_vec bvec;

	bvec_set_page(&bvec, page, size, offset);
	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, &bvec, 1, size);
	return sock_sendmsg(refs_tx, &msg);
#else
	return kernel_sendpage(refs_tx, page, offset, size, 0);
#endif
}

/* Send like nvme-tcp, iscsi, ceph and drbd. */
static int refs_send(void *memory, size_t size, bool *copied)
{
	struct kvec vec = { .iov_base = memory, .iov_len = size };
	struct msghdr msg = { };

	*copied = !sendpage_ok(virt_to_page(memory));
	if (*copied)
		return kernel_sendmsg(refs_tx, &msg, &vec, 1, size);
	return refs_send_page(virt_to_page(memory), offset_in_page(memory), size);
}

static bool refs_receive(size_t size)
{
	void *buffer = kzalloc(size, GFP_KERNEL);
	struct kvec vec = { .iov_base = buffer, .iov_len = size };
	struct msghdr msg = { };
	bool intact = buffer &&
		      kernel_recvmsg(refs_rx, &msg, &vec, 1, size, MSG_WAITALL) == size &&
		      refs_intact(buffer, size);

	kfree(buffer);
	return intact;
}

/* Send memory, free it, overwrite all free memory, and only then receive. */
static int refs_send_memory(const char *what, size_t size, size_t offset, size_t length)
{
	void *memory = mal_kmalloc(size, GFP_KERNEL), **crowd;
	bool copied, intact;
	unsigned int i;
	int sent;

	crowd = kcalloc(REFS_CROWD, sizeof(*crowd), GFP_KERNEL);
	if (!memory || !crowd)
		return -ENOMEM;
	memset(memory, REFS_PATTERN, size);
	sent = refs_send(memory + offset, length, &copied);
	mal_kfree(memory);
	for (i = 0; i < REFS_CROWD; i++) {
		crowd[i] = mal_kmalloc(size, GFP_KERNEL);
		if (crowd[i])
			memset(crowd[i], REFS_SCRIBBLE, size);
	}
	intact = sent == length && refs_receive(length);
	while (i--)
		mal_kfree(crowd[i]);
	kfree(crowd);
	pr_info("send %s: %s, %sintact\n", what, copied ? "copied" : "referred to",
		intact ? "" : "not ");
	return 0;
}

static int refs_send_pages(void)
{
	struct page *page = mal_alloc_pages(GFP_KERNEL, 2);
	struct page **crowd = refs_crowd;
	bool copied, intact, again = false;
	unsigned int i;
	int sent, refs;

	if (!page)
		return -ENOMEM;
	memset(page_address(page), REFS_PATTERN, 4 * PAGE_SIZE);
	refs = page_ref_count(page + 2);
	sent = refs_send(page_address(page + 2), PAGE_SIZE, &copied);
	refs = page_ref_count(page + 2) - refs;
	mal_free_pages_shared(page, 2);
	for (i = 0; i < REFS_CROWD; i++) {
		crowd[i] = mal_alloc_page(GFP_KERNEL);
		if (crowd[i])
			memset(page_address(crowd[i]), REFS_SCRIBBLE, PAGE_SIZE);
		again |= crowd[i] == page + 2;
	}
	intact = sent == PAGE_SIZE && refs_receive(PAGE_SIZE);
	while (i--)
		mal_free_page(crowd[i]);
	pr_info("send page: %s, %d references, %sintact, %s\n",
		copied ? "copied" : "referred to", refs, intact ? "" : "not ",
		again ? "reused" : "not reused");
	return 0;
}

static int refs_send_set(const char *val, const struct kernel_param *kp)
{
	int err;

	err = refs_connect() ?:
	      refs_send_memory("object", 512, 0, 512) ?:
	      refs_send_memory("large", 8 * PAGE_SIZE, 0, PAGE_SIZE) ?:
	      refs_send_memory("inner", 8 * PAGE_SIZE, 5 * PAGE_SIZE, PAGE_SIZE) ?:
	      refs_send_memory("odd", 7 * PAGE_SIZE, 2 * PAGE_SIZE, PAGE_SIZE) ?:
	      refs_send_pages();
	refs_disconnect();
	return err;
}

static const struct kernel_param_ops refs_send_ops = { .set = refs_send_set };
module_param_cb(send, &refs_send_ops, NULL, 0200);

static int __init refs_init(void)
{
	return 0;
}

static void __exit refs_exit(void)
{
}

module_init(refs_init);
module_exit(refs_exit);

MODULE_DESCRIPTION("Test of references to memalloc's pages");
MODULE_LICENSE("GPL");
