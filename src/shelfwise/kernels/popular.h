/* The most popular items for somebody. */

#ifndef SHELFWISE_POPULAR_H
#define SHELFWISE_POPULAR_H

#include "arrays.h"

/* most_popular(head, allowed, categories, liked, k) -> rows */
PyObject *kernel_most_popular(PyObject *module, PyObject *const *arguments, Py_ssize_t n);

#endif
