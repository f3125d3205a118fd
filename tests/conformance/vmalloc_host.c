// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's vmalloc tests, on the host
 *
 * The host exports __vmalloc_node() only to its own build of the tests. Without
 * it, the cases that request an alignment get unaligned areas, so their results
 * are meaningless on the host.
 */
#include <linux/vmalloc.h>

#undef __vmalloc_node
#define __vmalloc_node(size, align, gfp, node, caller)			\
	((void)(align), (void)(node), (void)(caller), __vmalloc(size, gfp))

#include "vmalloc_body.h"
