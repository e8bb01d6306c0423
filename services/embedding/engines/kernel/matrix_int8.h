/* Rows of floats, each as whole numbers from 0 to 255 of a measure of its own, times signed bytes.
 *
 * Sums of products are whole numbers and exact; the largest, 255 * 127 for each input, fits 31 bits up to 66,000 inputs.
 */
typedef int8_t W;
typedef float A;
static inline void a_put(A *p, V v) { v_store(p, v); }

typedef struct { const uint8_t *at; int stride; const float *least, *step; } Rows; /* value: least + step * number */

typedef struct { const A *a; int stride, count, inputs; sotto_scratch *s; } Measure;

static void bytes_of(const void *work, int worker, int slice) {
    (void)worker;
    const Measure *w = work;
    for (int r = slice * SLICE, until = slice_end(slice, w->count); r < until; r++) {
        const A *a = w->a + (size_t)r * w->stride;
        V low = v_load(a), high = low;
        for (int i = LANES; i < w->inputs; i += LANES) {
            V x = v_load(a + i);
            low = v_min(low, x);
            high = v_max(high, x);
        }
        const float least = -v_top(v_sub(v_set(0.0f), low)), range = v_top(high) - least;
        w->s->least[r] = least;
        w->s->step[r] = range / 255.0f;
        const V from = v_set(least), times = v_set(range > 1e-30f ? 255.0f / range : 0.0f);
        for (int i = 0; i < w->inputs; i += LANES) v_bytes(w->s->bytes + (size_t)r * w->inputs + i, v_mul(v_sub(v_load(a + i), from), times));
    }
}

INLINE Rows rows_of(const A *a, int stride, int count, int inputs, sotto_scratch *s) {
    const Measure measure = {a, stride, count, inputs, s};
    sotto_crew_share(s->workers, bytes_of, &measure, SLICES(count));
    return (Rows){s->bytes, inputs, s->least, s->step};
}

INLINE V word_of(const sotto_model *m, size_t word, int i) {
    const float *scale = m->word;
    return v_mul(v_signed((const int8_t *)(scale + m->words) + word * m->hidden + i), v_set(scale[word]));
}

/* `rows` rows of 48 outputs, which are whole numbers until the end. The weights at `next` are wanted after this. */
INLINE void tile(const int rows, const bool gelu, const Rows *taken, int first, int inputs, const W *w, const W *next,
                 const int lines, const sotto_linear *l, int n, void *out, int outputs) {
    const uint8_t *a = taken->at + (size_t)first * taken->stride;
    I c[ROWS][3];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++) c[r][j] = i_zero();
    for (int k = 0; k < inputs; k += 4, w += 4 * PANEL) {
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++)
            if (lines >> j & 1) __builtin_prefetch(next + (size_t)k * PANEL + 4 * LANES * j, 0, 2);
        I b[3];
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++) b[j] = i_load(w + 4 * LANES * j);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            I four = i_four(a + (size_t)r * taken->stride + k);
#pragma GCC unroll 3
            for (int j = 0; j < 3; j++) c[r][j] = i_dot(c[r][j], four, b[j]);
        }
    }
#pragma GCC unroll 3
    for (int j = 0; j < 3; j++) {
        const V scale = v_load(l->scale + n + LANES * j), sum = v_load(l->sum + n + LANES * j), bias = v_load(l->bias + n + LANES * j);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            const V shift = v_fma(v_set(taken->least[first + r]), sum, bias);
            const V y = v_fma(i_float(c[r][j]), v_mul(v_set(taken->step[first + r]), scale), shift);
            v_store((float *)out + (size_t)r * outputs + LANES * j, gelu ? v_gelu(y) : y);
        }
    }
}
