/* Sixteen floats in two registers of eight. */
#include <immintrin.h>
#include <math.h>
#include <string.h>

#define ROWS 2

typedef struct { __m256 a, b; } V;

#define BOTH(f, x, y) (V){f((x).a, (y).a), f((x).b, (y).b)}

static inline V v_load(const float *p) { return (V){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
static inline void v_store(float *p, V v) { _mm256_storeu_ps(p, v.a); _mm256_storeu_ps(p + 8, v.b); }
static inline V v_set(float x) { __m256 v = _mm256_set1_ps(x); return (V){v, v}; }
static inline V v_add(V x, V y) { return BOTH(_mm256_add_ps, x, y); }
static inline V v_sub(V x, V y) { return BOTH(_mm256_sub_ps, x, y); }
static inline V v_mul(V x, V y) { return BOTH(_mm256_mul_ps, x, y); }
static inline V v_max(V x, V y) { return BOTH(_mm256_max_ps, x, y); }
static inline V v_min(V x, V y) { return BOTH(_mm256_min_ps, x, y); }
static inline V v_fma(V x, V y, V z) { return (V){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
static inline V v_round(V x) { return (V){_mm256_round_ps(x.a, 8), _mm256_round_ps(x.b, 8)}; }

static inline float v_sum(V x) {
    __m256 eight = _mm256_add_ps(x.a, x.b);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

static inline float v_top(V x) {
    __m256 eight = _mm256_max_ps(x.a, x.b);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}

static inline __m256 power(__m256 n) {
    __m256i bits = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_castsi256_ps(bits);
}
static inline V v_scale(V x, V n) { return v_mul(x, (V){power(n.a), power(n.b)}); }

static inline V v_half(const uint16_t *p) {
    return (V){_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)), _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p + 8)))};
}

static inline void v_pair(const uint16_t *p, V *first, V *second) {
    __m256i a = _mm256_loadu_si256((const __m256i *)p), b = _mm256_loadu_si256((const __m256i *)(p + 16));
    __m256i high = _mm256_set1_epi32((int)0xffff0000);
    *first = (V){_mm256_castsi256_ps(_mm256_slli_epi32(a, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(b, 16))};
    *second = (V){_mm256_castsi256_ps(_mm256_and_si256(a, high)), _mm256_castsi256_ps(_mm256_and_si256(b, high))};
}
