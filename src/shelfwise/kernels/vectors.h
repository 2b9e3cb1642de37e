/* Inner products of items' vectors. */

#ifndef SHELFWISE_VECTORS_H
#define SHELFWISE_VECTORS_H

#include "arrays.h"

/* The inner product of a vector, in half or single precision, and a question. */
typedef float (*Product)(const void *vector, int is_half, const float *question, npy_intp dim);

/* The fastest that this processor has. */
Product fastest_product(void);

/* Begin to read so many bytes, which are wanted soon. */
static inline void fetch(const char *data, npy_intp n_bytes)
{
#if defined(__GNUC__)
    for (npy_intp byte = 0; byte < n_bytes; byte += 64)
        __builtin_prefetch(data + byte);
#endif
}

/* products(vectors, rows, questions) -> products */
PyObject *kernel_products(PyObject *module, PyObject *const *arguments, Py_ssize_t n);

#endif
