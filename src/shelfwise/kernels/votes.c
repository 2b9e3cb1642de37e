#include "votes.h"

#include "best.h"
#include "places.h"

#include <stdlib.h>

/* Lists as they are held: packed, an entry being a row and the code of a weight, or a row and a weight each. */
typedef struct {
    const int64_t *starts;
    const void *entries;
    const float *weights, *shares;
    const int32_t *seeds;
    const float *seed_weights;
    npy_intp n_lists, n_entries, n_seeds;
} Lists;

static int read_lists(PyObject *const *arguments, Lists *lists)
{
    Array starts, entries, weights, shares, seeds, seed_weights;
    const int is_packed = arguments[3] != Py_None;
    if (!read_array(arguments[0], NPY_INT64, 1, "starts", &starts)
        || !read_array(arguments[1], is_packed ? NPY_UINT32 : NPY_INT32, 1, "entries", &entries)
        || !read_array(arguments[2], NPY_FLOAT32, 1, "weights", &weights)
        || !read_array_or_none(arguments[3], NPY_FLOAT32, 1, "shares", &shares)
        || !read_array(arguments[4], NPY_INT32, 1, "seeds", &seeds)
        || !read_array(arguments[5], NPY_FLOAT32, 1, "seed_weights", &seed_weights))
        return 0;
    *lists = (Lists){starts.data, entries.data,      weights.data,          shares.data,    seeds.data,
                     seed_weights.data, starts.shape[0] - 1, entries.shape[0], seeds.shape[0]};
    if (weights.shape[0] != (is_packed ? lists->n_lists : lists->n_entries) || (is_packed && shares.shape[0] != 256)
        || seed_weights.shape[0] != lists->n_seeds) {
        PyErr_SetString(PyExc_ValueError, "lists: shapes disagree");
        return 0;
    }
    for (npy_intp at = 0; at < lists->n_seeds; at++) { /* files may be damaged */
        const int32_t seed = lists->seeds[at];
        if (seed < 0 || seed >= lists->n_lists || lists->starts[seed] < 0
            || lists->starts[seed] > lists->starts[seed + 1] || lists->starts[seed + 1] > lists->n_entries) {
            PyErr_Format(PyExc_IndexError, "there is no list of row %d", (int)seed);
            return 0;
        }
    }
    return 1;
}

static inline int32_t row_at(const Lists *lists, int64_t at)
{
    return lists->shares ? (int32_t)(((const uint32_t *)lists->entries)[at] >> 8)
                         : ((const int32_t *)lists->entries)[at];
}

static inline float weight_at(const Lists *lists, int64_t at, float largest)
{
    return lists->shares ? lists->shares[((const uint32_t *)lists->entries)[at] & 255u] * largest : lists->weights[at];
}

/* Rows in the order in which they were named first, and their sums; in double precision, as NumPy sums. They are kept
 * for the next request: memory that is given back and asked for again is paid for page by page. */
static int32_t *named = NULL;
static double *sums = NULL;
static uint64_t *keys = NULL;
static uint32_t n_room = 0;

static int make_room(uint32_t n)
{
    if (n <= n_room)
        return 1;
    const uint32_t wanted = n > 2 * n_room ? n : 2 * n_room;
    free(named);
    free(sums);
    free(keys);
    named = malloc(wanted * sizeof(int32_t));
    sums = malloc(wanted * sizeof(double));
    keys = malloc(wanted * sizeof(uint64_t));
    n_room = named && sums && keys ? wanted : 0;
    if (n_room == 0)
        PyErr_NoMemory();
    return n_room != 0;
}

/* How many rows are named; below 0 with an exception set, or without one where they may be too many. Whether a row was
 * named before is no branch: nobody could guess it. */
static int64_t sum_lists(const Lists *lists)
{
    int64_t n_all = 0;
    for (npy_intp at = 0; at < lists->n_seeds; at++)
        n_all += lists->starts[lists->seeds[at] + 1] - lists->starts[lists->seeds[at]];
    if (n_all >= MOST_PLACES || !make_room((uint32_t)n_all + 1))
        return -1;
    begin_places();
    uint32_t n = 0, n_places = shelfwise_n_places, *places = shelfwise_places;
    const uint32_t list = shelfwise_list << PLACE_BITS;
    int32_t *const rows = named;
    double *const of_rows = sums;
    for (npy_intp at = 0; at < lists->n_seeds; at++) {
        const int32_t seed = lists->seeds[at];
        const float largest = lists->shares ? lists->weights[seed] : 1.0f, of_seed = lists->seed_weights[at];
        for (int64_t entry = lists->starts[seed]; entry < lists->starts[seed + 1]; entry++) {
            const int32_t row = row_at(lists, entry);
            const float weight = weight_at(lists, entry, largest) * of_seed;
            if ((uint32_t)row >= n_places) {
                if (!make_places(row))
                    return -1;
                n_places = shelfwise_n_places, places = shelfwise_places;
            }
            const uint32_t written = places[row] ^ list; /* what is left is the place, where this list wrote it */
            const int is_new = written >= MOST_PLACES;
            const uint32_t place = is_new ? n : written;
            const double before = is_new ? 0.0 : of_rows[place];
            of_rows[place] = before + weight;
            rows[place] = row;
            places[row] = list | place;
            n += (uint32_t)is_new;
        }
    }
    return n;
}

/* The keys of those that may be named; how many, below 0 with an exception set. */
static int64_t keys_of(int64_t n, const Array *allowed, int64_t without)
{
    const npy_bool *may_be = allowed->data;
    int64_t n_keys = 0;
    for (int64_t place = 0; place < n; place++) {
        const int32_t row = named[place];
        const float score = (float)sums[place];
        int is_allowed = score > 0 && row != without;
        if (may_be != NULL) {
            if (row >= allowed->shape[0]) {
                PyErr_Format(PyExc_IndexError, "row %d is none of %zd", (int)row, (Py_ssize_t)allowed->shape[0]);
                return -1;
            }
            is_allowed &= may_be[row] != 0;
        }
        keys[n_keys] = as_key(score, row);
        n_keys += is_allowed;
    }
    return n_keys;
}

PyObject *kernel_vote(PyObject *module, PyObject *const *arguments, Py_ssize_t n_arguments)
{
    Lists lists;
    Array allowed;
    int64_t k, without;
    if (!has_arguments(n_arguments, 9, "vote") || !read_lists(arguments, &lists)
        || !read_array_or_none(arguments[6], NPY_BOOL, 1, "allowed", &allowed)
        || !read_number(arguments[7], "k", &k) || !read_number(arguments[8], "without", &without))
        return NULL;
    const int64_t n = sum_lists(&lists), n_keys = n < 0 ? -1 : keys_of(n, &allowed, without);
    if (n_keys < 0)
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    const int64_t n_best = k < 0 ? 0 : k < n_keys ? k : n_keys;
    best_first(keys, n_keys, n_best);
    PyArrayObject *rows = new_vector(n_best, NPY_INT32), *scores = new_vector(n_best, NPY_FLOAT32);
    PyArrayObject *all_rows = new_vector(n, NPY_INT32), *all_sums = new_vector(n, NPY_FLOAT32);
    PyObject *answer = NULL;
    if (rows != NULL && scores != NULL && all_rows != NULL && all_sums != NULL) {
        for (int64_t place = 0; place < n_best; place++) {
            ((int32_t *)PyArray_DATA(rows))[place] = row_of_key(keys[place]);
            ((float *)PyArray_DATA(scores))[place] = score_of_key(keys[place]);
        }
        for (int64_t place = 0; place < n; place++) {
            ((int32_t *)PyArray_DATA(all_rows))[place] = named[place];
            ((float *)PyArray_DATA(all_sums))[place] = (float)sums[place];
        }
        answer = PyTuple_Pack(4, rows, scores, all_rows, all_sums);
    }
    Py_XDECREF(rows);
    Py_XDECREF(scores);
    Py_XDECREF(all_rows);
    Py_XDECREF(all_sums);
    return answer;
}

PyObject *kernel_scores_in(PyObject *module, PyObject *const *arguments, Py_ssize_t n_arguments)
{
    Array all_rows, all_sums, rows;
    if (!has_arguments(n_arguments, 3, "scores_in") || !read_array(arguments[0], NPY_INT32, 1, "named", &all_rows)
        || !read_array(arguments[1], NPY_FLOAT32, 1, "sums", &all_sums)
        || !read_array(arguments[2], NPY_INT32, 1, "rows", &rows))
        return NULL;
    if (all_sums.shape[0] != all_rows.shape[0]) {
        PyErr_SetString(PyExc_ValueError, "sums: shapes disagree");
        return NULL;
    }
    if (!write_places(all_rows.data, all_rows.shape[0]))
        return NULL;
    PyArrayObject *scores = new_vector(rows.shape[0], NPY_FLOAT32);
    for (npy_intp at = 0; scores != NULL && at < rows.shape[0]; at++) {
        const int32_t row = ((const int32_t *)rows.data)[at];
        const uint32_t place = place_of(row);
        ((float *)PyArray_DATA(scores))[at] = place < MOST_PLACES ? ((const float *)all_sums.data)[place] : 0.0f;
    }
    return (PyObject *)scores;
}

PyObject *kernel_loudest(PyObject *module, PyObject *const *arguments, Py_ssize_t n_arguments)
{
    Lists lists;
    Array rows;
    if (!has_arguments(n_arguments, 7, "loudest") || !read_lists(arguments, &lists)
        || !read_array(arguments[6], NPY_INT32, 1, "rows", &rows))
        return NULL;
    const npy_intp n = rows.shape[0];
    if (!write_places(rows.data, n))
        return NULL;
    PyArrayObject *answer = new_vector(n, NPY_INT32);
    float *heard = calloc((size_t)n + 1, sizeof(float));
    if (answer == NULL || heard == NULL) {
        Py_XDECREF(answer);
        free(heard);
        return PyErr_NoMemory();
    }
    int32_t *found = PyArray_DATA(answer);
    for (npy_intp at = 0; at < n; at++)
        found[at] = -1;
    for (npy_intp at = 0; at < lists.n_seeds; at++) {
        const int32_t seed = lists.seeds[at];
        const float largest = lists.shares ? lists.weights[seed] : 1.0f, of_seed = lists.seed_weights[at];
        for (int64_t entry = lists.starts[seed]; entry < lists.starts[seed + 1]; entry++) {
            const int32_t row = row_at(&lists, entry);
            const uint32_t place = place_of(row);
            if (place >= MOST_PLACES)
                continue;
            const float weight = weight_at(&lists, entry, largest) * of_seed;
            if (weight > heard[place]) { /* of equals the earlier seed's stays */
                heard[place] = weight;
                found[place] = seed;
            }
        }
    }
    free(heard);
    return (PyObject *)answer;
}
