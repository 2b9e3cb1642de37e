/* Sums of boosted trees. */

#ifndef SHELFWISE_TREES_H
#define SHELFWISE_TREES_H

#include "arrays.h"

/* sum_of_trees(features, thresholds, columns, kept, starts, leaves, begin, end, lanes) -> scores */
PyObject *kernel_sum_of_trees(PyObject *module, PyObject *const *arguments, Py_ssize_t n);

/* cascade(features, thresholds, columns, kept, starts, leaves, n_first, n_judged) -> scores */
PyObject *kernel_cascade(PyObject *module, PyObject *const *arguments, Py_ssize_t n);

#endif
