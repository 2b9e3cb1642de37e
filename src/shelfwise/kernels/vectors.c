#include "vectors.h"

#include <string.h>

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>
#define HAS_WIDE_REGISTERS 1
#define WIDE __attribute__((target("avx2,fma,f16c")))
#else
#define HAS_WIDE_REGISTERS 0
#endif

#define AHEAD 4 /* vectors that are on their way from memory while one is read */

static float single_of(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16, magnitude = half & 0x7fffu;
    uint32_t bits = sign;
    float number;
    if (magnitude >= 0x7c00u)
        bits |= 0x7f800000u | (magnitude & 0x3ffu) << 13;
    else if (magnitude >= 0x400u)
        bits |= (magnitude << 13) + 0x38000000u;
    else { /* below the least that has a leading one */
        number = (float)magnitude * 0x1p-24f;
        memcpy(&bits, &number, sizeof(bits));
        bits |= sign;
    }
    memcpy(&number, &bits, sizeof(number));
    return number;
}

static float product(const void *vector, int is_half, const float *question, npy_intp dim)
{
    float sum = 0;
    for (npy_intp at = 0; at < dim; at++)
        sum += (is_half ? single_of(((const uint16_t *)vector)[at]) : ((const float *)vector)[at]) * question[at];
    return sum;
}

#if HAS_WIDE_REGISTERS
WIDE static float wide_product(const void *vector, int is_half, const float *question, npy_intp dim)
{
    __m256 one = _mm256_setzero_ps(), other = _mm256_setzero_ps();
    npy_intp at = 0;
    for (; at + 16 <= dim; at += 16) {
        __m256 low, high;
        if (is_half) {
            low = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)((const uint16_t *)vector + at)));
            high = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)((const uint16_t *)vector + at + 8)));
        } else {
            low = _mm256_loadu_ps((const float *)vector + at);
            high = _mm256_loadu_ps((const float *)vector + at + 8);
        }
        one = _mm256_fmadd_ps(low, _mm256_loadu_ps(question + at), one);
        other = _mm256_fmadd_ps(high, _mm256_loadu_ps(question + at + 8), other);
    }
    float parts[8];
    _mm256_storeu_ps(parts, _mm256_add_ps(one, other));
    const char *rest = (const char *)vector + at * (is_half ? 2 : 4);
    return ((parts[0] + parts[4]) + (parts[1] + parts[5])) + ((parts[2] + parts[6]) + (parts[3] + parts[7]))
           + product(rest, is_half, question + at, dim - at);
}
#endif

Product fastest_product(void)
{
#if HAS_WIDE_REGISTERS
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c"))
        return wide_product;
#endif
    return product;
}

PyObject *kernel_products(PyObject *module, PyObject *const *arguments, Py_ssize_t n_arguments)
{
    Array vectors, rows, questions;
    if (!has_arguments(n_arguments, 3, "products"))
        return NULL;
    const int is_half
        = PyArray_Check(arguments[0]) && PyArray_TYPE((PyArrayObject *)arguments[0]) == NPY_HALF;
    if (!read_array(arguments[0], is_half ? NPY_HALF : NPY_FLOAT32, 2, "vectors", &vectors)
        || !read_array(arguments[1], NPY_INT32, 1, "rows", &rows)
        || !read_array(arguments[2], NPY_FLOAT32, 2, "questions", &questions))
        return NULL;
    const npy_intp dim = vectors.shape[1], n = rows.shape[0], n_questions = questions.shape[0];
    if (questions.shape[1] != dim) {
        PyErr_SetString(PyExc_ValueError, "questions: shapes disagree");
        return NULL;
    }
    const int32_t *asked = rows.data;
    const char *base = vectors.data;
    const npy_intp n_bytes = dim * (is_half ? 2 : 4);
    const Product times = fastest_product();
    PyArrayObject *answer = new_matrix(n, n_questions, NPY_FLOAT32);
    if (answer == NULL)
        return NULL;
    float *told = PyArray_DATA(answer);
    for (npy_intp at = 0; at < n; at++) {
        if (at + AHEAD < n && asked[at + AHEAD] >= 0 && asked[at + AHEAD] < vectors.shape[0])
            fetch(base + asked[at + AHEAD] * n_bytes, n_bytes);
        const int is_known = asked[at] >= 0 && asked[at] < vectors.shape[0];
        for (npy_intp question = 0; question < n_questions; question++)
            told[at * n_questions + question]
                = is_known ? times(base + asked[at] * n_bytes, is_half, (const float *)questions.data + question * dim, dim)
                           : 0.0f;
    }
    return (PyObject *)answer;
}
