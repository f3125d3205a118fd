/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kmemleak.h: hooks for the kernel's leak detector (kmemleak)
 *
 * kmemleak does not know borrowed memory and does not scan it. Once it is told
 * of each allocation, it reports those without a reference, and scans them for
 * references to other allocations. Our own pointers, for example those to
 * cached free memory, must not count as references.
 *
 * kmemleak takes locks, so it cannot be called in an NMI handler. On kernels
 * with kmemleak, allocation fails there and a free is deferred. A free of
 * memory larger than the size classes is an exception: kmemleak disables itself
 * when it sees that memory again.
 *
 * These hooks generate no code on kernels without kmemleak.
 */
#ifndef _MAL_KMEMLEAK_H
#define _MAL_KMEMLEAK_H

#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/kconfig.h>
#include <linux/kmemleak.h>
#include <linux/preempt.h>

/*
 * For a pointer that is set at load. It should be read-only afterwards, but
 * kmemleak does not scan that section.
 */
#ifdef CONFIG_DEBUG_KMEMLEAK
#define __mal_ro_after_init	__read_mostly
#else
#define __mal_ro_after_init	__ro_after_init
#endif

/**
 * mal_kmemleak_forbids() - is the context unsuitable for kmemleak?
 *
 * Context: any.
 * Return: true in an NMI handler on a kernel with kmemleak.
 */
static __always_inline bool mal_kmemleak_forbids(void)
{
	return IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) && in_nmi();
}

/**
 * mal_kmemleak_free() - tell kmemleak that memory was freed
 * @memory: start of the memory
 *
 * Context: any; memory freed by an NMI handler must be told when it is put
 * back.
 */
static __always_inline void mal_kmemleak_free(const void *memory)
{
	if (!mal_kmemleak_forbids())
		kmemleak_free(memory);
}

#endif /* _MAL_KMEMLEAK_H */
