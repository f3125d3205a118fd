/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kmalloc.h: kmalloc, for the module's own layers
 */
#ifndef _MAL_KMALLOC_INTERNAL_H
#define _MAL_KMALLOC_INTERNAL_H

#include <linux/gfp.h>
#include <linux/stdarg.h>
#include <linux/types.h>

struct mal_page;
struct memalloc_stats_class;
struct seq_file;

size_t mal_kmalloc_room(const void *object);
size_t mal_kmalloc_owned(const void *object);
size_t mal_kmalloc_asked(const void *object, size_t room);
void *mal_kmalloc_caller(size_t size, gfp_t gfp, int node, unsigned long caller);
void *mal_krealloc_caller(const void *object, size_t new_size, gfp_t gfp,
			  unsigned long caller);
void *mal_kvrealloc_caller(const void *address, size_t size, gfp_t gfp,
			   unsigned long caller);
void *mal_kmemdup_caller(const void *from, size_t length, gfp_t gfp,
			 unsigned long caller);
char *mal_kstrdup_caller(const char *from, gfp_t gfp, unsigned long caller);
__printf(2, 0)
char *mal_kvasprintf_caller(gfp_t gfp, const char *fmt, va_list args,
			    unsigned long caller);

void mal_kmalloc_set_caller(const void *object, unsigned long caller);

void *mal_large_alloc(size_t size, gfp_t gfp, int nid, unsigned long caller);
bool mal_large_take(const void *object);
bool mal_large_undo_take(const void *object);
void mal_large_free(const void *object, unsigned long caller);
size_t mal_large_room(const struct mal_page *desc);
void mal_large_resize(struct mal_page *desc, size_t size);
void mal_large_set_caller(struct mal_page *desc, unsigned long caller);

size_t mal_kmalloc_class_align(unsigned int index, size_t dma);
unsigned int mal_class_count(void);
bool mal_class_stats(unsigned int index, struct memalloc_stats_class *stats);
void mal_kmalloc_show(struct seq_file *m);
int mal_kmalloc_init(void);
void mal_kmalloc_exit(void);

#endif /* _MAL_KMALLOC_INTERNAL_H */
