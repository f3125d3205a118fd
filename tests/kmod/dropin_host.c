// SPDX-License-Identifier: GPL-2.0
/*
 * Reference counts of the host's pages
 */
#include "dropin_refs_body.h"

/**
 * dropin_refs_of_host() - record the reference counts of host pages
 * @seen: filled in
 *
 * Context: task; sleeps.
 */
void dropin_refs_of_host(struct refs_seen *seen)
{
	refs_run(seen);
}
