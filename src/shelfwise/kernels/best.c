#include "best.h"

#define FEW 16 /* sorted one by one */

static inline void change(uint64_t *one, uint64_t *other)
{
    uint64_t kept = *one;
    *one = *other;
    *other = kept;
}

static inline uint64_t median(uint64_t a, uint64_t b, uint64_t c)
{
    return a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
}

/* The median of three keys that no order of them could foresee: lists come sorted, and sorted twice. It is put last. */
static uint64_t chosen_pivot(uint64_t *keys, int64_t n, uint64_t *state)
{
    uint64_t *at[3];
    for (int one = 0; one < 3; one++) { /* xorshift */
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        at[one] = keys + *state % (uint64_t)n;
    }
    const uint64_t pivot = median(*at[0], *at[1], *at[2]);
    change(*at[0] == pivot ? at[0] : *at[1] == pivot ? at[1] : at[2], keys + n - 1);
    return pivot;
}

/* Quicksort of what is asked for; the smaller part is called for, the larger is gone on with, so that no stack runs out.
 * Keys are moved whether they are larger than the pivot or not, which is cheaper than a branch that nobody can guess. */
void best_first(uint64_t *keys, int64_t n, int64_t k)
{
    uint64_t state = 0x9E3779B97F4A7C15u ^ (uint64_t)n;
    while (n > FEW && k > 0) {
        const uint64_t pivot = chosen_pivot(keys, n, &state);
        int64_t n_larger = 0;
        for (int64_t place = 0; place < n - 1; place++) {
            const uint64_t key = keys[place];
            keys[place] = keys[n_larger];
            keys[n_larger] = key;
            n_larger += key > pivot;
        }
        change(keys + n_larger, keys + n - 1);
        uint64_t *smaller = keys + n_larger + 1;
        const int64_t n_smaller = n - n_larger - 1, k_smaller = k - n_larger - 1;
        if (n_larger < n_smaller) {
            best_first(keys, n_larger, k);
            keys = smaller, n = n_smaller, k = k_smaller;
        } else {
            best_first(smaller, n_smaller, k_smaller);
            n = n_larger;
        }
    }
    for (int64_t place = 1; k > 0 && place < n; place++) {
        const uint64_t key = keys[place];
        int64_t at = place;
        for (; at > 0 && keys[at - 1] < key; at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
}
