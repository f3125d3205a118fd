// SPDX-License-Identifier: GPL-2.0
/*
 * Managed memory: freed when a driver is detached from its device
 *
 * The host keeps a list of resources for each device. When the driver is
 * detached it releases them, the last one first. Our resource is a record with
 * an address. The record is in the host's memory, because the host frees it;
 * the memory at the address is ours. An allocation is identified by its
 * address.
 *
 * Locking: the host's lock on the list of a device. Resizing or freeing the
 * same allocation concurrently is a bug of the caller, as elsewhere.
 *
 * Context: that of mal_kmalloc() and mal_alloc_pages().
 */
#include <linux/bug.h>
#include <linux/device.h>
#include <linux/numa.h>
#include <linux/string.h>

#include <memalloc/devm.h>
#include <memalloc/kmalloc.h>
#include <memalloc/kstring.h>
#include <memalloc/page_alloc.h>

#include "internal/compat.h"
#include "internal/devm.h"
#include "internal/inject.h"
#include "internal/kmalloc.h"
#include "internal/page_alloc.h"

/**
 * struct mal_devm - a resource
 * @address: address of the memory
 * @order: order of the block, for pages
 */
struct mal_devm {
	const void *address;
	unsigned int order;
};

static void mal_devm_release_object(struct device *dev, void *res)
{
	const struct mal_devm *devm = res;

	mal_kfree(devm->address);
}

static void mal_devm_release_pages(struct device *dev, void *res)
{
	const struct mal_devm *devm = res;

	mal_put_free_pages((unsigned long)devm->address, devm->order);
}

static int mal_devm_match(struct device *dev, void *res, void *address)
{
	const struct mal_devm *devm = res;

	return READ_ONCE(devm->address) == address;
}

/* The record may come from any zone and need not be zeroed. */
static struct mal_devm *mal_devm_new(dr_release_t release, gfp_t gfp)
{
	if (mal_inject_may_fail(gfp))
		return NULL;
	return devres_alloc(release, sizeof(struct mal_devm),
			    gfp & ~(GFP_ZONEMASK | __GFP_ZERO));
}

/* Attach the object to the device. Frees it on failure. */
static void *mal_devm_adopt(struct device *dev, void *object, gfp_t gfp)
{
	struct mal_devm *devm;

	if (ZERO_OR_NULL_PTR(object))
		return object;
	devm = mal_devm_new(mal_devm_release_object, gfp);
	if (!devm) {
		mal_kfree(object);
		return NULL;
	}
	devm->address = object;
	devres_add(dev, devm);
	return object;
}

static void *mal_devm_kmalloc_caller(struct device *dev, size_t size, gfp_t gfp,
				     unsigned long caller)
{
	return mal_devm_adopt(dev, mal_kmalloc_caller(size, gfp, NUMA_NO_NODE, caller),
			      gfp);
}

/**
 * mal_devm_kmalloc() - allocate memory
 * @dev: device that the memory belongs to
 * @size: bytes; zero gives ZERO_SIZE_PTR
 * @gfp: as for mal_kmalloc()
 *
 * Context: as for mal_kmalloc(), but not NMI.
 * Return: the memory, or NULL.
 */
void *mal_devm_kmalloc(struct device *dev, size_t size, gfp_t gfp)
{
	return mal_devm_kmalloc_caller(dev, size, gfp, _RET_IP_);
}
MAL_EXPORT(mal_devm_kmalloc);

/**
 * mal_devm_krealloc() - change the size of memory
 * @dev: device that the memory belongs to
 * @object: memory from mal_devm_kmalloc(), or NULL
 * @size: new size in bytes; zero frees the memory and gives ZERO_SIZE_PTR
 * @gfp: as for mal_kmalloc()
 *
 * Context: as for mal_devm_kmalloc().
 * Return: the memory, which may have moved; NULL, and then @object is
 * unchanged.
 */
void *mal_devm_krealloc(struct device *dev, void *object, size_t size, gfp_t gfp)
{
	return mal_devm_krealloc_caller(dev, object, size, gfp, _RET_IP_);
}
MAL_EXPORT(mal_devm_krealloc);

/**
 * mal_devm_krealloc_caller() - mal_devm_krealloc() on behalf of a caller
 * @dev: as for mal_devm_krealloc()
 * @object: as for mal_devm_krealloc()
 * @size: as for mal_devm_krealloc()
 * @gfp: as for mal_devm_krealloc()
 * @caller: code address to attribute the memory to
 *
 * Context: as for mal_devm_krealloc().
 * Return: as for mal_devm_krealloc().
 */
void *mal_devm_krealloc_caller(struct device *dev, void *object, size_t size,
			       gfp_t gfp, unsigned long caller)
{
	struct mal_devm *devm;
	void *new;

	if (ZERO_OR_NULL_PTR(object))
		return mal_devm_kmalloc_caller(dev, size, gfp, caller);
	if (!size) {
		mal_devm_kfree(dev, object);
		return ZERO_SIZE_PTR;
	}
	devm = devres_find(dev, mal_devm_release_object, mal_devm_match, object);
	if (WARN_ON(!devm))
		return NULL;
	new = mal_krealloc_caller(object, size, gfp, caller);
	if (new)
		WRITE_ONCE(devm->address, new);
	return new;
}

/**
 * mal_devm_kfree() - free memory before the driver is detached
 * @dev: device that the memory belongs to
 * @object: memory from mal_devm_kmalloc(), or NULL
 *
 * Context: any but NMI.
 */
void mal_devm_kfree(struct device *dev, const void *object)
{
	if (ZERO_OR_NULL_PTR(object))
		return;
	WARN_ON(devres_release(dev, mal_devm_release_object, mal_devm_match,
			       (void *)object));
}
MAL_EXPORT(mal_devm_kfree);

/**
 * mal_devm_kmemdup() - copy memory
 * @dev: device that the memory belongs to
 * @from: source
 * @length: bytes
 * @gfp: as for mal_kmalloc()
 *
 * Context: as for mal_devm_kmalloc().
 * Return: the copy, or NULL.
 */
void *mal_devm_kmemdup(struct device *dev, const void *from, size_t length,
		       gfp_t gfp)
{
	return mal_devm_adopt(dev, mal_kmemdup_caller(from, length, gfp, _RET_IP_),
			      gfp);
}
MAL_EXPORT(mal_devm_kmemdup);

/**
 * mal_devm_kstrdup() - copy a string
 * @dev: device that the memory belongs to
 * @from: the string, or NULL
 * @gfp: as for mal_kmalloc()
 *
 * Context: as for mal_devm_kmalloc().
 * Return: the copy, or NULL.
 */
char *mal_devm_kstrdup(struct device *dev, const char *from, gfp_t gfp)
{
	return mal_devm_adopt(dev, mal_kstrdup_caller(from, gfp, _RET_IP_), gfp);
}
MAL_EXPORT(mal_devm_kstrdup);

/**
 * mal_devm_kvasprintf() - format a string
 * @dev: device that the memory belongs to
 * @gfp: as for mal_kmalloc()
 * @fmt: as for vsnprintf()
 * @args: as for vsnprintf()
 *
 * Context: as for mal_devm_kmalloc().
 * Return: the string, or NULL.
 */
char *mal_devm_kvasprintf(struct device *dev, gfp_t gfp, const char *fmt,
			  va_list args)
{
	return mal_devm_adopt(dev, mal_kvasprintf_caller(gfp, fmt, args, _RET_IP_),
			      gfp);
}
MAL_EXPORT(mal_devm_kvasprintf);

/**
 * mal_devm_kasprintf() - format a string
 * @dev: device that the memory belongs to
 * @gfp: as for mal_kmalloc()
 * @fmt: as for vsnprintf()
 *
 * Context: as for mal_devm_kmalloc().
 * Return: the string, or NULL.
 */
char *mal_devm_kasprintf(struct device *dev, gfp_t gfp, const char *fmt, ...)
{
	va_list args;
	char *string;

	va_start(args, fmt);
	string = mal_devm_adopt(dev, mal_kvasprintf_caller(gfp, fmt, args, _RET_IP_),
				gfp);
	va_end(args);
	return string;
}
MAL_EXPORT(mal_devm_kasprintf);

/**
 * mal_devm_get_free_pages() - allocate a block of pages, by address
 * @dev: device that the memory belongs to
 * @gfp: as for mal_alloc_pages()
 * @order: as for mal_alloc_pages()
 *
 * Context: as for mal_alloc_pages(), but not NMI.
 * Return: the address of the block, or 0.
 */
unsigned long mal_devm_get_free_pages(struct device *dev, gfp_t gfp,
				      unsigned int order)
{
	struct mal_devm *devm = mal_devm_new(mal_devm_release_pages, gfp);
	unsigned long addr;

	if (!devm)
		return 0;
	addr = mal_get_free_pages_caller(gfp, order, _RET_IP_);
	if (!addr) {
		devres_free(devm);
		return 0;
	}
	devm->address = (void *)addr;
	devm->order = order;
	devres_add(dev, devm);
	return addr;
}
MAL_EXPORT(mal_devm_get_free_pages);

/**
 * mal_devm_free_pages() - free a block before the driver is detached
 * @dev: device that the memory belongs to
 * @addr: address from mal_devm_get_free_pages()
 *
 * Context: any but NMI.
 */
void mal_devm_free_pages(struct device *dev, unsigned long addr)
{
	WARN_ON(devres_release(dev, mal_devm_release_pages, mal_devm_match,
			       (void *)addr));
}
MAL_EXPORT(mal_devm_free_pages);
