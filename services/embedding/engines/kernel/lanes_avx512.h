/* Sixteen floats in one register. */
#include <immintrin.h>
#include <math.h>
#include <string.h>

#define ROWS 8

typedef __m512 V;

static inline V v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, V v) { _mm512_storeu_ps(p, v); }
static inline V v_set(float x) { return _mm512_set1_ps(x); }
static inline V v_add(V x, V y) { return _mm512_add_ps(x, y); }
static inline V v_sub(V x, V y) { return _mm512_sub_ps(x, y); }
static inline V v_mul(V x, V y) { return _mm512_mul_ps(x, y); }
static inline V v_max(V x, V y) { return _mm512_max_ps(x, y); }
static inline V v_min(V x, V y) { return _mm512_min_ps(x, y); }
static inline V v_fma(V x, V y, V z) { return _mm512_fmadd_ps(x, y, z); }
static inline V v_round(V x) { return _mm512_roundscale_ps(x, 8); }
static inline float v_sum(V x) { return _mm512_reduce_add_ps(x); }
static inline float v_top(V x) { return _mm512_reduce_max_ps(x); }
static inline V v_scale(V x, V n) { return _mm512_scalef_ps(x, n); }
static inline V v_half(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }

static inline void v_pair(const uint16_t *p, V *first, V *second) {
    __m512i both = _mm512_loadu_si512(p);
    *first = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
    *second = _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000)));
}

#define TURNS
/* sixteen rows become columns; of the rows only `there` are read, the others are zero */
static inline void v_turn(const float *from, int stride, int there, float *to) {
    V a[LANES], b[LANES];
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++) a[i] = i < there ? v_load(from + (size_t)i * stride) : v_set(0.0f);
#pragma GCC unroll 8
    for (int i = 0; i < LANES; i += 2) { /* pairs of rows, then fours, in each quarter of a register */
        b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < LANES; i += 4)
#pragma GCC unroll 2
        for (int k = 0; k < 2; k++) {
            __m512d one = _mm512_castps_pd(b[i + k]), two = _mm512_castps_pd(b[i + 2 + k]);
            a[i + 2 * k] = _mm512_castpd_ps(_mm512_unpacklo_pd(one, two));
            a[i + 2 * k + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(one, two));
        }
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) { /* the quarters of four registers */
        V low = _mm512_shuffle_f32x4(a[k], a[k + 4], 0x44), high = _mm512_shuffle_f32x4(a[k], a[k + 4], 0xee);
        V after = _mm512_shuffle_f32x4(a[k + 8], a[k + 12], 0x44), last = _mm512_shuffle_f32x4(a[k + 8], a[k + 12], 0xee);
        v_store(to + (size_t)k * LANES, _mm512_shuffle_f32x4(low, after, 0x88));
        v_store(to + (size_t)(k + 4) * LANES, _mm512_shuffle_f32x4(low, after, 0xdd));
        v_store(to + (size_t)(k + 8) * LANES, _mm512_shuffle_f32x4(high, last, 0x88));
        v_store(to + (size_t)(k + 12) * LANES, _mm512_shuffle_f32x4(high, last, 0xdd));
    }
}

#ifdef INT8
typedef int32_t I __attribute__((vector_size(4 * LANES)));

/* whole numbers from 0 to 255 of floats in that range, rounded to even */
static inline void v_bytes(uint8_t *p, V v) { _mm_storeu_si128((__m128i *)p, _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(v))); }
static inline V v_signed(const int8_t *p) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p))); }
static inline I i_zero(void) { return (I)_mm512_setzero_si512(); }
static inline I i_load(const int8_t *p) { return (I)_mm512_loadu_si512(p); }
static inline I i_four(const uint8_t *p) { int32_t four; memcpy(&four, p, 4); return (I)_mm512_set1_epi32(four); }
static inline I i_dot(I c, I a, I b) { return (I)_mm512_dpbusd_epi32((__m512i)c, (__m512i)a, (__m512i)b); }
static inline V i_float(I c) { return _mm512_cvtepi32_ps((__m512i)c); }
#endif
