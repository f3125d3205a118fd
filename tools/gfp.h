/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The names of MEMALLOC_GFP_*
 */
#ifndef GFP_H
#define GFP_H

#include <stdbool.h>
#include <stdint.h>

/**
 * gfp_parse() - read a list of names
 * @text: names separated by commas, as "atomic,zero"; a number stands for the
 *	bits it has, whether or not they mean anything
 * @gfp: where the bits go
 *
 * Complains about what it does not understand.
 *
 * Return: true if it understood all.
 */
bool gfp_parse(const char *text, uint32_t *gfp);

#endif /* GFP_H */
