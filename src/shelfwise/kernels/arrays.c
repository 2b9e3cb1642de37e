#include "arrays.h"

int read_array(PyObject *given, int type, int n_dimensions, const char *name, Array *array)
{
    if (!PyArray_Check(given)) {
        PyErr_Format(PyExc_TypeError, "%s: an array is wanted, not %.100s", name, Py_TYPE(given)->tp_name);
        return 0;
    }
    PyArrayObject *found = (PyArrayObject *)given;
    if (!PyArray_EquivTypenums(PyArray_TYPE(found), type) || PyArray_NDIM(found) != n_dimensions
        || !PyArray_ISCARRAY_RO(found)) {
        PyErr_Format(PyExc_TypeError, "%s: a contiguous array of another type or shape is wanted", name);
        return 0;
    }
    array->data = PyArray_DATA(found);
    array->shape[0] = PyArray_DIM(found, 0);
    array->shape[1] = n_dimensions > 1 ? PyArray_DIM(found, 1) : 1;
    return 1;
}

int read_array_or_none(PyObject *given, int type, int n_dimensions, const char *name, Array *array)
{
    if (given == Py_None) {
        *array = (Array){0};
        return 1;
    }
    return read_array(given, type, n_dimensions, name, array);
}

int read_number(PyObject *given, const char *name, int64_t *number)
{
    *number = PyLong_AsLongLong(given);
    if (*number == -1 && PyErr_Occurred()) {
        PyErr_Format(PyExc_TypeError, "%s: a whole number is wanted", name);
        return 0;
    }
    return 1;
}

PyArrayObject *new_vector(npy_intp n, int type) { return (PyArrayObject *)PyArray_SimpleNew(1, &n, type); }

PyArrayObject *new_matrix(npy_intp n_lines, npy_intp n_columns, int type)
{
    npy_intp shape[2] = {n_lines, n_columns};
    return (PyArrayObject *)PyArray_SimpleNew(2, shape, type);
}

int has_arguments(Py_ssize_t given, Py_ssize_t wanted, const char *name)
{
    if (given == wanted)
        return 1;
    PyErr_Format(PyExc_TypeError, "%s wants %zd arguments, not %zd", name, wanted, given);
    return 0;
}
