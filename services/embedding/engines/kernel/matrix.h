/* Rows of floats, or of bfloat16 where the processor multiplies them, times bfloat16 weights. */
typedef uint16_t W;

#ifdef BF16
typedef uint16_t A;
static inline void a_put(A *p, V v) { _mm256_storeu_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh(v)); }
#else
typedef float A;
static inline void a_put(A *p, V v) { v_store(p, v); }
#endif

typedef struct { const A *at; int stride; } Rows;

INLINE Rows rows_of(const A *a, int stride, int count, int inputs, sotto_scratch *s) {
    (void)count, (void)inputs, (void)s;
    return (Rows){a, stride};
}

/* sixteen dimensions of a word, from the i-th on */
INLINE V word_of(const sotto_model *m, size_t word, int i) {
    return v_half((const uint16_t *)m->word + word * m->hidden + i);
}

/* `rows` rows of 48 outputs; each output adds its products in the order of the inputs, whatever `rows` is. The weights
 * at `next` are wanted after this: of each three lines, those whose bits are in `lines` are brought closer meanwhile. */
INLINE void tile(const int rows, const bool gelu, const Rows *taken, int first, int inputs, const W *w, const W *next,
                 const int lines, const sotto_linear *l, int n, void *out, int outputs) {
    const int stride = taken->stride;
    const A *a = taken->at + (size_t)first * stride;
    const float *bias = l->bias + n;
    V c[ROWS][3];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++) c[r][j] = v_load(bias + LANES * j);
    for (int k = 0; k < inputs; k += 2, w += 2 * PANEL) {
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++)
            if (lines >> j & 1) __builtin_prefetch(next + (size_t)k * PANEL + 2 * LANES * j, 0, 2);
#ifdef BF16
        __m512bh b[3];
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++) b[j] = (__m512bh)_mm512_loadu_si512(w + 2 * LANES * j);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            int32_t pair;
            memcpy(&pair, a + (size_t)r * stride + k, 4);
            __m512bh both = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 3
            for (int j = 0; j < 3; j++) c[r][j] = _mm512_dpbf16_ps(c[r][j], b[j], both);
        }
#else
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++) {
            V first, second;
            v_pair(w + 2 * LANES * j, &first, &second);
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) {
                const A *two = a + (size_t)r * stride + k;
                c[r][j] = v_fma(v_set(two[1]), second, v_fma(v_set(two[0]), first, c[r][j]));
            }
        }
#endif
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++) {
            size_t at = (size_t)r * outputs + LANES * j;
            if (gelu) a_put((A *)out + at, v_gelu(c[r][j]));
            else v_store((float *)out + at, c[r][j]);
        }
}
