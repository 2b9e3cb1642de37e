#include "features.h"

#include "best.h"
#include "places.h"

#include <math.h>
#include <stdlib.h>

#define DAY_MS 86400000.0
#define N_SPEEDS 5  /* popularity is told at */
#define MAX_NAMES 8 /* of an item */
#define MAX_SEEDS 16
#define DAMPING 60 /* of reciprocal ranks */

/* Columns behind those of the retrievers, as `features.candidate_features.OWN` names them. */
enum {
    POPULARITY,
    RISE = POPULARITY + N_SPEEDS,
    REACH,
    RETURN_RATE,
    IDLE,
    AGE,
    PRICE_RATIO,
    PRICE_ABOVE_LIST,
    PRICE_SHARE_IN_LIST,
    NAME_AFFINITY,
    NAME_AFFINITY_LAST,
    TEXT_AFFINITY_MEAN, /* these three are told by who has the texts */
    TEXT_AFFINITY_MAX,
    TEXT_AFFINITY_LAST,
    HAD_TIMES,
    HAD_AGO,
    HAD_POSITION,
    HAD_SHARE,
    HAD_DUE,
    REPEAT_RATE,
    MOMENTS,
    MOMENT_GAP,
    HISTORY,
    HISTORY_REPEAT_SHARE,
    HISTORY_AGO,
    N_SOURCES,
    RECIPROCAL_RANKS,
    N_OWN
};

/* One request. `own` is the first column of the above. */
typedef struct {
    const int32_t *rows;
    npy_intp n, n_sources, n_columns, own;
    const float *scores, *log_prices; /* of the candidates */
    const int32_t *ranks;
    const float *popularity, *repeat_rate, *reach, *return_rate, *all_log_prices, *rarity; /* by row, by name */
    const int64_t *first_ms, *last_ms;
    const int32_t *names;
    npy_intp n_items, n_names;
    const int32_t *history_rows;
    const int64_t *history_times;
    npy_intp n_events;
    const int32_t *seeds;
    const float *weights;
    npy_intp n_seeds;
    int64_t now_ms;
    int has_clock;
    float *features;
} Request;

static inline float *own_of(const Request *request, npy_intp candidate)
{
    return request->features + candidate * request->n_columns + request->own;
}

static inline double days_between(int64_t from_ms, int64_t to_ms)
{
    return (to_ms > from_ms ? (double)((uint64_t)to_ms - (uint64_t)from_ms) : 0.0) / DAY_MS;
}

static void describe_sources(const Request *request)
{
    for (npy_intp source = 0; source < request->n_sources; source++) {
        float highest = 0;
        for (npy_intp at = 0; at < request->n; at++) {
            const npy_intp place = at * request->n_sources + source;
            if (request->ranks[place] > 0 && request->scores[place] > highest)
                highest = request->scores[place];
        }
        highest = highest > 1e-12f ? highest : 1e-12f;
        for (npy_intp at = 0; at < request->n; at++) {
            const npy_intp place = at * request->n_sources + source;
            float *told = request->features + at * request->n_columns + 3 * source;
            told[0] = request->scores[place];
            told[1] = request->scores[place] / highest;
            told[2] = request->ranks[place] > 0 ? (float)request->ranks[place] : NAN;
        }
    }
}

static void describe_items(const Request *request)
{
    for (npy_intp at = 0; at < request->n; at++) {
        const npy_intp row = request->rows[at];
        const float *popularity = request->popularity + row * N_SPEEDS;
        float *told = own_of(request, at);
        for (int speed = 0; speed < N_SPEEDS; speed++)
            told[POPULARITY + speed] = popularity[speed];
        told[RISE] = popularity[1] - popularity[N_SPEEDS - 2];
        told[REPEAT_RATE] = request->repeat_rate[row];
        int n_sources = 0;
        double reciprocal = 0;
        for (npy_intp source = 0; source < request->n_sources; source++) {
            const int32_t rank = request->ranks[at * request->n_sources + source];
            n_sources += rank > 0;
            reciprocal += rank > 0 ? 1.0 / (DAMPING + rank) : 0.0;
        }
        told[N_SOURCES] = (float)n_sources;
        told[RECIPROCAL_RANKS] = (float)reciprocal;
        if (request->has_clock) {
            const int64_t first_ms = request->first_ms[row], last_ms = request->last_ms[row];
            told[REACH] = request->reach[row];
            told[RETURN_RATE] = request->return_rate[row];
            told[IDLE] = last_ms >= 0 ? (float)log1p(days_between(last_ms, request->now_ms)) : NAN;
            told[AGE] = first_ms >= 0 ? (float)log1p(days_between(first_ms, request->now_ms)) : NAN;
        }
    }
}

/* A number as one that falls as it rises, and where it stood. */
static uint64_t price_key(float price, npy_intp at)
{
    uint32_t bits;
    price += 0.0f; /* no other zero than this */
    memcpy(&bits, &price, sizeof(bits));
    bits = bits >> 31 ? bits : ~(bits | 1u << 31);
    return (uint64_t)bits << 32 | (uint32_t)at;
}

/* Where each price stands among those of the others, see `features.price_in_list`. */
static void describe_prices(const Request *request, uint64_t *keys)
{
    int64_t n = 0;
    for (npy_intp at = 0; at < request->n; at++)
        if (!isnan(request->log_prices[at]))
            keys[n++] = price_key(request->log_prices[at], at);
    if (n < 2)
        return;
    best_first(keys, n, n); /* the cheapest first */
#define PRICE_AT(place) request->log_prices[(uint32_t)keys[place]]
    const float median
        = n % 2 ? PRICE_AT(n / 2) : (PRICE_AT(n / 2 - 1) + PRICE_AT(n / 2)) / 2;
    for (int64_t below = 0, up_to; below < n; below = up_to) {
        for (up_to = below + 1; up_to < n && keys[up_to] >> 32 == keys[below] >> 32;)
            up_to++;
        const float share = (float)(((double)below + (double)(up_to - below - 1) / 2) / (double)(n - 1));
        for (int64_t place = below; place < up_to; place++) {
            float *told = own_of(request, (npy_intp)(uint32_t)keys[place]);
            told[PRICE_ABOVE_LIST] = PRICE_AT(place) - median;
            told[PRICE_SHARE_IN_LIST] = share;
        }
    }
#undef PRICE_AT
}

/* What the user did with one item: a moment is a distinct timestamp, numbered from 0. */
typedef struct {
    int32_t times, earliest, latest;
} Had;

/* 0 with an exception set where the history names a row below 0, or without memory. */
static int describe_history(const Request *request, Had *had, double *ago_d)
{
    const npy_intp n_events = request->n_events;
    const float history_log = (float)log1p((double)n_events);
    int32_t n_moments = 0, n_lines = 0;
    uint32_t n_distinct = 0;
    begin_places();
    for (npy_intp event = 0; event < n_events; event++) {
        const int32_t row = request->history_rows[event];
        if (event == 0 || request->history_times[event] != request->history_times[event - 1])
            ago_d[n_moments++] = days_between(request->history_times[event], request->now_ms);
        if ((uint32_t)row >= shelfwise_n_places && !make_places(row))
            return 0;
        const uint32_t place = place_of(row);
        if (place >= MOST_PLACES) {
            shelfwise_places[row] = shelfwise_list << PLACE_BITS | n_distinct;
            had[n_distinct++] = (Had){1, n_moments - 1, n_moments - 1};
            n_lines++;
        } else if (had[place].latest != n_moments - 1) { /* two lines of one invoice are one time, not two */
            had[place].latest = n_moments - 1;
            had[place].times++;
            n_lines++;
        }
    }
    for (npy_intp at = 0; at < request->n; at++) {
        float *told = own_of(request, at);
        told[HISTORY] = history_log;
        told[HAD_TIMES] = 0;
        if (n_events == 0)
            continue;
        told[HISTORY_REPEAT_SHARE] = (float)(1 - (double)n_distinct / n_lines);
        told[MOMENTS] = (float)log1p((double)n_moments);
        told[HAD_SHARE] = 0;
        if (request->has_clock) {
            told[HISTORY_AGO] = (float)log1p(ago_d[n_moments - 1]);
            if (n_moments > 1)
                told[MOMENT_GAP] = (float)log1p((ago_d[0] - ago_d[n_moments - 1]) / (n_moments - 1));
        }
        const uint32_t place = place_of(request->rows[at]);
        if (place >= MOST_PLACES)
            continue;
        const Had mine = had[place];
        told[HAD_TIMES] = (float)mine.times;
        told[HAD_SHARE] = (float)((double)mine.times / n_moments);
        told[HAD_POSITION] = (float)(n_moments - 1 - mine.latest);
        if (!request->has_clock)
            continue;
        const double item_ago_d = ago_d[mine.latest];
        told[HAD_AGO] = (float)log1p(item_ago_d);
        if (mine.times > 1) { /* time since the last one over the usual time between two */
            const double usual_d = (ago_d[mine.earliest] - item_ago_d) / (mine.times - 1);
            told[HAD_DUE] = (float)(item_ago_d / (usual_d > 0.5 ? usual_d : 0.5));
        }
    }
    return 1;
}

/* How loudly some seeds name what each candidate is named. 0 with an exception set without memory. */
static int describe_names(const Request *request, npy_intp n_seeds, int column)
{
    double voices[MAX_SEEDS * MAX_NAMES];
    uint32_t n_said = 0;
    float all_weights = 0;
    begin_places();
    for (npy_intp at = 0; at < n_seeds; at++) {
        all_weights += request->weights[at];
        for (int place = 0; place < MAX_NAMES; place++) {
            const int32_t name = request->names[(npy_intp)request->seeds[at] * MAX_NAMES + place];
            if ((uint32_t)name >= shelfwise_n_places && !make_places(name))
                return 0;
            uint32_t said = place_of(name);
            if (said >= MOST_PLACES) {
                said = n_said++;
                shelfwise_places[name] = shelfwise_list << PLACE_BITS | said;
                voices[said] = 0;
            }
            voices[said] += request->weights[at];
        }
    }
    for (npy_intp at = 0; at < request->n; at++) {
        double affinity = 0;
        for (int place = 0; place < MAX_NAMES; place++) {
            const int32_t name = request->names[(npy_intp)request->rows[at] * MAX_NAMES + place];
            const uint32_t said = place_of(name);
            if (said < MOST_PLACES && name < request->n_names)
                affinity += voices[said] * request->rarity[name];
        }
        own_of(request, at)[column] = (float)(affinity / all_weights);
    }
    return 1;
}

static int describe_seeds(const Request *request)
{
    if (request->n_seeds == 0)
        return 1;
    float sum = 0;
    int n_known = 0;
    for (npy_intp at = 0; at < request->n_seeds; at++) {
        const float price = request->all_log_prices[request->seeds[at]];
        if (!isnan(price)) {
            sum += price;
            n_known++;
        }
    }
    for (npy_intp at = 0; n_known && at < request->n; at++)
        own_of(request, at)[PRICE_RATIO] = request->log_prices[at] - sum / (float)n_known;
    return describe_names(request, request->n_seeds, NAME_AFFINITY) && describe_names(request, 1, NAME_AFFINITY_LAST);
}

static int are_within(const int32_t *rows, npy_intp n, npy_intp n_items)
{
    for (npy_intp at = 0; at < n; at++)
        if (rows[at] < 0 || rows[at] >= n_items) {
            PyErr_Format(PyExc_IndexError, "row %d is none of %zd", (int)rows[at], (Py_ssize_t)n_items);
            return 0;
        }
    return 1;
}

/* The arrays of `features.item_state.ItemState`, all of the same items. */
static int read_state(PyObject *given, Request *request)
{
    if (!PyTuple_Check(given) || PyTuple_GET_SIZE(given) != 9) {
        PyErr_SetString(PyExc_TypeError, "state: a tuple of nine arrays is wanted");
        return 0;
    }
    static const struct {
        const char *name;
        int type, n_dimensions;
    } wanted[9] = {{"popularity", NPY_FLOAT32, 2}, {"repeat_rate", NPY_FLOAT32, 1}, {"reach", NPY_FLOAT32, 1},
                   {"return_rate", NPY_FLOAT32, 1}, {"first_ms", NPY_INT64, 1}, {"last_ms", NPY_INT64, 1},
                   {"log_price", NPY_FLOAT32, 1}, {"names", NPY_INT32, 2}, {"rarity", NPY_FLOAT32, 1}};
    Array found[9];
    for (int place = 0; place < 9; place++)
        if (!read_array(PyTuple_GET_ITEM(given, place), wanted[place].type, wanted[place].n_dimensions,
                        wanted[place].name, &found[place]))
            return 0;
    request->n_items = found[0].shape[0];
    request->n_names = found[8].shape[0];
    for (int place = 1; place < 8; place++)
        if (found[place].shape[0] != request->n_items)
            goto disagree;
    if (found[0].shape[1] != N_SPEEDS || found[7].shape[1] != MAX_NAMES)
        goto disagree;
    request->popularity = found[0].data;
    request->repeat_rate = found[1].data;
    request->reach = found[2].data;
    request->return_rate = found[3].data;
    request->first_ms = found[4].data;
    request->last_ms = found[5].data;
    request->all_log_prices = found[6].data;
    request->names = found[7].data;
    request->rarity = found[8].data;
    return 1;
disagree:
    PyErr_SetString(PyExc_ValueError, "state: shapes disagree");
    return 0;
}

PyObject *kernel_describe(PyObject *module, PyObject *const *arguments, Py_ssize_t n_arguments)
{
    Array rows, scores, ranks, log_prices, history_rows, history_times, seeds, weights;
    int64_t now_ms, has_clock, n_columns;
    Request request;
    if (!has_arguments(n_arguments, 12, "describe") || !read_array(arguments[0], NPY_INT32, 1, "rows", &rows)
        || !read_array(arguments[1], NPY_FLOAT32, 2, "scores", &scores)
        || !read_array(arguments[2], NPY_INT32, 2, "ranks", &ranks)
        || !read_array_or_none(arguments[3], NPY_FLOAT32, 1, "log_prices", &log_prices)
        || !read_state(arguments[4], &request)
        || !read_array(arguments[5], NPY_INT32, 1, "history_rows", &history_rows)
        || !read_array(arguments[6], NPY_INT64, 1, "history_times", &history_times)
        || !read_array(arguments[7], NPY_INT32, 1, "seeds", &seeds)
        || !read_array(arguments[8], NPY_FLOAT32, 1, "weights", &weights)
        || !read_number(arguments[9], "now_ms", &now_ms) || !read_number(arguments[10], "has_clock", &has_clock)
        || !read_number(arguments[11], "n_columns", &n_columns))
        return NULL;
    request.n = rows.shape[0];
    request.n_sources = scores.shape[1];
    request.own = 3 * request.n_sources;
    if (scores.shape[0] != request.n || ranks.shape[0] != request.n || ranks.shape[1] != request.n_sources
        || (log_prices.data != NULL && log_prices.shape[0] != request.n)
        || history_times.shape[0] != history_rows.shape[0] || history_rows.shape[0] >= MOST_PLACES
        || weights.shape[0] != seeds.shape[0] || seeds.shape[0] > MAX_SEEDS || n_columns != request.own + N_OWN) {
        PyErr_SetString(PyExc_ValueError, "describe: shapes disagree");
        return NULL;
    }
    request.rows = rows.data;
    request.scores = scores.data;
    request.ranks = ranks.data;
    request.history_rows = history_rows.data;
    request.history_times = history_times.data;
    request.n_events = history_rows.shape[0];
    request.seeds = seeds.data;
    request.weights = weights.data;
    request.n_seeds = seeds.shape[0];
    request.now_ms = now_ms;
    request.has_clock = has_clock != 0;
    request.n_columns = (npy_intp)n_columns;
    if (!are_within(request.rows, request.n, request.n_items)
        || !are_within(request.seeds, request.n_seeds, request.n_items))
        return NULL;
    PyArrayObject *features = new_matrix(request.n, request.n_columns, NPY_FLOAT32);
    uint64_t *keys = malloc((size_t)(request.n + 1) * sizeof(uint64_t));
    float *prices = malloc((size_t)(request.n + 1) * sizeof(float));
    Had *had = malloc((size_t)(request.n_events + 1) * sizeof(Had));
    double *ago_d = malloc((size_t)(request.n_events + 1) * sizeof(double));
    int is_told = features != NULL && keys != NULL && prices != NULL && had != NULL && ago_d != NULL;
    if (is_told) {
        request.features = PyArray_DATA(features);
        for (npy_intp place = 0; place < request.n * request.n_columns; place++)
            request.features[place] = NAN;
        for (npy_intp at = 0; at < request.n; at++)
            prices[at] = log_prices.data != NULL ? ((const float *)log_prices.data)[at]
                                                 : request.all_log_prices[request.rows[at]];
        request.log_prices = prices;
        describe_sources(&request);
        describe_items(&request);
        describe_prices(&request, keys);
        is_told = describe_history(&request, had, ago_d) && describe_seeds(&request);
    }
    free(keys);
    free(prices);
    free(had);
    free(ago_d);
    if (is_told)
        return (PyObject *)features;
    Py_XDECREF(features);
    return PyErr_Occurred() ? NULL : PyErr_NoMemory();
}
