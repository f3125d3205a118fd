// SPDX-License-Identifier: GPL-2.0
/*
 * A client with memory of memalloc and of the host
 *
 * Built with MAL_DROPIN_MIXED. The client frees both by the same functions;
 * each object must return to its allocator. Loading succeeds if all checks
 * pass, and fails with EIO otherwise.
 */
#include <linux/cleanup.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include <memalloc/owner.h>

#include "internal/compat.h"

#include "mixed.h"

static int mixed_errors __initdata;

static void __init mixed_must(bool ok, const char *what)
{
	if (ok)
		return;
	mixed_errors++;
	pr_err("memalloc_mixed: %s\n", what);
}

static void __init mixed_bytes(void)
{
	char *theirs = host_kmalloc(100, GFP_KERNEL);
	char *ours = kmalloc(100, GFP_KERNEL), *larger;

	if (!theirs || !ours) {
		mixed_must(false, "no memory");
		goto out;
	}
	mixed_must(!mal_owns(theirs), "host memory is taken for memalloc's");
	mixed_must(mal_owns(ours), "memalloc's memory is taken for the host's");
	mixed_must(ksize(theirs) >= 100 && ksize(ours) >= 100, "ksize()");
	memset(theirs, 't', 100);
	memset(ours, 'o', 100);
	larger = krealloc(theirs, 5000, GFP_KERNEL | __GFP_NOFAIL);
	theirs = larger;
	larger = krealloc(ours, 5000, GFP_KERNEL | __GFP_NOFAIL);
	ours = larger;
	mixed_must(!mal_owns(theirs) && !memchr_inv(theirs, 't', 100),
		   "krealloc() of host memory");
	mixed_must(mal_owns(ours) && !memchr_inv(ours, 'o', 100),
		   "krealloc() of memalloc's memory");
out:
	kfree(theirs);
	kfree_sensitive(ours);
}

static void __init mixed_pages(void)
{
	struct page *theirs = host_alloc_page(GFP_KERNEL);
	struct page *ours = alloc_page(GFP_KERNEL);

	mixed_must(theirs && !mal_owns_page(theirs), "host page");
	mixed_must(ours && mal_owns_page(ours), "memalloc's page");
	if (theirs) {
		get_page(theirs);
		put_page(theirs);
		__free_page(theirs);
	}
	if (ours)
		__free_page(ours);
	kfree(NULL);
	kfree(ZERO_SIZE_PTR);
}

static void __init mixed_areas(void)
{
	void *theirs = host_vmalloc(3 * PAGE_SIZE);
	void *ours = vmalloc(3 * PAGE_SIZE);

	mixed_must(theirs && ours, "no area");
	kvfree(theirs);
	vfree(ours);
}

static int __init mixed_init(void)
{
	mixed_bytes();
	mixed_pages();
	mixed_areas();
	return mixed_errors ? -EIO : 0;
}

static void __exit mixed_exit(void)
{
}

module_init(mixed_init);
module_exit(mixed_exit);

MODULE_DESCRIPTION("A client that frees memory of memalloc and of the host");
MODULE_LICENSE("GPL");
MAL_IMPORT();
