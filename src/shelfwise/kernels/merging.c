#include "merging.h"

#include "best.h"
#include "places.h"

#include <math.h>
#include <stdlib.h>

#define MOST_ANSWERS 64

/* A row as a key that falls as it rises, so that the best is the smallest row. */
static uint64_t row_key(int32_t row) { return ~(uint64_t)(uint32_t)row; }

/* Distinct rows, ascending: how many; below 0 with an exception set. */
static int64_t distinct(const Array *answers, Py_ssize_t n_answers, uint64_t *keys)
{
    int64_t n = 0;
    begin_places();
    for (Py_ssize_t answer = 0; answer < n_answers; answer++)
        for (npy_intp at = 0; at < answers[answer].shape[0]; at++) {
            const int32_t row = ((const int32_t *)answers[answer].data)[at];
            if ((uint32_t)row >= shelfwise_n_places && !make_places(row))
                return -1;
            if (place_of(row) < MOST_PLACES)
                continue;
            shelfwise_places[row] = shelfwise_list << PLACE_BITS;
            keys[n++] = row_key(row);
        }
    best_first(keys, n, n);
    return n;
}

PyObject *kernel_merge(PyObject *module, PyObject *const *arguments, Py_ssize_t n_arguments)
{
    Array rows_of[MOST_ANSWERS + 1], scores_of[MOST_ANSWERS];
    if (!has_arguments(n_arguments, 2, "merge"))
        return NULL;
    if (!PyTuple_Check(arguments[0]) || PyTuple_GET_SIZE(arguments[0]) > 2 * MOST_ANSWERS
        || PyTuple_GET_SIZE(arguments[0]) % 2) {
        PyErr_SetString(PyExc_TypeError, "answers: a tuple of rows and scores in turn is wanted");
        return NULL;
    }
    const Py_ssize_t n_answers = PyTuple_GET_SIZE(arguments[0]) / 2;
    npy_intp n_named = 0;
    for (Py_ssize_t answer = 0; answer < n_answers; answer++) {
        if (!read_array(PyTuple_GET_ITEM(arguments[0], 2 * answer), NPY_INT32, 1, "rows", &rows_of[answer])
            || !read_array(PyTuple_GET_ITEM(arguments[0], 2 * answer + 1), NPY_FLOAT32, 1, "scores",
                           &scores_of[answer]))
            return NULL;
        if (rows_of[answer].shape[0] != scores_of[answer].shape[0]) {
            PyErr_SetString(PyExc_ValueError, "answers: shapes disagree");
            return NULL;
        }
        n_named += rows_of[answer].shape[0];
    }
    if (!read_array(arguments[1], NPY_INT32, 1, "also", &rows_of[n_answers]))
        return NULL;
    n_named += rows_of[n_answers].shape[0];
    if (n_named >= MOST_PLACES) {
        PyErr_SetString(PyExc_ValueError, "answers: fewer rows are wanted");
        return NULL;
    }
    uint64_t *keys = malloc((size_t)(n_named + 1) * sizeof(uint64_t));
    if (keys == NULL)
        return PyErr_NoMemory();
    const int64_t n = distinct(rows_of, n_answers + 1, keys);
    if (n < 0) {
        free(keys);
        return NULL;
    }
    PyObject *told = NULL;
    PyArrayObject *rows = new_vector(n, NPY_INT32), *scores = new_matrix(n, n_answers, NPY_FLOAT32);
    PyArrayObject *ranks = new_matrix(n, n_answers, NPY_INT32);
    if (rows != NULL && scores != NULL && ranks != NULL) {
        int32_t *all_rows = PyArray_DATA(rows), *all_ranks = PyArray_DATA(ranks);
        float *all_scores = PyArray_DATA(scores);
        for (int64_t place = 0; place < n; place++) {
            all_rows[place] = (int32_t)(uint32_t)~keys[place];
            shelfwise_places[all_rows[place]] = shelfwise_list << PLACE_BITS | (uint32_t)place;
        }
        for (int64_t at = 0; at < n * n_answers; at++) {
            all_scores[at] = NAN;
            all_ranks[at] = 0;
        }
        for (Py_ssize_t answer = 0; answer < n_answers; answer++)
            for (npy_intp at = 0; at < rows_of[answer].shape[0]; at++) {
                const uint32_t place = place_of(((const int32_t *)rows_of[answer].data)[at]);
                all_scores[place * n_answers + answer] = ((const float *)scores_of[answer].data)[at];
                all_ranks[place * n_answers + answer] = (int32_t)at + 1;
            }
        told = PyTuple_Pack(3, rows, scores, ranks);
    }
    free(keys);
    Py_XDECREF(rows);
    Py_XDECREF(scores);
    Py_XDECREF(ranks);
    return told;
}

PyObject *kernel_fill_scores(PyObject *module, PyObject *const *arguments, Py_ssize_t n_arguments)
{
    Array scores, ranks, told;
    int64_t column;
    if (!has_arguments(n_arguments, 4, "fill_scores") || !read_array(arguments[0], NPY_FLOAT32, 2, "scores", &scores)
        || !read_array(arguments[1], NPY_INT32, 2, "ranks", &ranks) || !read_number(arguments[2], "column", &column)
        || !read_array(arguments[3], NPY_FLOAT32, 1, "told", &told))
        return NULL;
    if (ranks.shape[0] != scores.shape[0] || ranks.shape[1] != scores.shape[1] || told.shape[0] != scores.shape[0]
        || column < 0 || column >= scores.shape[1] || !PyArray_ISWRITEABLE((PyArrayObject *)arguments[0])) {
        PyErr_SetString(PyExc_ValueError, "scores: shapes disagree");
        return NULL;
    }
    float *filled = PyArray_DATA((PyArrayObject *)arguments[0]);
    for (npy_intp at = 0; at < scores.shape[0]; at++) {
        const npy_intp place = at * scores.shape[1] + column;
        if (((const int32_t *)ranks.data)[place] == 0)
            filled[place] = ((const float *)told.data)[at];
    }
    Py_RETURN_NONE;
}
