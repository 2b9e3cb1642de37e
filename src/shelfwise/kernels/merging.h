/* Several retrievers' answers as one list of candidates. */

#ifndef SHELFWISE_MERGING_H
#define SHELFWISE_MERGING_H

#include "arrays.h"

/* merge(answers, also) -> (rows, scores, ranks) */
PyObject *kernel_merge(PyObject *module, PyObject *const *arguments, Py_ssize_t n);

/* fill_scores(scores, ranks, column, told) -> None */
PyObject *kernel_fill_scores(PyObject *module, PyObject *const *arguments, Py_ssize_t n);

#endif
