#include "places.h"

#include <stdlib.h>
#include <string.h>

#define MOST_ROWS ((size_t)1 << 31) /* all that a row may be: so no row below 0 is ever within the table */

uint32_t *shelfwise_places = NULL;
uint32_t shelfwise_n_places = 0;
uint32_t shelfwise_list = 0; /* 0 is what a cleared table holds: no list has that number */

void begin_places(void)
{
    if (++shelfwise_list < 1u << (32 - PLACE_BITS))
        return;
    shelfwise_list = 1;
    if (shelfwise_places != NULL)
        memset(shelfwise_places, 0, shelfwise_n_places * sizeof(uint32_t));
}

int make_places(int32_t row)
{
    if (row < 0) {
        PyErr_SetString(PyExc_IndexError, "a list names a row below 0");
        return 0;
    }
    size_t n = (size_t)row + 1 > 2 * (size_t)shelfwise_n_places ? (size_t)row + 1 : 2 * (size_t)shelfwise_n_places;
    n = n < MOST_ROWS ? n : MOST_ROWS;
    uint32_t *longer = calloc(n, sizeof(uint32_t)); /* pages that no row lies on are never touched */
    if (longer == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    if (shelfwise_places != NULL)
        memcpy(longer, shelfwise_places, shelfwise_n_places * sizeof(uint32_t));
    free(shelfwise_places);
    shelfwise_places = longer;
    shelfwise_n_places = (uint32_t)n;
    return 1;
}

int write_places(const int32_t *rows, npy_intp n)
{
    if (n > MOST_PLACES) {
        PyErr_SetString(PyExc_ValueError, "rows: fewer are wanted");
        return 0;
    }
    begin_places();
    for (npy_intp place = 0; place < n; place++) {
        if ((uint32_t)rows[place] >= shelfwise_n_places && !make_places(rows[place]))
            return 0;
        shelfwise_places[rows[place]] = shelfwise_list << PLACE_BITS | (uint32_t)place;
    }
    return 1;
}
