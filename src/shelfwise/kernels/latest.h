/* The distinct items that somebody turned to, latest first. */

#ifndef SHELFWISE_LATEST_H
#define SHELFWISE_LATEST_H

#include "arrays.h"

/* latest_items(history_rows, history_times, context) -> (rows, moments) */
PyObject *kernel_latest_items(PyObject *module, PyObject *const *arguments, Py_ssize_t n);

#endif
