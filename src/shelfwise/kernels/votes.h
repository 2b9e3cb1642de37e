/* Sums of neighbour lists: what the lists of some seeds say together. */

#ifndef SHELFWISE_VOTES_H
#define SHELFWISE_VOTES_H

#include "arrays.h"

/* vote(starts, entries, weights, shares, seeds, seed_weights, allowed, k, without) -> (rows, scores, named, sums) */
PyObject *kernel_vote(PyObject *module, PyObject *const *arguments, Py_ssize_t n);

/* scores_in(named, sums, rows) -> scores */
PyObject *kernel_scores_in(PyObject *module, PyObject *const *arguments, Py_ssize_t n);

/* loudest(starts, entries, weights, shares, seeds, seed_weights, rows) -> seeds */
PyObject *kernel_loudest(PyObject *module, PyObject *const *arguments, Py_ssize_t n);

#endif
