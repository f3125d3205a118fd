// SPDX-License-Identifier: GPL-2.0
/*
 * kvmalloc: memory that need not be physically contiguous
 *
 * Memory comes from kmalloc if little effort suffices, otherwise from vmalloc.
 * The address tells the two apart.
 *
 * Locking: none.
 *
 * Context: that of the allocator used.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <memalloc/kvmalloc.h>

#include "internal/compat.h"
#include "internal/kmalloc.h"
#include "internal/vmalloc_area.h"

/* Limit the effort of kmalloc: vmalloc is the fallback. */
static gfp_t mal_kv_gfp(size_t size, gfp_t gfp)
{
	if (size <= PAGE_SIZE)
		return gfp;
	gfp |= __GFP_NOWARN;
	if (!(gfp & __GFP_RETRY_MAYFAIL))
		gfp |= __GFP_NORETRY;
	return gfp & ~__GFP_NOFAIL;
}

static void *mal_kv_alloc(size_t size, gfp_t gfp, int node, unsigned long caller)
{
	void *address = mal_kmalloc_caller(size, mal_kv_gfp(size, gfp), node, caller);

	if (address || size <= PAGE_SIZE || size > INT_MAX)
		return address;
	return mal_vmalloc_caller(size, gfp, node, caller);
}

/**
 * mal_kvmalloc_node() - mal_kvmalloc(), preferably on a node
 * @size: as for mal_kvmalloc(); up to INT_MAX, as with the host
 * @gfp: as for mal_kvmalloc(); __GFP_THISNODE excludes other nodes
 * @node: the node to prefer, or NUMA_NO_NODE for the nearest one
 *
 * Context: as for mal_kvmalloc().
 * Return: as for mal_kvmalloc().
 */
void *mal_kvmalloc_node(size_t size, gfp_t gfp, int node)
{
	return mal_kv_alloc(size, gfp, node, _RET_IP_);
}
MAL_EXPORT(mal_kvmalloc_node);

/**
 * mal_kvfree() - free memory
 * @address: memory from mal_kvmalloc(), mal_kmalloc() or mal_vmalloc(), or
 *	NULL
 *
 * Misuse is reported and has no other effect.
 *
 * Context: any; in task context, freeing vmalloc memory sleeps.
 */
void mal_kvfree(const void *address)
{
	if (is_vmalloc_addr(address))
		mal_vfree(address);
	else
		mal_kfree(address);
}
MAL_EXPORT(mal_kvfree);

/**
 * mal_kvfree_atomic() - mal_kvfree() that does not sleep
 * @address: as for mal_kvfree()
 *
 * Context: any.
 */
void mal_kvfree_atomic(const void *address)
{
	if (is_vmalloc_addr(address))
		mal_vfree_atomic(address);
	else
		mal_kfree(address);
}
MAL_EXPORT(mal_kvfree_atomic);

/**
 * mal_kvfree_sensitive() - zero memory, then free it
 * @address: as for mal_kvfree()
 * @length: number of bytes to zero
 *
 * Context: as for mal_kvfree().
 */
void mal_kvfree_sensitive(const void *address, size_t length)
{
	if (unlikely(ZERO_OR_NULL_PTR(address)))
		return;
	memzero_explicit((void *)address, length);
	mal_kvfree(address);
}
MAL_EXPORT(mal_kvfree_sensitive);

/**
 * mal_kvrealloc_caller() - mal_kvrealloc() on behalf of a caller
 * @address: as for mal_kvrealloc()
 * @size: as for mal_kvrealloc()
 * @gfp: as for mal_kvrealloc()
 * @caller: code address to attribute the memory to
 *
 * Context: as for mal_kvrealloc().
 * Return: as for mal_kvrealloc().
 */
void *mal_kvrealloc_caller(const void *address, size_t size, gfp_t gfp,
			   unsigned long caller)
{
	size_t old;
	void *new;

	if (!size) {
		mal_kvfree(address);
		return ZERO_SIZE_PTR;
	}
	if (is_vmalloc_addr(address))
		return mal_vrealloc_caller(address, size, gfp, caller);
	old = mal_kmalloc_owned(address);
	if (size <= old || (!old && !ZERO_OR_NULL_PTR(address)))
		return mal_krealloc_caller(address, size, gfp, caller);
	new = mal_kv_alloc(size, gfp, NUMA_NO_NODE, caller);
	if (new && old) {
		memcpy(new, address, mal_kmalloc_asked(address, old));
		mal_kfree(address);
	}
	return new;
}

/**
 * mal_kvrealloc() - change the size of memory
 * @address: memory from mal_kvmalloc(), or NULL for none
 * @size: new size in bytes; zero frees the memory
 * @gfp: as for mal_kvmalloc(). __GFP_ZERO zeroes added bytes, provided that
 *	every earlier call for this memory had it as well.
 *
 * Context: as for mal_kvmalloc().
 * Return: the memory with its contents; ZERO_SIZE_PTR; NULL, and then @address
 * is unchanged.
 */
void *mal_kvrealloc(const void *address, size_t size, gfp_t gfp)
{
	return mal_kvrealloc_caller(address, size, gfp, _RET_IP_);
}
MAL_EXPORT(mal_kvrealloc);

/**
 * mal_kvmemdup() - copy memory
 * @from: source
 * @length: bytes
 * @gfp: as for mal_kvmalloc()
 *
 * Context: as for mal_kvmalloc().
 * Return: the copy, to be freed by mal_kvfree(), or NULL.
 */
void *mal_kvmemdup(const void *from, size_t length, gfp_t gfp)
{
	void *to = mal_kv_alloc(length, gfp, NUMA_NO_NODE, _RET_IP_);

	if (to)
		memcpy(to, from, length);
	return to;
}
MAL_EXPORT(mal_kvmemdup);

/**
 * mal_vmemdup_user() - copy memory of any size from user space
 * @from: source
 * @length: bytes
 *
 * Context: task; sleeps.
 * Return: the copy, to be freed by mal_kvfree(), or ERR_PTR(): -ENOMEM, or
 * -EFAULT if the source cannot be read.
 */
void *mal_vmemdup_user(const void __user *from, size_t length)
{
	void *to = mal_kv_alloc(length, GFP_USER, NUMA_NO_NODE, _RET_IP_);

	if (!to)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(to, from, length)) {
		mal_kvfree(to);
		return ERR_PTR(-EFAULT);
	}
	return to;
}
MAL_EXPORT(mal_vmemdup_user);

/**
 * mal_kvfree_call_rcu() - free memory after a grace period
 * @head: in the memory, less than a page from its beginning
 * @address: the memory
 *
 * Misuse is reported and has no other effect.
 *
 * Context: any but NMI.
 */
void mal_kvfree_call_rcu(struct rcu_head *head, void *address)
{
	if (is_vmalloc_addr(address))
		mal_vfree_call_rcu(head, address, _RET_IP_);
	else
		mal_kfree_call_rcu(head, address);
}
MAL_EXPORT(mal_kvfree_call_rcu);

/**
 * mal_kvfree_rcu_mightsleep() - free memory after a grace period
 * @address: memory from mal_kvmalloc(), or NULL
 *
 * Waits for the grace period only if there is no memory to record @address in.
 * Misuse is reported and has no other effect.
 *
 * Context: task; sleeps.
 */
void mal_kvfree_rcu_mightsleep(const void *address)
{
	if (is_vmalloc_addr(address))
		mal_vfree_rcu_mightsleep(address, _RET_IP_);
	else
		mal_kfree_rcu_mightsleep(address);
}
MAL_EXPORT(mal_kvfree_rcu_mightsleep);
