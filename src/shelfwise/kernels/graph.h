/* The nearest vectors by way of a graph of neighbours. */

#ifndef SHELFWISE_GRAPH_H
#define SHELFWISE_GRAPH_H

#include "arrays.h"

/* graph_search(links, offsets, levels, vectors, question, entry, effort, k) -> (rows, products) */
PyObject *kernel_graph_search(PyObject *module, PyObject *const *arguments, Py_ssize_t n);

#endif
