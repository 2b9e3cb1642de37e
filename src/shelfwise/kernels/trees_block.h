/* One block of candidates through trees. Included once for each kind of processor, which says

       BLOCK    the function's name
       WIDTH    lanes of one of its registers: wider ones than it has, GCC takes apart lane by lane
       TARGET   what the function may use of it

   and finds these names free again behind it. */

#define PARTS (LANES / WIDTH)
#define JOINED(name, width) name##width
#define NAMED(name, width) JOINED(name, width)
#define VALUES NAMED(Values, WIDTH)
#define BITS NAMED(Bits, WIDTH)

typedef float VALUES __attribute__((vector_size(WIDTH * sizeof(float)), aligned(sizeof(float))));
typedef int32_t BITS __attribute__((vector_size(WIDTH * sizeof(int32_t)), aligned(sizeof(int32_t))));

/* Features by column, LANES of each. Adds to the scores. */
TARGET static void BLOCK(const Trees *trees, int64_t begin, int64_t end, const float *block, double *scores)
{
    const float *thresholds = trees->thresholds;
    const int32_t *columns = trees->columns;
    const uint32_t *kept = trees->kept;
    int64_t node = trees->starts[begin];
    for (int64_t tree = begin; tree < end; tree++) {
        BITS left[PARTS];
        memset(left, 0xff, sizeof(left));
        for (const int64_t next = trees->starts[tree + 1]; node < next; node++) {
            const int32_t column = columns[node], is_last = column >> 31; /* -1 where what is not known goes right */
            const VALUES *values = (const VALUES *)(block + (int64_t)(column ^ is_last) * LANES);
            /* A comparison is -1 or 0 in each lane; with NaN it is 0. */
            if (is_last)
                for (int part = 0; part < PARTS; part++)
                    left[part] &= (values[part] <= thresholds[node]) | (int32_t)kept[node];
            else
                for (int part = 0; part < PARTS; part++)
                    left[part] &= ~(values[part] > thresholds[node]) | (int32_t)kept[node];
        }
        uint32_t found[LANES];
        memcpy(found, left, sizeof(found));
        const float *leaves = trees->leaves + tree * 32;
        for (int lane = 0; lane < LANES; lane++) /* damaged files may leave none */
            scores[lane] += leaves[__builtin_ctz(found[lane] | 0x80000000u)];
    }
}

#undef BITS
#undef VALUES
#undef NAMED
#undef JOINED
#undef PARTS
#undef TARGET
#undef WIDTH
#undef BLOCK
