#include "best.h"

#define FEW 16 /* sorted one by one */

static inline void change(uint64_t *one, uint64_t *other)
{
    uint64_t kept = *one;
    *one = *other;
    *other = kept;
}

/* Quicksort of what is asked for. Keys are moved whether they are larger than the pivot or not, which is cheaper than a
 * branch that nobody can guess. */
void best_first(uint64_t *keys, int64_t n, int64_t k)
{
    while (n > FEW && k > 0) {
        uint64_t *middle = keys + n / 2, *last = keys + n - 1;
        if (*middle < *keys)
            change(middle, keys);
        if (*last < *keys)
            change(last, keys);
        if (*last < *middle)
            change(last, middle);
        change(middle, last); /* the median of three */
        const uint64_t pivot = *last;
        int64_t n_larger = 0;
        for (int64_t place = 0; place < n - 1; place++) {
            const uint64_t key = keys[place];
            keys[place] = keys[n_larger];
            keys[n_larger] = key;
            n_larger += key > pivot;
        }
        change(keys + n_larger, last);
        best_first(keys, n_larger, k);
        keys += n_larger + 1;
        n -= n_larger + 1;
        k -= n_larger + 1;
    }
    for (int64_t place = 1; k > 0 && place < n; place++) {
        const uint64_t key = keys[place];
        int64_t at = place;
        for (; at > 0 && keys[at - 1] < key; at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
}
