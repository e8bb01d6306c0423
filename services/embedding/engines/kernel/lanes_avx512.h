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
static inline V v_div(V x, V y) { return _mm512_div_ps(x, y); }
static inline V v_max(V x, V y) { return _mm512_max_ps(x, y); }
static inline V v_min(V x, V y) { return _mm512_min_ps(x, y); }
static inline V v_fma(V x, V y, V z) { return _mm512_fmadd_ps(x, y, z); }
static inline V v_abs(V x) { return _mm512_abs_ps(x); }
static inline V v_round(V x) { return _mm512_roundscale_ps(x, 8); }
static inline V v_if_negative(V x, V yes, V no) {
    return _mm512_mask_mov_ps(no, _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ), yes);
}
static inline float v_sum(V x) { return _mm512_reduce_add_ps(x); }
static inline float v_top(V x) { return _mm512_reduce_max_ps(x); }
static inline V v_scale(V x, V n) { return _mm512_scalef_ps(x, n); }
static inline V v_half(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }

static inline void v_pair(const uint16_t *p, V *first, V *second) {
    __m512i both = _mm512_loadu_si512(p);
    *first = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
    *second = _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000)));
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
