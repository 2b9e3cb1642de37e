#include "latest.h"

#include "places.h"

/* Add a row that was not there before, a number of moments before the latest one; 0 with an exception set. */
static int add(int32_t row, int64_t moment, int32_t *rows, int64_t *moments, npy_intp *n)
{
    if ((uint32_t)row >= shelfwise_n_places && !make_places(row))
        return 0;
    if (place_of(row) < MOST_PLACES)
        return 1;
    shelfwise_places[row] = shelfwise_list << PLACE_BITS;
    rows[*n] = row;
    moments[(*n)++] = moment;
    return 1;
}

PyObject *kernel_latest_items(PyObject *module, PyObject *const *arguments, Py_ssize_t n_arguments)
{
    Array history, times, context;
    if (!has_arguments(n_arguments, 3, "latest_items")
        || !read_array(arguments[0], NPY_INT32, 1, "history_rows", &history)
        || !read_array(arguments[1], NPY_INT64, 1, "history_times", &times)
        || !read_array(arguments[2], NPY_INT32, 1, "context", &context))
        return NULL;
    if (times.shape[0] != history.shape[0]) {
        PyErr_SetString(PyExc_ValueError, "history: shapes disagree");
        return NULL;
    }
    const npy_intp most = history.shape[0] + context.shape[0];
    PyArrayObject *rows = new_vector(most, NPY_INT32), *moments = new_vector(most, NPY_INT64);
    PyObject *answer = NULL;
    npy_intp n = 0;
    if (rows == NULL || moments == NULL)
        goto end;
    begin_places();
    for (npy_intp at = context.shape[0] - 1; at >= 0; at--)
        if (!add(((const int32_t *)context.data)[at], 0, PyArray_DATA(rows), PyArray_DATA(moments), &n))
            goto end;
    int64_t moment = context.shape[0] > 0; /* what the request names is more recent than all history */
    const int64_t *when = times.data;
    for (npy_intp at = history.shape[0] - 1; at >= 0; at--) {
        moment += at + 1 < history.shape[0] && when[at] != when[at + 1];
        if (!add(((const int32_t *)history.data)[at], moment, PyArray_DATA(rows), PyArray_DATA(moments), &n))
            goto end;
    }
    PyArray_Dims shape = {&n, 1};
    PyObject *kept_rows = PyArray_Resize(rows, &shape, 0, NPY_CORDER);
    PyObject *kept_moments = kept_rows ? PyArray_Resize(moments, &shape, 0, NPY_CORDER) : NULL;
    if (kept_moments != NULL)
        answer = PyTuple_Pack(2, rows, moments);
    Py_XDECREF(kept_rows);
    Py_XDECREF(kept_moments);
end:
    Py_XDECREF(rows);
    Py_XDECREF(moments);
    return answer;
}
