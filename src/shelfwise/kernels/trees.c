/* Trees as QuickScorer reads them, of many candidates at once.
 *
 * A tree has at most 32 leaves, numbered from left to right, and a node knows which of them stand outside of its left
 * half. Of a candidate for which a node's comparison is false, the leaves of the left half are out. When every node of
 * a tree was asked, in any order, the first leaf that is left is the candidate's. So there is no way to be found through
 * a tree and no branch to be guessed: of each node one feature of sixteen candidates is compared at once.
 *
 * Source: Lucchese et al. (2015), QuickScorer; Lucchese et al. (2016), V-QuickScorer, for the many candidates. */

#include "trees.h"

#include <stdlib.h>
#include <string.h>

#define LANES 16
#define MANY_LINES 1024 /* from which on other threads of Python may work meanwhile */

#if defined(__GNUC__) && defined(__x86_64__) && !defined(__clang__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

typedef struct {
    const float *thresholds; /* of each node */
    const int32_t *columns;  /* the feature that it compares; ~column where one that is not known goes to the right */
    const uint32_t *kept;    /* the leaves that are left where its comparison is false */
    const int64_t *starts;   /* of the nodes of each tree */
    const float *leaves;     /* 32 of each tree */
} Trees;

typedef float Values __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float))));
typedef int32_t Bits __attribute__((vector_size(LANES * sizeof(int32_t)), aligned(sizeof(int32_t))));

/* One block of candidates: features by column, LANES of each. Adds to the scores. */
FOR_EACH_PROCESSOR
static void score_block(const Trees *trees, int64_t begin, int64_t end, const float *block, double *scores)
{
    const float *thresholds = trees->thresholds;
    const int32_t *columns = trees->columns;
    const uint32_t *kept = trees->kept;
    int64_t node = trees->starts[begin];
    for (int64_t tree = begin; tree < end; tree++) {
        Bits left = {0};
        left = ~left;
        for (const int64_t next = trees->starts[tree + 1]; node < next; node++) {
            const int32_t column = columns[node], is_last = column >> 31; /* -1 where what is not known goes right */
            const Values *values = (const Values *)(block + (int64_t)(column ^ is_last) * LANES);
            /* A comparison is -1 or 0 in each lane; with NaN it is 0. */
            const Bits is_left = is_last ? *values <= thresholds[node] : ~(Bits)(*values > thresholds[node]);
            left &= is_left | (int32_t)kept[node];
        }
        const float *leaves = trees->leaves + tree * 32;
        for (int lane = 0; lane < LANES; lane++) /* damaged files may leave none */
            scores[lane] += leaves[__builtin_ctz((uint32_t)left[lane] | 0x80000000u)];
    }
}

static void score_lines(const Trees *trees, int64_t begin, int64_t end, const float *features, npy_intp n_lines,
                        npy_intp n_columns, float *block, float *scores)
{
    for (npy_intp first = 0; first < n_lines; first += LANES) {
        double sums[LANES] = {0};
        npy_intp n = n_lines - first < LANES ? n_lines - first : LANES;
        for (npy_intp lane = 0; lane < LANES; lane++) { /* behind the last one, the last one again */
            const float *line = features + (first + (lane < n ? lane : n - 1)) * n_columns;
            for (npy_intp column = 0; column < n_columns; column++)
                block[column * LANES + lane] = line[column];
        }
        score_block(trees, begin, end, block, sums);
        for (npy_intp lane = 0; lane < n; lane++)
            scores[first + lane] = (float)sums[lane];
    }
}

PyObject *kernel_sum_of_trees(PyObject *module, PyObject *const *arguments, Py_ssize_t n_arguments)
{
    Array features, thresholds, columns, kept, starts, leaves;
    int64_t begin, end;
    if (!has_arguments(n_arguments, 8, "sum_of_trees")
        || !read_array(arguments[0], NPY_FLOAT32, 2, "features", &features)
        || !read_array(arguments[1], NPY_FLOAT32, 1, "thresholds", &thresholds)
        || !read_array(arguments[2], NPY_INT32, 1, "columns", &columns)
        || !read_array(arguments[3], NPY_UINT32, 1, "kept", &kept)
        || !read_array(arguments[4], NPY_INT64, 1, "starts", &starts)
        || !read_array(arguments[5], NPY_FLOAT32, 2, "leaves", &leaves)
        || !read_number(arguments[6], "begin", &begin) || !read_number(arguments[7], "end", &end))
        return NULL;
    npy_intp n_nodes = thresholds.shape[0], n_trees = leaves.shape[0];
    if (columns.shape[0] != n_nodes || kept.shape[0] != n_nodes || starts.shape[0] != n_trees + 1
        || (n_trees > 0 && leaves.shape[1] != 32) || begin < 0 || begin > end || end > n_trees) {
        PyErr_SetString(PyExc_ValueError, "trees: shapes disagree");
        return NULL;
    }
    const Trees trees = {thresholds.data, columns.data, kept.data, starts.data, leaves.data};
    /* Files may be damaged: what is read here is looked at, a microsecond for ten thousand nodes. */
    for (int64_t tree = begin; tree < end; tree++)
        if (trees.starts[tree] < 0 || trees.starts[tree] > trees.starts[tree + 1] || trees.starts[tree + 1] > n_nodes)
            goto damaged;
    if (begin < end)
        for (int64_t node = trees.starts[begin]; node < trees.starts[end]; node++) {
            int32_t column = trees.columns[node];
            if ((column < 0 ? ~column : column) >= features.shape[1])
                goto damaged;
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
    score_lines(&trees, begin, end, features.data, features.shape[0], features.shape[1], block, told);
    if (others != NULL)
        PyEval_RestoreThread(others);
    free(block);
    return (PyObject *)scores;
damaged:
    PyErr_SetString(PyExc_ValueError, "trees: a node compares a feature that there is not");
    return NULL;
}
