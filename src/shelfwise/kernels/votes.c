#include "votes.h"

#include <stdlib.h>
#include <string.h>

#define FREE (-1)
#define LEAST_SLOTS 1024
#define CAPSULE "shelfwise.kernels.sums"

/* Rows and their sums at the place that a row's hash says, or at the next free one: linear probing, at most half full.
 * Its size is that of what was named, so it stays in the processor's own caches however many items there are. */
typedef struct {
    int32_t row;
    double sum; /* as NumPy's bincount, so that the sums are the same to the last bit */
} Slot;

struct Sums {
    Slot *slots;
    uint32_t n_slots, n_used;
    int shift; /* 32 less the logarithm of n_slots */
};

static uint32_t place_of(int32_t row, int shift) { return ((uint32_t)row * 2654435769u) >> shift; }

static int make(Sums *sums, uint32_t n_slots)
{
    int bits = 0;
    while ((1u << bits) < n_slots)
        bits++;
    sums->slots = malloc(n_slots * sizeof(Slot));
    if (sums->slots == NULL)
        return 0;
    for (uint32_t place = 0; place < n_slots; place++)
        sums->slots[place].row = FREE;
    sums->n_slots = n_slots;
    sums->n_used = 0;
    sums->shift = 32 - bits;
    return 1;
}

/* The slot of a row, or the free one where it would stand. */
static Slot *slot_of(const Sums *sums, int32_t row)
{
    uint32_t place = place_of(row, sums->shift), last = sums->n_slots - 1;
    while (sums->slots[place].row != row && sums->slots[place].row != FREE)
        place = (place + 1) & last;
    return &sums->slots[place];
}

static int grow(Sums *sums)
{
    Sums larger;
    if (sums->n_slots > UINT32_MAX / 4 || !make(&larger, 2 * sums->n_slots))
        return 0;
    for (uint32_t place = 0; place < sums->n_slots; place++)
        if (sums->slots[place].row != FREE)
            *slot_of(&larger, sums->slots[place].row) = sums->slots[place];
    larger.n_used = sums->n_used;
    free(sums->slots);
    *sums = larger;
    return 1;
}

static int add(Sums *sums, int32_t row, float weight)
{
    Slot *slot = slot_of(sums, row);
    if (slot->row == FREE) {
        slot->row = row;
        slot->sum = weight;
        return 2 * ++sums->n_used <= sums->n_slots || grow(sums);
    }
    slot->sum += weight;
    return 1;
}

static void free_sums(PyObject *capsule)
{
    Sums *sums = PyCapsule_GetPointer(capsule, CAPSULE);
    if (sums != NULL) {
        free(sums->slots);
        free(sums);
    }
}

const Sums *sums_of(PyObject *capsule) { return PyCapsule_GetPointer(capsule, CAPSULE); }

float sum_of_row(const Sums *sums, int32_t row)
{
    const Slot *slot = slot_of(sums, row);
    return slot->row == FREE ? 0.0f : (float)slot->sum;
}

/* Lists as they are held: packed, an entry being a row and the code of a weight, or a row and a weight each. */
typedef struct {
    Array starts, entries, weights, shares, seeds, seed_weights;
    int is_packed;
} Lists;

static int read_lists(PyObject *const *arguments, Lists *lists)
{
    lists->is_packed = arguments[3] != Py_None;
    if (!read_array(arguments[0], NPY_INT64, 1, "starts", &lists->starts)
        || !read_array(arguments[1], lists->is_packed ? NPY_UINT32 : NPY_INT32, 1, "entries", &lists->entries)
        || !read_array(arguments[2], NPY_FLOAT32, 1, "weights", &lists->weights)
        || !read_array_or_none(arguments[3], NPY_FLOAT32, 1, "shares", &lists->shares)
        || !read_array(arguments[4], NPY_INT32, 1, "seeds", &lists->seeds)
        || !read_array(arguments[5], NPY_FLOAT32, 1, "seed_weights", &lists->seed_weights))
        return 0;
    npy_intp n_lists = lists->starts.shape[0] - 1;
    if (lists->weights.shape[0] != (lists->is_packed ? n_lists : lists->entries.shape[0])
        || (lists->is_packed && lists->shares.shape[0] != 256)
        || lists->seed_weights.shape[0] != lists->seeds.shape[0]) {
        PyErr_SetString(PyExc_ValueError, "lists: shapes disagree");
        return 0;
    }
    return 1;
}

/* Where a seed's list begins and ends; 0 and an IndexError where there is no such list. */
static int span_of(const Lists *lists, npy_intp at, int64_t *begin, int64_t *end)
{
    int32_t seed = ((const int32_t *)lists->seeds.data)[at];
    if (seed < 0 || seed >= lists->starts.shape[0] - 1)
        goto absent;
    *begin = ((const int64_t *)lists->starts.data)[seed];
    *end = ((const int64_t *)lists->starts.data)[seed + 1];
    if (*begin >= 0 && *begin <= *end && *end <= lists->entries.shape[0])
        return 1;
absent:
    PyErr_Format(PyExc_IndexError, "there is no list of row %d", (int)seed);
    return 0;
}

static inline void entry_at(const Lists *lists, int64_t at, float largest, int32_t *row, float *weight)
{
    if (lists->is_packed) {
        uint32_t entry = ((const uint32_t *)lists->entries.data)[at];
        *row = (int32_t)(entry >> 8);
        *weight = ((const float *)lists->shares.data)[entry & 255u] * largest;
    } else {
        *row = ((const int32_t *)lists->entries.data)[at];
        *weight = ((const float *)lists->weights.data)[at];
    }
}

static float largest_of(const Lists *lists, npy_intp at)
{
    return lists->is_packed ? ((const float *)lists->weights.data)[((const int32_t *)lists->seeds.data)[at]] : 1.0f;
}

static int sum_lists(const Lists *lists, Sums *sums)
{
    for (npy_intp at = 0; at < lists->seeds.shape[0]; at++) {
        int64_t begin, end;
        if (!span_of(lists, at, &begin, &end))
            return 0;
        float largest = largest_of(lists, at), of_seed = ((const float *)lists->seed_weights.data)[at];
        for (int64_t place = begin; place < end; place++) {
            int32_t row;
            float weight;
            entry_at(lists, place, largest, &row, &weight);
            if (row < 0) {
                PyErr_SetString(PyExc_IndexError, "a list names a row below 0");
                return 0;
            }
            if (!add(sums, row, weight * of_seed)) {
                PyErr_NoMemory();
                return 0;
            }
        }
    }
    return 1;
}

typedef struct {
    float score;
    int32_t row;
} Named;

static inline int is_better(Named one, Named other)
{
    return one.score > other.score || (one.score == other.score && one.row < other.row);
}

/* Let the first of a heap sink to where it belongs; the worst is to stand first. */
static void sink(Named *heap, int64_t n)
{
    Named moved = heap[0];
    int64_t place = 0;
    for (int64_t child = 1; child < n; child = 2 * place + 1) {
        if (child + 1 < n && is_better(heap[child], heap[child + 1]))
            child++;
        if (!is_better(moved, heap[child]))
            break;
        heap[place] = heap[child];
        place = child;
    }
    heap[place] = moved;
}

static void rise(Named *heap, int64_t place)
{
    Named moved = heap[place];
    while (place > 0 && is_better(heap[(place - 1) / 2], moved)) {
        heap[place] = heap[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    heap[place] = moved;
}

/* The k best rows that may be named, best first; how many these are, below 0 with an exception set. */
static int64_t best_of(const Sums *sums, const Array *allowed, int64_t k, int64_t without, Named *found)
{
    const npy_bool *may_be = allowed->data;
    int64_t n = 0;
    for (uint32_t place = 0; place < sums->n_slots; place++) {
        int32_t row = sums->slots[place].row;
        if (row == FREE)
            continue;
        Named one = {(float)sums->slots[place].sum, row};
        if (!(one.score > 0) || row == without)
            continue;
        if (may_be != NULL) {
            if (row >= allowed->shape[0]) {
                PyErr_Format(PyExc_IndexError, "row %d is none of %zd", (int)row, (Py_ssize_t)allowed->shape[0]);
                return -1;
            }
            if (!may_be[row])
                continue;
        }
        if (n < k) {
            found[n] = one;
            rise(found, n++);
        } else if (is_better(one, found[0])) {
            found[0] = one;
            sink(found, n);
        }
    }
    for (int64_t left = n; left > 1; left--) { /* the worst of what is left goes to its end */
        Named worst = found[0];
        found[0] = found[left - 1];
        sink(found, left - 1);
        found[left - 1] = worst;
    }
    return n;
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
    if (k < 1) {
        PyErr_SetString(PyExc_ValueError, "k: at least 1 is wanted");
        return NULL;
    }
    PyObject *capsule = NULL, *answer = NULL;
    PyArrayObject *rows = NULL, *scores = NULL;
    Named *found = NULL;
    Sums *sums = calloc(1, sizeof(Sums));
    if (sums == NULL)
        return PyErr_NoMemory();
    capsule = PyCapsule_New(sums, CAPSULE, free_sums);
    if (capsule == NULL) {
        free(sums);
        return NULL;
    }
    if (!make(sums, LEAST_SLOTS)) {
        PyErr_NoMemory();
        goto end;
    }
    if (!sum_lists(&lists, sums))
        goto end;
    int64_t room = k < (int64_t)sums->n_used ? k : (int64_t)sums->n_used;
    found = malloc((size_t)(room + 1) * sizeof(Named));
    if (found == NULL) {
        PyErr_NoMemory();
        goto end;
    }
    int64_t n = best_of(sums, &allowed, room > 0 ? room : 1, without, found);
    if (n < 0)
        goto end;
    rows = new_vector(n, NPY_INT32);
    scores = new_vector(n, NPY_FLOAT32);
    if (rows == NULL || scores == NULL)
        goto end;
    for (int64_t place = 0; place < n; place++) {
        ((int32_t *)PyArray_DATA(rows))[place] = found[place].row;
        ((float *)PyArray_DATA(scores))[place] = found[place].score;
    }
    answer = PyTuple_Pack(3, rows, scores, capsule);
end:
    free(found);
    Py_XDECREF(rows);
    Py_XDECREF(scores);
    Py_DECREF(capsule);
    return answer;
}

PyObject *kernel_scores_in(PyObject *module, PyObject *const *arguments, Py_ssize_t n_arguments)
{
    Array rows;
    if (!has_arguments(n_arguments, 2, "scores_in") || !read_array(arguments[1], NPY_INT32, 1, "rows", &rows))
        return NULL;
    const Sums *sums = sums_of(arguments[0]);
    if (sums == NULL)
        return NULL;
    PyArrayObject *scores = new_vector(rows.shape[0], NPY_FLOAT32);
    if (scores == NULL)
        return NULL;
    for (npy_intp at = 0; at < rows.shape[0]; at++)
        ((float *)PyArray_DATA(scores))[at] = sum_of_row(sums, ((const int32_t *)rows.data)[at]);
    return (PyObject *)scores;
}

PyObject *kernel_loudest(PyObject *module, PyObject *const *arguments, Py_ssize_t n_arguments)
{
    Lists lists;
    Array rows;
    if (!has_arguments(n_arguments, 7, "loudest") || !read_lists(arguments, &lists)
        || !read_array(arguments[6], NPY_INT32, 1, "rows", &rows))
        return NULL;
    npy_intp n = rows.shape[0];
    if (n > INT32_MAX / 4) {
        PyErr_SetString(PyExc_ValueError, "rows: fewer are wanted");
        return NULL;
    }
    uint32_t n_slots = 16;
    while (n_slots < 4 * (uint32_t)n)
        n_slots *= 2;
    PyArrayObject *answer = new_vector(n, NPY_INT32);
    float *heard = malloc((size_t)(n + 1) * sizeof(float));
    Sums asked = {0}; /* the sum of a row is its place among those asked about */
    if (answer == NULL || heard == NULL || !make(&asked, n_slots)) {
        Py_CLEAR(answer);
        PyErr_NoMemory();
        goto end;
    }
    int32_t *found = PyArray_DATA(answer);
    for (npy_intp at = 0; at < n; at++) {
        found[at] = -1;
        heard[at] = 0;
        Slot *slot = slot_of(&asked, ((const int32_t *)rows.data)[at]);
        slot->row = ((const int32_t *)rows.data)[at];
        slot->sum = (double)at;
    }
    for (npy_intp at = 0; n > 0 && at < lists.seeds.shape[0]; at++) {
        int64_t begin, end;
        if (!span_of(&lists, at, &begin, &end)) {
            Py_CLEAR(answer);
            goto end;
        }
        float largest = largest_of(&lists, at), of_seed = ((const float *)lists.seed_weights.data)[at];
        for (int64_t place = begin; place < end; place++) {
            int32_t row;
            float weight;
            entry_at(&lists, place, largest, &row, &weight);
            const Slot *slot = slot_of(&asked, row);
            if (slot->row == FREE)
                continue;
            npy_intp of_row = (npy_intp)slot->sum;
            weight *= of_seed;
            if (weight > heard[of_row]) { /* of equals the earlier seed's stays */
                heard[of_row] = weight;
                found[of_row] = ((const int32_t *)lists.seeds.data)[at];
            }
        }
    }
end:
    free(heard);
    free(asked.slots);
    return (PyObject *)answer;
}
