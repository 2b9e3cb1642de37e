/* How kernels read NumPy's arrays: what is not as it should be is refused, nothing is converted. */

#ifndef SHELFWISE_ARRAYS_H
#define SHELFWISE_ARRAYS_H

#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL shelfwise_kernels_array_api
#ifndef SHELFWISE_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <Python.h>
#include <numpy/arrayobject.h>
#include <stdint.h>

/* A C-contiguous array that is only read. */
typedef struct {
    const void *data;
    npy_intp shape[2]; /* of a vector the second is 1 */
} Array;

/* Read an argument; 0 and a TypeError where it is no contiguous array of this type and so many dimensions. */
int read_array(PyObject *given, int type, int n_dimensions, const char *name, Array *array);

/* The same of an argument that may be None: then data is NULL and the shape 0. */
int read_array_or_none(PyObject *given, int type, int n_dimensions, const char *name, Array *array);

/* A whole number; 0 with an exception set where it is none. */
int read_number(PyObject *given, const char *name, int64_t *number);

/* A new vector of so many elements; NULL with an exception set without memory. */
PyArrayObject *new_vector(npy_intp n, int type);

/* A new matrix. */
PyArrayObject *new_matrix(npy_intp n_lines, npy_intp n_columns, int type);

/* Whether a function got as many arguments as it wants; else 0 and a TypeError. */
int has_arguments(Py_ssize_t given, Py_ssize_t wanted, const char *name);

#endif
