#include "mixing.h"

#include <math.h>
#include <stdlib.h>

/* What an item adds to an aspect that the user has; those that he has not change nothing. */
typedef struct {
    int32_t aspect;
    float share, weight; /* `weight` is the user's own share of the aspect times that of the gain */
} Part;

typedef struct {
    npy_intp n_items, n_aspects; /* aspects that the user has, numbered in their order */
    npy_intp *starts;            /* item i's parts are [starts[i], starts[i + 1]) */
    Part *parts;
    float *value;   /* of each item's relevance; minus infinity once it is picked */
    float *floor;   /* of each aspect: what smoothing adds with every pick */
    float *summed;  /* of each aspect over those picked, smoothed */
    float *inverse; /* one over each */
} Slate;

static void forget(Slate *slate)
{
    free(slate->starts);
    free(slate->parts);
    free(slate->value);
    free(slate->floor);
    free(slate->summed);
    free(slate->inverse);
}

static int has_memory(Slate *slate, npy_intp n_items, npy_intp n_parts, npy_intp n_aspects)
{
    slate->n_items = n_items;
    slate->starts = malloc(((size_t)n_items + 1) * sizeof(npy_intp));
    slate->parts = malloc(((size_t)n_parts + 1) * sizeof(Part));
    slate->value = malloc(((size_t)n_items + 1) * sizeof(float));
    slate->floor = malloc(((size_t)n_aspects + 1) * sizeof(float));
    slate->summed = malloc(((size_t)n_aspects + 1) * sizeof(float));
    slate->inverse = malloc(((size_t)n_aspects + 1) * sizeof(float));
    if (slate->starts && slate->parts && slate->value && slate->floor && slate->summed && slate->inverse)
        return 1;
    PyErr_NoMemory();
    return 0;
}

/* Number what the user has, and find what each item adds to it; 0 with an exception set. */
static int find_parts(Slate *slate, const Array *codes, const Array *shares, const Array *mix, float share,
                      float smoothing)
{
    const int32_t *code = codes->data;
    const float *of_item = shares->data, *own = mix->data;
    int32_t *number = malloc(((size_t)mix->shape[0] + 1) * sizeof(int32_t));
    if (number == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    slate->n_aspects = 0;
    for (npy_intp aspect = 0; aspect < mix->shape[0]; aspect++)
        if (own[aspect] != 0) {
            slate->floor[slate->n_aspects] = own[aspect] * smoothing;
            number[aspect] = (int32_t)slate->n_aspects++;
        }
    npy_intp n_parts = 0, at = 0;
    for (npy_intp item = 0; item < slate->n_items; item++) {
        slate->starts[item] = n_parts;
        for (const npy_intp end = at + codes->shape[1]; at < end; at++) {
            if (of_item[at] == 0)
                continue;
            if (code[at] < 0 || code[at] >= mix->shape[0]) {
                free(number);
                PyErr_SetString(PyExc_IndexError, "codes: an item has an aspect that there is not");
                return 0;
            }
            if (own[code[at]] != 0)
                slate->parts[n_parts++] = (Part){number[code[at]], of_item[at], own[code[at]] * share};
        }
    }
    slate->starts[slate->n_items] = n_parts;
    free(number);
    return 1;
}

static npy_intp best_of(const Slate *slate)
{
    npy_intp best = 0;
    float most = -INFINITY;
    for (npy_intp item = 0; item < slate->n_items; item++) {
        float gain = slate->value[item];
        if (gain == -INFINITY)
            continue;
        for (npy_intp at = slate->starts[item]; at < slate->starts[item + 1]; at++) {
            const Part *part = &slate->parts[at];
            gain += logf(1 + part->share * slate->inverse[part->aspect]) * part->weight;
        }
        if (gain > most) {
            most = gain;
            best = item;
        }
    }
    return best;
}

static void pick(Slate *slate, int32_t *places, npy_intp k)
{
    for (npy_intp aspect = 0; aspect < slate->n_aspects; aspect++)
        slate->summed[aspect] = slate->floor[aspect];
    for (npy_intp picked = 0; picked < k; picked++) {
        for (npy_intp aspect = 0; aspect < slate->n_aspects; aspect++)
            slate->inverse[aspect] = 1 / slate->summed[aspect];
        const npy_intp best = best_of(slate);
        places[picked] = (int32_t)best;
        slate->value[best] = -INFINITY;
        for (npy_intp at = slate->starts[best]; at < slate->starts[best + 1]; at++)
            slate->summed[slate->parts[at].aspect] += slate->parts[at].share;
        for (npy_intp aspect = 0; aspect < slate->n_aspects; aspect++)
            slate->summed[aspect] += slate->floor[aspect];
    }
}

PyObject *kernel_calibrated(PyObject *module, PyObject *const *arguments, Py_ssize_t n_arguments)
{
    Array worth, codes, shares, own;
    int64_t k;
    if (!has_arguments(n_arguments, 7, "calibrated") || !read_array(arguments[0], NPY_FLOAT32, 1, "worth", &worth)
        || !read_array(arguments[1], NPY_INT32, 2, "codes", &codes)
        || !read_array(arguments[2], NPY_FLOAT32, 2, "shares", &shares)
        || !read_array(arguments[3], NPY_FLOAT32, 1, "own", &own) || !read_number(arguments[6], "k", &k))
        return NULL;
    const float share = (float)PyFloat_AsDouble(arguments[4]), smoothing = (float)PyFloat_AsDouble(arguments[5]);
    if (PyErr_Occurred())
        return NULL;
    const npy_intp n = worth.shape[0];
    if (codes.shape[0] != n || shares.shape[0] != n || codes.shape[1] != shares.shape[1]) {
        PyErr_SetString(PyExc_ValueError, "codes, shares: shapes disagree");
        return NULL;
    }
    if (k < 0 || k > n) {
        PyErr_SetString(PyExc_ValueError, "k: there are fewer items");
        return NULL;
    }
    Slate slate = {0};
    PyArrayObject *answer = NULL;
    if (has_memory(&slate, n, n * codes.shape[1], own.shape[0])
        && find_parts(&slate, &codes, &shares, &own, share, smoothing / (1 - smoothing))
        && (answer = new_vector(k, NPY_INT32)) != NULL) {
        for (npy_intp item = 0; item < n; item++)
            slate.value[item] = ((const float *)worth.data)[item] * (1 - share);
        pick(&slate, PyArray_DATA(answer), k);
    }
    forget(&slate);
    return (PyObject *)answer;
}
