/* Sums of neighbour lists: what the lists of some seeds say together. */

#ifndef SHELFWISE_VOTES_H
#define SHELFWISE_VOTES_H

#include "arrays.h"

/* vote(starts, entries, weights, shares, seeds, seed_weights, allowed, k, without) -> (rows, scores, sums) */
PyObject *kernel_vote(PyObject *module, PyObject *const *arguments, Py_ssize_t n);

/* scores_in(sums, rows) -> scores */
PyObject *kernel_scores_in(PyObject *module, PyObject *const *arguments, Py_ssize_t n);

/* loudest(starts, entries, weights, shares, seeds, seed_weights, rows) -> seeds */
PyObject *kernel_loudest(PyObject *module, PyObject *const *arguments, Py_ssize_t n);

/* What `vote` summed of a row: 0 where nothing was. NULL of what is no capsule of sums. */
typedef struct Sums Sums;
const Sums *sums_of(PyObject *capsule);
float sum_of_row(const Sums *sums, int32_t row);

#endif
