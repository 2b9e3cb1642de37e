/* A search of an HNSW graph as FAISS builds it. Of what a search costs, most is waiting for vectors that lie anywhere in
 * memory; here those of a node's neighbours are all on their way while the first of them is multiplied.
 *
 * Source: Malkov & Yashunin (2018), Efficient and robust approximate nearest neighbor search using HNSW graphs. */

#include "graph.h"

#include "places.h"
#include "vectors.h"

#include <stdlib.h>

#define AHEAD 6 /* vectors that are on their way while one is multiplied */
#define MOST_LINKS 512
#define MOST_EFFORT 65536

typedef struct {
    const char *links;     /* four bytes each, and anywhere in a mapped file */
    const int32_t *levels; /* of node i, level l: from offsets[i] + levels[l] up to offsets[i] + levels[l + 1] */
    const uint64_t *offsets;
    npy_intp n_links, n_levels, n;
    const char *vectors;
    int is_half;
    npy_intp dim, n_bytes;
    const float *question;
    Product times;
} Graph;

typedef struct {
    float product;
    int32_t row;
    int is_open; /* its neighbours were not looked at yet */
} Found;

static inline float product_of(const Graph *graph, int32_t row)
{
    return graph->times(graph->vectors + row * graph->n_bytes, graph->is_half, graph->question, graph->dim);
}

/* The links of a node, up to the first that is none; how many. */
static npy_intp links_of(const Graph *graph, int32_t row, npy_intp level, int32_t *links)
{
    const uint64_t begin = graph->offsets[row] + (uint64_t)graph->levels[level];
    const uint64_t end = graph->offsets[row] + (uint64_t)graph->levels[level + 1];
    if (begin > end || end > (uint64_t)graph->n_links || end - begin > MOST_LINKS || end > graph->offsets[row + 1])
        return 0;
    memcpy(links, graph->links + begin * sizeof(int32_t), (end - begin) * sizeof(int32_t));
    npy_intp n = 0;
    while (n < (npy_intp)(end - begin) && links[n] >= 0 && links[n] < graph->n)
        n++;
    return n;
}

/* From level to level the nearest that neighbours lead to. */
static int32_t descended(const Graph *graph, int32_t entry)
{
    int32_t links[MOST_LINKS];
    float highest = product_of(graph, entry);
    for (npy_intp level = graph->n_levels - 1; level > 0; level--)
        for (int32_t before = -1; before != entry;) {
            const npy_intp n = links_of(graph, entry, level, links);
            before = entry;
            for (npy_intp at = 0; at < n; at++) {
                const float found = product_of(graph, links[at]);
                if (found > highest) {
                    highest = found;
                    entry = links[at];
                }
            }
        }
    return entry;
}

/* Put one where it belongs among those found, the nearest first; where. */
static npy_intp put(Found *found, npy_intp n, npy_intp most, Found one)
{
    npy_intp low = 0, high = n;
    while (low < high) {
        const npy_intp middle = (low + high) / 2;
        if (found[middle].product >= one.product)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(found + low + 1, found + low, (size_t)((n < most ? n : most - 1) - low) * sizeof(Found));
    found[low] = one;
    return low;
}

/* The `effort` nearest that the graph leads to, the nearest first; how many. */
static npy_intp search(const Graph *graph, int32_t entry, npy_intp effort, Found *found)
{
    int32_t links[MOST_LINKS], unseen[MOST_LINKS];
    const uint32_t seen = shelfwise_list << PLACE_BITS;
    const int32_t start = descended(graph, entry);
    found[0] = (Found){product_of(graph, start), start, 1};
    shelfwise_places[start] = seen;
    npy_intp n = 1;
    for (npy_intp next = 0; next < n;) {
        const npy_intp n_links = links_of(graph, found[next].row, 0, links);
        npy_intp n_unseen = 0, first = next + 1;
        found[next].is_open = 0;
        for (npy_intp at = 0; at < n_links; at++) {
            unseen[n_unseen] = links[at];
            n_unseen += shelfwise_places[links[at]] != seen;
            shelfwise_places[links[at]] = seen;
        }
        for (npy_intp at = 0; at < n_unseen && at < AHEAD; at++)
            fetch(graph->vectors + unseen[at] * graph->n_bytes, graph->n_bytes);
        for (npy_intp at = 0; at < n_unseen; at++) {
            if (at + AHEAD < n_unseen)
                fetch(graph->vectors + unseen[at + AHEAD] * graph->n_bytes, graph->n_bytes);
            const float product = product_of(graph, unseen[at]);
            if (n == effort && !(product > found[n - 1].product))
                continue;
            const npy_intp place = put(found, n, effort, (Found){product, unseen[at], 1});
            n += n < effort;
            first = place < first ? place : first;
        }
        for (next = first; next < n && !found[next].is_open;)
            next++;
    }
    return n;
}

PyObject *kernel_graph_search(PyObject *module, PyObject *const *arguments, Py_ssize_t n_arguments)
{
    Array links, offsets, levels, vectors, question;
    int64_t entry, effort, k;
    if (!has_arguments(n_arguments, 8, "graph_search"))
        return NULL;
    const int is_half = PyArray_Check(arguments[3]) && PyArray_TYPE((PyArrayObject *)arguments[3]) == NPY_HALF;
    if (!read_array(arguments[0], NPY_UINT8, 1, "links", &links)
        || !read_array(arguments[1], NPY_UINT64, 1, "offsets", &offsets)
        || !read_array(arguments[2], NPY_INT32, 1, "levels", &levels)
        || !read_array(arguments[3], is_half ? NPY_HALF : NPY_FLOAT32, 2, "vectors", &vectors)
        || !read_array(arguments[4], NPY_FLOAT32, 1, "question", &question)
        || !read_number(arguments[5], "entry", &entry) || !read_number(arguments[6], "effort", &effort)
        || !read_number(arguments[7], "k", &k))
        return NULL;
    const npy_intp n = vectors.shape[0];
    if (offsets.shape[0] != n + 1 || question.shape[0] != vectors.shape[1] || levels.shape[0] < 2 || entry < 0
        || entry >= n || n > INT32_MAX || effort < 1 || effort > MOST_EFFORT || k < 0) {
        PyErr_SetString(PyExc_ValueError, "graph: shapes disagree");
        return NULL;
    }
    const Graph graph = {links.data,   levels.data,
                         offsets.data, links.shape[0] / (npy_intp)sizeof(int32_t),
                         levels.shape[0] - 1, n,
                         vectors.data, is_half,
                         vectors.shape[1], vectors.shape[1] * (is_half ? 2 : 4),
                         question.data, fastest_product()};
    begin_places();
    if ((uint32_t)(n - 1) >= shelfwise_n_places && !make_places((int32_t)(n - 1)))
        return NULL;
    Found *found = malloc((size_t)(effort + 1) * sizeof(Found));
    if (found == NULL)
        return PyErr_NoMemory();
    const npy_intp n_found = search(&graph, (int32_t)entry, (npy_intp)effort, found);
    const npy_intp n_told = k < n_found ? (npy_intp)k : n_found;
    PyArrayObject *rows = new_vector(n_told, NPY_INT32), *products = new_vector(n_told, NPY_FLOAT32);
    PyObject *answer = NULL;
    if (rows != NULL && products != NULL) {
        for (npy_intp at = 0; at < n_told; at++) {
            ((int32_t *)PyArray_DATA(rows))[at] = found[at].row;
            ((float *)PyArray_DATA(products))[at] = found[at].product;
        }
        answer = PyTuple_Pack(2, rows, products);
    }
    free(found);
    Py_XDECREF(rows);
    Py_XDECREF(products);
    return answer;
}
