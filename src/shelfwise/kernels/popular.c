#include "popular.h"

#include <stdlib.h>

PyObject *kernel_most_popular(PyObject *module, PyObject *const *arguments, Py_ssize_t n_arguments)
{
    Array head, allowed, categories, liked;
    int64_t k;
    if (!has_arguments(n_arguments, 5, "most_popular") || !read_array(arguments[0], NPY_INT32, 1, "head", &head)
        || !read_array(arguments[1], NPY_BOOL, 1, "allowed", &allowed)
        || !read_array(arguments[2], NPY_INT32, 1, "categories", &categories)
        || !read_array(arguments[3], NPY_INT32, 1, "liked", &liked) || !read_number(arguments[4], "k", &k))
        return NULL;
    const npy_intp n = head.shape[0];
    const int32_t *rows = head.data, *kinds = categories.data, *wanted = liked.data;
    char *is_chosen = calloc((size_t)n + 1, 1);
    if (is_chosen == NULL)
        return PyErr_NoMemory();
    int64_t n_allowed = 0, n_own = 0;
    for (npy_intp at = 0; at < n; at++) {
        const int32_t row = rows[at];
        if (row < 0 || row >= allowed.shape[0] || row >= categories.shape[0]) {
            free(is_chosen);
            PyErr_Format(PyExc_IndexError, "row %d is none of %zd", (int)row, (Py_ssize_t)allowed.shape[0]);
            return NULL;
        }
        if (!((const npy_bool *)allowed.data)[row]) {
            is_chosen[at] = 2; /* must not be */
            continue;
        }
        n_allowed++;
        int is_own = 0;
        for (npy_intp kind = 0; kind < liked.shape[0]; kind++)
            is_own |= wanted[kind] == kinds[row];
        if (is_own && kinds[row] >= 0 && n_own < k / 2) {
            is_chosen[at] = 1;
            n_own++;
        }
    }
    int64_t n_others = k - n_own, n_found = 0;
    PyArrayObject *answer = new_vector(n_allowed < k ? n_allowed : k, NPY_INT32);
    for (npy_intp at = 0; answer != NULL && at < n; at++) {
        if (is_chosen[at] == 0 && n_others > 0)
            n_others--;
        else if (is_chosen[at] != 1)
            continue;
        ((int32_t *)PyArray_DATA(answer))[n_found++] = rows[at];
    }
    free(is_chosen);
    return (PyObject *)answer;
}
