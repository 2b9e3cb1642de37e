/* Choosing items whose common mix follows a user's own. */

#ifndef SHELFWISE_MIXING_H
#define SHELFWISE_MIXING_H

#include "arrays.h"

/* calibrated(worth, codes, shares, own, share, smoothing, k) -> places */
PyObject *kernel_calibrated(PyObject *module, PyObject *const *arguments, Py_ssize_t n);

#endif
