/* SPDX-License-Identifier: GPL-2.0 */
/*
 * host_kfree.h: reports of memory of ours that the host's kfree() gets
 */
#ifndef _MAL_HOST_KFREE_H
#define _MAL_HOST_KFREE_H

/* As in Kbuild; a probe needs the arguments of the function. */
#if defined(CONFIG_KPROBES) && defined(CONFIG_HAVE_FUNCTION_ARG_ACCESS_API)
void mal_host_kfree_init(void);
void mal_host_kfree_exit(void);
#else
static inline void mal_host_kfree_init(void) { }
static inline void mal_host_kfree_exit(void) { }
#endif

#endif /* _MAL_HOST_KFREE_H */
