/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kmemleak.h: what the kernel's leak detector (kmemleak) is told of our memory
 *
 * It neither knows borrowed memory nor looks into it. Told of each allocation, it
 * reports those that nobody has a pointer to, and finds in them the pointers to
 * what others have allocated. Pointers of our own, as to what is at hand, must not
 * count.
 *
 * It takes locks, so it cannot be told anything in an NMI. On a kernel with it,
 * allocation fails there, and a free is deferred; but that of more than a size
 * class has is not: kmemleak switches itself off when it sees that memory again.
 *
 * Nothing at all, and no code, on kernels without it.
 */
#ifndef _MAL_KMEMLEAK_H
#define _MAL_KMEMLEAK_H

#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/kconfig.h>
#include <linux/kmemleak.h>
#include <linux/preempt.h>

/*
 * Of a pointer that is set at load: it cannot be written to after that. But kmemleak
 * does not look there.
 */
#ifdef CONFIG_DEBUG_KMEMLEAK
#define __mal_ro_after_init	__read_mostly
#else
#define __mal_ro_after_init	__ro_after_init
#endif

/**
 * mal_kmemleak_forbids() - may it be told nothing now?
 *
 * Context: any.
 * Return: true in an NMI, on a kernel that has it.
 */
static __always_inline bool mal_kmemleak_forbids(void)
{
	return IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) && in_nmi();
}

/**
 * mal_kmemleak_free() - memory is nobody's now, as far as its owner knows
 * @memory: where it begins
 *
 * Context: any; what is freed in an NMI must be told when it is put away.
 */
static __always_inline void mal_kmemleak_free(const void *memory)
{
	if (!mal_kmemleak_forbids())
		kmemleak_free(memory);
}

#endif /* _MAL_KMEMLEAK_H */
