/* What the ranker is told of each candidate. */

#ifndef SHELFWISE_FEATURES_H
#define SHELFWISE_FEATURES_H

#include "arrays.h"

/* describe(rows, scores, ranks, log_prices, state, history_rows, history_times, seeds, weights, now_ms, has_clock,
 *          n_columns) -> features */
PyObject *kernel_describe(PyObject *module, PyObject *const *arguments, Py_ssize_t n);

#endif
