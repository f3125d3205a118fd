/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kunit.h: exports for in-kernel unit tests
 */
#ifndef _MAL_KUNIT_H
#define _MAL_KUNIT_H

#include "internal/compat.h"

/*
 * Exports a function that is not part of the API but called by tests/kunit.
 * Nothing is exported on kernels without unit tests, as shipped by
 * distributions, unless the module is built for tests (make MEMALLOC_TESTS=y).
 */
#if IS_ENABLED(CONFIG_KUNIT) || defined(MAL_TESTS)
#define MAL_EXPORT_FOR_KUNIT(symbol)	MAL_EXPORT(symbol)
#else
#define MAL_EXPORT_FOR_KUNIT(symbol)
#endif

#endif /* _MAL_KUNIT_H */
