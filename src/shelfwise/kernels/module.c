/* The kernels as a module of Python; `_compiled.pyi` says what each of them takes. */

#define SHELFWISE_IMPORTS_NUMPY
#include "arrays.h"
#include "features.h"
#include "graph.h"
#include "merging.h"
#include "mixing.h"
#include "trees.h"
#include "vectors.h"
#include "votes.h"

static PyMethodDef methods[] = {
    {"vote", (PyCFunction)(void (*)(void))kernel_vote, METH_FASTCALL, NULL},
    {"scores_in", (PyCFunction)(void (*)(void))kernel_scores_in, METH_FASTCALL, NULL},
    {"loudest", (PyCFunction)(void (*)(void))kernel_loudest, METH_FASTCALL, NULL},
    {"sum_of_trees", (PyCFunction)(void (*)(void))kernel_sum_of_trees, METH_FASTCALL, NULL},
    {"describe", (PyCFunction)(void (*)(void))kernel_describe, METH_FASTCALL, NULL},
    {"cascade", (PyCFunction)(void (*)(void))kernel_cascade, METH_FASTCALL, NULL},
    {"merge", (PyCFunction)(void (*)(void))kernel_merge, METH_FASTCALL, NULL},
    {"fill_scores", (PyCFunction)(void (*)(void))kernel_fill_scores, METH_FASTCALL, NULL},
    {"graph_search", (PyCFunction)(void (*)(void))kernel_graph_search, METH_FASTCALL, NULL},
    {"products", (PyCFunction)(void (*)(void))kernel_products, METH_FASTCALL, NULL},
    {"calibrated", (PyCFunction)(void (*)(void))kernel_calibrated, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_compiled", "What every request does most, compiled.", -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__compiled(void)
{
    import_array();
    return PyModule_Create(&definition);
}
