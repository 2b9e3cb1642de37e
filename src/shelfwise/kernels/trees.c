/* Trees as QuickScorer reads them, of many candidates at once.
 *
 * A tree has at most 32 leaves, numbered from left to right, and a node knows which of them stand outside of its left
 * half. Of a candidate for which a node's comparison is false, the leaves of the left half are out. When every node of
 * a tree was asked, in any order, the first leaf that is left is the candidate's. So there is no way to be found through
 * a tree and no branch to be guessed: of each node one feature of sixteen candidates is compared at once.
 *
 * Source: Lucchese et al. (2015), QuickScorer; Lucchese et al. (2016), V-QuickScorer, for the many candidates. */

#include "trees.h"

#include "best.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LANES 16
#define MOST_COLUMNS 65536
#define MANY_LINES 1024 /* from which on other threads of Python may work meanwhile */

typedef struct {
    const float *thresholds; /* of each node */
    const int32_t *columns;  /* the feature that it compares; ~column where one that is not known goes to the right */
    const uint32_t *kept;    /* the leaves that are left where its comparison is false */
    const int64_t *starts;   /* of the nodes of each tree */
    const float *leaves;     /* 32 of each tree */
} Trees;

typedef void (*Block)(const Trees *trees, int64_t begin, int64_t end, const float *block, double *scores);

#define BLOCK block_of_any
#define WIDTH 4
#define TARGET
#include "trees_block.h"

#if defined(__GNUC__) && defined(__x86_64__)
#define BLOCK block_of_avx2
#define WIDTH 8
#define TARGET __attribute__((target("avx2,bmi")))
#include "trees_block.h"

#define BLOCK block_of_avx512
#define WIDTH 16
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi")))
#include "trees_block.h"
#endif

/* The block for registers of so many lanes, 0 for the widest; NULL where this processor has none of them. */
static Block block_of(int64_t lanes)
{
#if defined(__GNUC__) && defined(__x86_64__)
    if ((lanes == 16 || lanes == 0) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi"))
        return block_of_avx512;
    if ((lanes == 8 || lanes == 0) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
        return block_of_avx2;
#endif
    return lanes == 4 || lanes == 0 ? block_of_any : NULL;
}

/* Lines of a table of features: the first n, or those that keys name (see `rising`). */
static void score_lines(Block score, const Trees *trees, int64_t begin, int64_t end, const float *features,
                        npy_intp n_lines, npy_intp n_columns, const uint64_t *keys, float *block, float *scores)
{
    for (npy_intp first = 0; first < n_lines; first += LANES) {
        double sums[LANES] = {0};
        npy_intp n = n_lines - first < LANES ? n_lines - first : LANES;
        for (npy_intp lane = 0; lane < LANES; lane++) { /* behind the last one, the last one again */
            const npy_intp place = first + (lane < n ? lane : n - 1);
            const float *line = features + (keys ? (npy_intp) ~(uint32_t)keys[place] : place) * n_columns;
            for (npy_intp column = 0; column < n_columns; column++)
                block[column * LANES + lane] = line[column];
        }
        score(trees, begin, end, block, sums);
        for (npy_intp lane = 0; lane < n; lane++)
            scores[first + lane] = (float)sums[lane];
    }
}

/* Read the trees and look at them, as files may be damaged: a microsecond for ten thousand nodes. */
static int read_trees(PyObject *const *arguments, npy_intp n_columns, Trees *trees, npy_intp *n_trees)
{
    Array thresholds, columns, kept, starts, leaves;
    if (!read_array(arguments[0], NPY_FLOAT32, 1, "thresholds", &thresholds)
        || !read_array(arguments[1], NPY_INT32, 1, "columns", &columns)
        || !read_array(arguments[2], NPY_UINT32, 1, "kept", &kept)
        || !read_array(arguments[3], NPY_INT64, 1, "starts", &starts)
        || !read_array(arguments[4], NPY_FLOAT32, 2, "leaves", &leaves))
        return 0;
    const npy_intp n_nodes = thresholds.shape[0];
    *n_trees = leaves.shape[0];
    *trees = (Trees){thresholds.data, columns.data, kept.data, starts.data, leaves.data};
    if (n_columns > MOST_COLUMNS || columns.shape[0] != n_nodes || kept.shape[0] != n_nodes || starts.shape[0] != *n_trees + 1
        || (*n_trees > 0 && leaves.shape[1] != 32)) {
        PyErr_SetString(PyExc_ValueError, "trees: shapes disagree");
        return 0;
    }
    int is_whole = trees->starts[0] == 0 && trees->starts[*n_trees] == n_nodes;
    for (npy_intp tree = 0; tree < *n_trees; tree++)
        is_whole &= trees->starts[tree] <= trees->starts[tree + 1];
    for (npy_intp node = 0; node < n_nodes; node++)
        is_whole &= (trees->columns[node] ^ trees->columns[node] >> 31) < n_columns;
    if (!is_whole)
        PyErr_SetString(PyExc_ValueError, "trees: a node compares a feature that there is not");
    return is_whole;
}

PyObject *kernel_sum_of_trees(PyObject *module, PyObject *const *arguments, Py_ssize_t n_arguments)
{
    Array features;
    Trees trees;
    npy_intp n_trees;
    int64_t begin, end, lanes;
    if (!has_arguments(n_arguments, 9, "sum_of_trees")
        || !read_array(arguments[0], NPY_FLOAT32, 2, "features", &features)
        || !read_trees(arguments + 1, features.shape[1], &trees, &n_trees)
        || !read_number(arguments[6], "begin", &begin) || !read_number(arguments[7], "end", &end)
        || !read_number(arguments[8], "lanes", &lanes))
        return NULL;
    const Block score = block_of(lanes);
    if (score == NULL) {
        PyErr_SetString(PyExc_ValueError, "trees: this processor has no registers of so many lanes");
        return NULL;
    }
    if (begin < 0 || begin > end || end > n_trees) {
        PyErr_SetString(PyExc_ValueError, "trees: there are not so many");
        return NULL;
    }
    PyArrayObject *scores = new_vector(features.shape[0], NPY_FLOAT32);
    float *block = malloc((size_t)(features.shape[1] * LANES + 1) * sizeof(float));
    if (scores == NULL || block == NULL) {
        Py_XDECREF(scores);
        free(block);
        return PyErr_NoMemory();
    }
    float *told = PyArray_DATA(scores);
    PyThreadState *others = features.shape[0] >= MANY_LINES ? PyEval_SaveThread() : NULL;
    score_lines(score, &trees, begin, end, features.data, features.shape[0], features.shape[1], NULL, block, told);
    if (others != NULL)
        PyEval_RestoreThread(others);
    free(block);
    return (PyObject *)scores;
}

/* A score as a number that rises with it, whatever its sign. */
static uint64_t rising(float score, npy_intp at)
{
    uint32_t bits;
    score += 0.0f; /* no other zero than this */
    memcpy(&bits, &score, sizeof(bits));
    bits = bits >> 31 ? ~bits : bits | 1u << 31;
    return (uint64_t)bits << 32 | ~(uint32_t)at; /* of equals the first is the largest */
}

/* Move the scores of those that not all trees judged below the weakest of the others, as they stand to each other. */
static void put_below(float *scores, const uint64_t *keys, npy_intp n_judged, npy_intp n, float weakest)
{
    const float highest = nextafterf(weakest, -INFINITY);
    float best = -INFINITY;
    for (npy_intp place = n_judged; place < n; place++) {
        const float score = scores[~(uint32_t)keys[place]];
        best = score > best ? score : best;
    }
    const float shift = highest - best < 0 ? highest - best : 0;
    for (npy_intp place = n_judged; place < n; place++) {
        float *score = &scores[~(uint32_t)keys[place]];
        *score = *score + shift < highest ? *score + shift : highest; /* rounding may lift one */
    }
}

PyObject *kernel_cascade(PyObject *module, PyObject *const *arguments, Py_ssize_t n_arguments)
{
    Array features;
    Trees trees;
    npy_intp n_trees;
    int64_t n_first, n_judged;
    if (!has_arguments(n_arguments, 8, "cascade")
        || !read_array(arguments[0], NPY_FLOAT32, 2, "features", &features)
        || !read_trees(arguments + 1, features.shape[1], &trees, &n_trees)
        || !read_number(arguments[6], "n_first", &n_first) || !read_number(arguments[7], "n_judged", &n_judged))
        return NULL;
    const npy_intp n = features.shape[0], n_columns = features.shape[1];
    if (n_first < 0 || n_first > n_trees || n_judged < 1 || n > INT32_MAX) {
        PyErr_SetString(PyExc_ValueError, "trees: there are not so many");
        return NULL;
    }
    if (n_judged > n)
        n_judged = n;
    PyArrayObject *answer = new_vector(n, NPY_FLOAT32);
    float *block = malloc((size_t)(n_columns * LANES + 1) * sizeof(float));
    float *others = malloc((size_t)(n + 1) * sizeof(float));
    uint64_t *keys = malloc((size_t)(n + 1) * sizeof(uint64_t));
    if (answer != NULL && block != NULL && others != NULL && keys != NULL) {
        float *scores = PyArray_DATA(answer);
        const Block score = block_of(0);
        score_lines(score, &trees, 0, n_first, features.data, n, n_columns, NULL, block, scores);
        for (npy_intp at = 0; at < n; at++)
            keys[at] = rising(scores[at], at);
        if (n_judged < n)
            best_first(keys, n, n_judged);
        score_lines(score, &trees, n_first, n_trees, features.data, n_judged, n_columns, keys, block, others);
        float weakest = INFINITY;
        for (npy_intp place = 0; place < n_judged; place++) {
            float *score = &scores[~(uint32_t)keys[place]];
            *score += others[place];
            weakest = *score < weakest ? *score : weakest;
        }
        if (n_judged < n)
            put_below(scores, keys, n_judged, n, weakest);
    } else {
        Py_CLEAR(answer);
        PyErr_NoMemory();
    }
    free(block);
    free(others);
    free(keys);
    return (PyObject *)answer;
}
