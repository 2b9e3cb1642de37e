/* The best of scored rows. */

#ifndef SHELFWISE_BEST_H
#define SHELFWISE_BEST_H

#include <stdint.h>
#include <string.h>

/* A score above 0 and its row as one number: the larger is the better, and of equal scores the smaller row. */
static inline uint64_t as_key(float score, int32_t row)
{
    uint32_t bits;
    memcpy(&bits, &score, sizeof(bits));
    return ((uint64_t)bits << 32) | ~(uint32_t)row;
}

static inline float score_of_key(uint64_t key)
{
    uint32_t bits = (uint32_t)(key >> 32);
    float score;
    memcpy(&score, &bits, sizeof(score));
    return score;
}

static inline int32_t row_of_key(uint64_t key) { return (int32_t) ~(uint32_t)key; }

/* Put the k largest of n distinct keys first, the largest at the front; what is behind them stands in any order. */
void best_first(uint64_t *keys, int64_t n, int64_t k);

#endif
