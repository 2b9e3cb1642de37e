/* A table as long as the catalogue in which rows are looked up: where in a list each of them stands. */

#ifndef SHELFWISE_PLACES_H
#define SHELFWISE_PLACES_H

#include "arrays.h"

#define PLACE_BITS 22
#define MOST_PLACES (1u << PLACE_BITS)

/* Each number holds a place and, above it, which list that is a place of: so it need not be cleared between two lists
 * but once in a thousand, and its cost is that of the lists, however many items there are. There is one table for the
 * whole process; who uses it holds Python's lock from the first row to the last. */
extern uint32_t *shelfwise_places;
extern uint32_t shelfwise_n_places;
extern uint32_t shelfwise_list;

/* From here on the table knows no row, until places are written down again. */
void begin_places(void);

/* Make it longer than a row; 0 with an exception set where the row is below 0, or without memory. */
int make_places(int32_t row);

/* Where a row stands; MOST_PLACES or more where it does not. */
static inline uint32_t place_of(int32_t row)
{
    return (uint32_t)row < shelfwise_n_places ? shelfwise_places[row] ^ shelfwise_list << PLACE_BITS : UINT32_MAX;
}

/* Write down where the rows of a list stand; 0 with an exception set as above, or where they are too many. */
int write_places(const int32_t *rows, npy_intp n);

#endif
