// SPDX-License-Identifier: GPL-2.0
/*
 * Failure walk: vmalloc, maps and kvmalloc
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include <memalloc/kvmalloc.h>
#include <memalloc/page_alloc.h>
#include <memalloc/vmalloc_area.h>

#include "failure_walk.h"

#define MAL_WALK_SIZE	(5 * PAGE_SIZE)
#define MAL_WALK_LARGE	(100 * PAGE_SIZE)
#define MAL_WALK_SMALL	200
#define MAL_WALK_PAGES	5

struct mal_walk_freed {
	struct rcu_head rcu;
};

static int mal_prepare_area(struct mal_walk *walk)
{
	int err = mal_walk_given(walk, mal_vmalloc(MAL_WALK_SIZE));

	if (!err)
		memset(walk->in, MAL_WALK_BYTE, MAL_WALK_SIZE);
	return err;
}

static int mal_prepare_small(struct mal_walk *walk)
{
	int err = mal_walk_given(walk, mal_kvmalloc(MAL_WALK_SMALL, MAL_WALK_GFP));

	if (!err)
		memset(walk->in, MAL_WALK_BYTE, MAL_WALK_SMALL);
	return err;
}

static void mal_discard_area(struct mal_walk *walk)
{
	mal_kvfree(walk->in);
}

static void mal_undo_area(struct mal_walk *walk)
{
	mal_vfree(walk->out);
}

static void mal_undo_kv(struct mal_walk *walk)
{
	mal_kvfree(walk->out);
}

static void mal_undo_rcu(struct mal_walk *walk)
{
	mal_kfree_rcu_barrier();
	rcu_barrier();
}

/*
 * vmalloc
 */

MAL_WALK_ACT(mal_vmalloc, mal_vmalloc(MAL_WALK_SIZE))
MAL_WALK_ACT(mal_vzalloc, mal_vzalloc(MAL_WALK_SIZE))
MAL_WALK_ACT(mal_vmalloc_node, mal_vmalloc_node(MAL_WALK_SIZE, 0))
MAL_WALK_ACT(mal_vzalloc_node, mal_vzalloc_node(MAL_WALK_SIZE, 0))
MAL_WALK_ACT(mal_vmalloc_user, mal_vmalloc_user(MAL_WALK_SIZE))
MAL_WALK_ACT(mal_vmalloc_32, mal_vmalloc_32(MAL_WALK_SIZE))
MAL_WALK_ACT(mal_vmalloc_32_user, mal_vmalloc_32_user(MAL_WALK_SIZE))
MAL_WALK_ACT(__mal_vmalloc, __mal_vmalloc(MAL_WALK_SIZE, MAL_WALK_GFP))
MAL_WALK_ACT(__mal_vmalloc_large, __mal_vmalloc(MAL_WALK_LARGE, MAL_WALK_GFP))
MAL_WALK_ACT(__mal_vmalloc_noio, __mal_vmalloc(MAL_WALK_SIZE, GFP_NOIO | __GFP_NOWARN))
MAL_WALK_ACT(__mal_vmalloc_nofail,
	     __mal_vmalloc(MAL_WALK_SIZE, MAL_WALK_GFP | __GFP_NOFAIL))
MAL_WALK_ACT(__mal_vmalloc_node,
	     __mal_vmalloc_node(MAL_WALK_SIZE, 4 * PAGE_SIZE, MAL_WALK_GFP, 0, NULL))
MAL_WALK_ACT(mal_vmalloc_huge, mal_vmalloc_huge(MAL_WALK_SIZE, MAL_WALK_GFP))
MAL_WALK_ACT(__mal_vmalloc_array, __mal_vmalloc_array(100, 333, MAL_WALK_GFP))
MAL_WALK_ACT(mal_vmalloc_array, mal_vmalloc_array(100, 333))
MAL_WALK_ACT(__mal_vcalloc, __mal_vcalloc(100, 333, MAL_WALK_GFP))
MAL_WALK_ACT(mal_vcalloc, mal_vcalloc(100, 333))

static int mal_act_mal_vrealloc(struct mal_walk *walk)
{
	return mal_walk_grown(walk, mal_vrealloc(walk->in, 4 * MAL_WALK_SIZE, MAL_WALK_GFP),
			      MAL_WALK_SIZE);
}

/* Shrinking keeps the old area if no smaller one can be allocated. */
static int mal_act_mal_vrealloc_less(struct mal_walk *walk)
{
	return mal_walk_grown(walk, mal_vrealloc(walk->in, PAGE_SIZE, MAL_WALK_GFP),
			      PAGE_SIZE);
}

MAL_WALK_ACT_VOID(mal_vfree, mal_vfree(walk->in))
MAL_WALK_ACT_VOID(mal_vfree_atomic, mal_vfree_atomic(walk->in))
MAL_WALK_ACT_CHECK(is_mal_vmalloc_addr, is_mal_vmalloc_addr(walk->in))
MAL_WALK_ACT_CHECK(mal_vmalloc_size, mal_vmalloc_size(walk->in) == MAL_WALK_SIZE)
MAL_WALK_ACT_CHECK(mal_vmalloc_to_page, mal_vmalloc_to_page(walk->in))
MAL_WALK_ACT_CHECK(mal_vmalloc_to_pfn, mal_vmalloc_to_pfn(walk->in))

/*
 * Maps of existing pages
 */

static void mal_discard_many(struct mal_walk *walk)
{
	mal_free_pages_bulk(MAL_WALK_PAGES, (struct page **)walk->many);
}

static int mal_prepare_many(struct mal_walk *walk)
{
	struct page **pages = (struct page **)walk->many;

	memset(pages, 0, sizeof(walk->many));
	if (mal_alloc_pages_bulk(MAL_WALK_GFP, MAL_WALK_PAGES, pages) == MAL_WALK_PAGES)
		return 0;
	mal_discard_many(walk);
	return -ENOMEM;
}

static void *mal_walk_vmap(struct mal_walk *walk)
{
	return mal_vmap((struct page **)walk->many, MAL_WALK_PAGES, VM_MAP, PAGE_KERNEL);
}

static void *mal_walk_map_ram(struct mal_walk *walk)
{
	return mal_vm_map_ram((struct page **)walk->many, MAL_WALK_PAGES, NUMA_NO_NODE);
}

static int mal_prepare_vmap(struct mal_walk *walk)
{
	int err = mal_prepare_many(walk);

	return err ?: mal_walk_given(walk, mal_walk_vmap(walk));
}

static int mal_prepare_map_ram(struct mal_walk *walk)
{
	int err = mal_prepare_many(walk);

	return err ?: mal_walk_given(walk, mal_walk_map_ram(walk));
}

static void mal_undo_vmap(struct mal_walk *walk)
{
	mal_vunmap(walk->out);
}

static void mal_undo_map_ram(struct mal_walk *walk)
{
	mal_vm_unmap_ram(walk->out, MAL_WALK_PAGES);
}

MAL_WALK_ACT(mal_vmap, mal_walk_vmap(walk))
MAL_WALK_ACT(mal_vm_map_ram, mal_walk_map_ram(walk))
MAL_WALK_ACT_VOID(mal_vunmap, mal_vunmap(walk->in))
MAL_WALK_ACT_VOID(mal_vm_unmap_ram, mal_vm_unmap_ram(walk->in, MAL_WALK_PAGES))

/*
 * Maps in user space
 */

static int mal_walk_mmap(struct file *file, struct vm_area_struct *vma)
{
	return mal_remap_vmalloc_range(vma, file->private_data, vma->vm_pgoff);
}

static int mal_walk_mmap_partial(struct file *file, struct vm_area_struct *vma)
{
	return mal_remap_vmalloc_range_partial(vma, vma->vm_start, file->private_data, 1,
					       2 * PAGE_SIZE);
}

static const struct file_operations mal_walk_fops = {
	.owner = THIS_MODULE,
	.mmap = mal_walk_mmap,
};

static const struct file_operations mal_walk_partial_fops = {
	.owner = THIS_MODULE,
	.mmap = mal_walk_mmap_partial,
};

/* @prepare has opened the file and allocated the area that it maps. */
static int mal_walk_show(struct mal_walk *walk, const struct file_operations *fops)
{
	struct file *file;

	if (mal_walk_given(walk, mal_vmalloc_user(MAL_WALK_SIZE)))
		return -ENOMEM;
	file = anon_inode_getfile("memalloc_walk", fops, walk->in, O_RDWR);
	if (IS_ERR(file)) {
		mal_vfree(walk->in);
		return -ENOMEM;
	}
	walk->many[0] = file;
	return 0;
}

static int mal_prepare_mmap(struct mal_walk *walk)
{
	return mal_walk_show(walk, &mal_walk_fops);
}

static int mal_prepare_mmap_partial(struct mal_walk *walk)
{
	return mal_walk_show(walk, &mal_walk_partial_fops);
}

static void mal_discard_mmap(struct mal_walk *walk)
{
	fput(walk->many[0]);
	mal_vfree(walk->in);
}

static int mal_act_mal_remap_vmalloc_range(struct mal_walk *walk)
{
	unsigned long uaddr = vm_mmap(walk->many[0], 0, MAL_WALK_SIZE,
				      PROT_READ | PROT_WRITE, MAP_SHARED, 0);

	return mal_walk_made(walk, (void *)uaddr);
}

#define mal_act_mal_remap_vmalloc_range_partial	mal_act_mal_remap_vmalloc_range

static void mal_undo_mmap(struct mal_walk *walk)
{
	vm_munmap((unsigned long)walk->out, MAL_WALK_SIZE);
}

/*
 * kvmalloc
 */

MAL_WALK_ACT(mal_kvmalloc, mal_kvmalloc(MAL_WALK_SMALL, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kvmalloc_large, mal_kvmalloc(MAL_WALK_SIZE, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kvzalloc, mal_kvzalloc(MAL_WALK_SMALL, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kvmalloc_node, mal_kvmalloc_node(MAL_WALK_SMALL, MAL_WALK_GFP, 0))
MAL_WALK_ACT(mal_kvzalloc_node, mal_kvzalloc_node(MAL_WALK_SMALL, MAL_WALK_GFP, 0))
MAL_WALK_ACT(mal_kvmalloc_array, mal_kvmalloc_array(4, MAL_WALK_SMALL, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kvcalloc, mal_kvcalloc(4, MAL_WALK_SMALL, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kvmalloc_array_node,
	     mal_kvmalloc_array_node(4, MAL_WALK_SMALL, MAL_WALK_GFP, 0))
MAL_WALK_ACT(mal_kvcalloc_node, mal_kvcalloc_node(4, MAL_WALK_SMALL, MAL_WALK_GFP, 0))
MAL_WALK_ACT(mal_kvmemdup,
	     mal_kvmemdup(MAL_WALK_TEXT, sizeof(MAL_WALK_TEXT), MAL_WALK_GFP))
MAL_WALK_ACT(mal_vmemdup_user, mal_vmemdup_user(walk->user, MAL_WALK_SMALL))
MAL_WALK_ACT(mal_vmemdup_array_user, mal_vmemdup_array_user(walk->user, 10, 10))

static int mal_act_mal_kvrealloc(struct mal_walk *walk)
{
	return mal_walk_grown(walk, mal_kvrealloc(walk->in, 3000, MAL_WALK_GFP),
			      MAL_WALK_SMALL);
}

static int mal_act_mal_kvrealloc_area(struct mal_walk *walk)
{
	return mal_walk_grown(walk, mal_kvrealloc(walk->in, 4 * MAL_WALK_SIZE, MAL_WALK_GFP),
			      MAL_WALK_SIZE);
}

MAL_WALK_ACT_VOID(mal_kvfree, mal_kvfree(walk->in))
MAL_WALK_ACT_VOID(mal_kvfree_area, mal_kvfree(walk->in))
MAL_WALK_ACT_VOID(mal_kvfree_atomic, mal_kvfree_atomic(walk->in))
MAL_WALK_ACT_VOID(mal_kvfree_sensitive, mal_kvfree_sensitive(walk->in, MAL_WALK_SMALL))
MAL_WALK_ACT_VOID(mal_kvfree_call_rcu, mal_kvfree_call_rcu(walk->in, walk->in))
MAL_WALK_ACT_VOID(mal_kvfree_rcu, mal_kvfree_rcu((struct mal_walk_freed *)walk->in, rcu))
MAL_WALK_ACT_VOID(mal_kvfree_rcu_mightsleep, mal_kvfree_rcu_mightsleep(walk->in))

#define MAL_WALK_AREA(function)						\
	{ MAL_WALK(function), .undo = mal_undo_area }
#define MAL_WALK_KV(function)						\
	{ MAL_WALK(function), .undo = mal_undo_kv }
#define MAL_WALK_LOOK(function)						\
	{ MAL_WALK(function), .promise = MAL_WALK_NOTHING,		\
	  .prepare = mal_prepare_area, .discard = mal_discard_area }
#define MAL_WALK_FREE(function)						\
	{ MAL_WALK(function), .promise = MAL_WALK_SURVIVES,		\
	  .prepare = mal_prepare_small }

const struct mal_walk_call mal_walk_area_calls[] = {
	MAL_WALK_AREA(mal_vmalloc),
	MAL_WALK_AREA(mal_vzalloc),
	MAL_WALK_AREA(mal_vmalloc_node),
	MAL_WALK_AREA(mal_vzalloc_node),
	MAL_WALK_AREA(mal_vmalloc_user),
	MAL_WALK_AREA(mal_vmalloc_32),
	MAL_WALK_AREA(mal_vmalloc_32_user),
	MAL_WALK_AREA(__mal_vmalloc),
	{ MAL_WALK_VARIANT(__mal_vmalloc, large), .undo = mal_undo_area },
	{ MAL_WALK_VARIANT(__mal_vmalloc, noio), .undo = mal_undo_area },
	{ MAL_WALK_VARIANT(__mal_vmalloc, nofail), .undo = mal_undo_area,
	  .promise = MAL_WALK_SURVIVES },
	MAL_WALK_AREA(__mal_vmalloc_node),
	MAL_WALK_AREA(mal_vmalloc_huge),
	MAL_WALK_AREA(__mal_vmalloc_array),
	MAL_WALK_AREA(mal_vmalloc_array),
	MAL_WALK_AREA(__mal_vcalloc),
	MAL_WALK_AREA(mal_vcalloc),
	{ MAL_WALK(mal_vrealloc),
	  .prepare = mal_prepare_area, .discard = mal_discard_area },
	{ MAL_WALK_VARIANT(mal_vrealloc, less), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_area, .discard = mal_discard_area },
	{ MAL_WALK(mal_vfree), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_area },
	{ MAL_WALK(mal_vfree_atomic), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_area },
	MAL_WALK_LOOK(is_mal_vmalloc_addr),
	MAL_WALK_LOOK(mal_vmalloc_size),
	MAL_WALK_LOOK(mal_vmalloc_to_page),
	MAL_WALK_LOOK(mal_vmalloc_to_pfn),
	{ MAL_WALK(mal_vmap), .undo = mal_undo_vmap,
	  .prepare = mal_prepare_many, .discard = mal_discard_many },
	{ MAL_WALK(mal_vm_map_ram), .undo = mal_undo_map_ram,
	  .prepare = mal_prepare_many, .discard = mal_discard_many },
	{ MAL_WALK(mal_vunmap), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_vmap, .discard = mal_discard_many },
	{ MAL_WALK(mal_vm_unmap_ram), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_map_ram, .discard = mal_discard_many },
	{ MAL_WALK(mal_remap_vmalloc_range), .wants = MAL_WALK_WANTS_MM,
	  .promise = MAL_WALK_FAILS_IN_HOST, .undo = mal_undo_mmap,
	  .prepare = mal_prepare_mmap, .discard = mal_discard_mmap },
	{ MAL_WALK(mal_remap_vmalloc_range_partial), .wants = MAL_WALK_WANTS_MM,
	  .promise = MAL_WALK_FAILS_IN_HOST, .undo = mal_undo_mmap,
	  .prepare = mal_prepare_mmap_partial, .discard = mal_discard_mmap },
	MAL_WALK_KV(mal_kvmalloc),
	{ MAL_WALK_VARIANT(mal_kvmalloc, large), .undo = mal_undo_kv,
	  .promise = MAL_WALK_SURVIVES },
	MAL_WALK_KV(mal_kvzalloc),
	MAL_WALK_KV(mal_kvmalloc_node),
	MAL_WALK_KV(mal_kvzalloc_node),
	MAL_WALK_KV(mal_kvmalloc_array),
	MAL_WALK_KV(mal_kvcalloc),
	MAL_WALK_KV(mal_kvmalloc_array_node),
	MAL_WALK_KV(mal_kvcalloc_node),
	MAL_WALK_KV(mal_kvmemdup),
	{ MAL_WALK(mal_vmemdup_user), .undo = mal_undo_kv, .wants = MAL_WALK_WANTS_USER },
	{ MAL_WALK(mal_vmemdup_array_user), .undo = mal_undo_kv,
	  .wants = MAL_WALK_WANTS_USER },
	{ MAL_WALK(mal_kvrealloc),
	  .prepare = mal_prepare_small, .discard = mal_discard_area },
	{ MAL_WALK_VARIANT(mal_kvrealloc, area),
	  .prepare = mal_prepare_area, .discard = mal_discard_area },
	MAL_WALK_FREE(mal_kvfree),
	{ MAL_WALK_VARIANT(mal_kvfree, area), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_area },
	MAL_WALK_FREE(mal_kvfree_atomic),
	MAL_WALK_FREE(mal_kvfree_sensitive),
	{ MAL_WALK(mal_kvfree_call_rcu), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_area, .undo = mal_undo_rcu },
	{ MAL_WALK(mal_kvfree_rcu), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_small, .undo = mal_undo_rcu },
	MAL_WALK_FREE(mal_kvfree_rcu_mightsleep),
	{}
};
