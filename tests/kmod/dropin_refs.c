// SPDX-License-Identifier: GPL-2.0
/*
 * Reference counts of memalloc's pages
 */
#include "dropin_refs_body.h"

/**
 * dropin_refs_of_ours() - record the reference counts of memalloc's pages
 * @seen: filled in
 *
 * Context: task; sleeps.
 */
void dropin_refs_of_ours(struct refs_seen *seen)
{
	refs_run(seen);
}
