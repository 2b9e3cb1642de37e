/* The kernels as a module of Python; `_compiled.pyi` says what each of them takes. */

#define SHELFWISE_IMPORTS_NUMPY
#include "arrays.h"
#include "features.h"
#include "trees.h"
#include "votes.h"

static PyMethodDef methods[] = {
    {"vote", (PyCFunction)(void (*)(void))kernel_vote, METH_FASTCALL, NULL},
    {"scores_in", (PyCFunction)(void (*)(void))kernel_scores_in, METH_FASTCALL, NULL},
    {"loudest", (PyCFunction)(void (*)(void))kernel_loudest, METH_FASTCALL, NULL},
    {"sum_of_trees", (PyCFunction)(void (*)(void))kernel_sum_of_trees, METH_FASTCALL, NULL},
    {"describe", (PyCFunction)(void (*)(void))kernel_describe, METH_FASTCALL, NULL},
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
