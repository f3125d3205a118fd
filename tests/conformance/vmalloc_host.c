// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's tests of vmalloc(), on the host
 *
 * The host exports __vmalloc_node() to its own build of them, only. Without it the
 * cases that ask for an alignment say nothing of the host: they are given areas
 * without.
 */
#include <linux/vmalloc.h>

#undef __vmalloc_node
#define __vmalloc_node(size, align, gfp, node, caller)			\
	((void)(align), (void)(node), (void)(caller), __vmalloc(size, gfp))

#include "vmalloc_body.h"
