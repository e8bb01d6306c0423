/* Sixteen floats for any processor, in the vectors of GCC and Clang: SSE2, NEON or whatever there is. */
#include <math.h>
#include <string.h>

#define ROWS 2
#define EACH for (int i = 0; i < LANES; i++)

typedef float V __attribute__((vector_size(4 * LANES)));
typedef uint32_t U __attribute__((vector_size(4 * LANES)));
typedef uint16_t H __attribute__((vector_size(2 * LANES)));

static inline V v_load(const float *p) { V v; memcpy(&v, p, sizeof v); return v; }
static inline void v_store(float *p, V v) { memcpy(p, &v, sizeof v); }
static inline V v_set(float x) { return (V){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }
static inline V v_add(V a, V b) { return a + b; }
static inline V v_sub(V a, V b) { return a - b; }
static inline V v_mul(V a, V b) { return a * b; }
static inline V v_fma(V a, V b, V c) { return a * b + c; }
static inline V v_choose(U mask, V yes, V no) { return (V)(((U)yes & mask) | ((U)no & ~mask)); }
static inline V v_max(V a, V b) { return v_choose((U)(a > b), a, b); }
static inline V v_min(V a, V b) { return v_choose((U)(a < b), a, b); }
static inline V v_round(V a) { V magic = v_set(12582912.0f); return a + magic - magic; } /* to whole, below 2^22 */

static inline float v_sum(V v) {
    float a[LANES];
    v_store(a, v);
    for (int n = LANES / 2; n; n /= 2)
        for (int i = 0; i < n; i++) a[i] += a[i + n];
    return a[0];
}

static inline float v_top(V v) {
    float a[LANES], top;
    v_store(a, v);
    top = a[0];
    EACH top = a[i] > top ? a[i] : top;
    return top;
}

/* a times 2^n for whole n from -126 to 127: 2^23 + n + 127 holds the exponent in its lowest bits */
static inline V v_scale(V a, V n) { return a * (V)((U)(n + v_set(8388608.0f + 127.0f)) << 23); }

static inline U wide(const uint16_t *p) {
    H h;
    memcpy(&h, p, sizeof h);
    return __builtin_convertvector(h, U);
}

/* float16 to float, all but infinities and NaN */
static inline V v_half(const uint16_t *p) {
    U bits = wide(p);
    V size = (V)((bits & 0x7fff) << 13) * v_set(0x1p112f);
    return (V)((U)size | (bits & 0x8000) << 16);
}

/* sixteen pairs of bfloat16: the first of each, and the second of each */
static inline void v_pair(const uint16_t *p, V *first, V *second) {
    U both;
    memcpy(&both, p, sizeof both);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "weights are packed for little-endian processors"
#endif
    *first = (V)(both << 16);
    *second = (V)(both & 0xffff0000u);
}

#ifdef INT8
typedef int32_t S __attribute__((vector_size(4 * LANES)));
typedef union { S whole; int8_t signed_[4 * LANES]; uint8_t bytes[4 * LANES]; } I;

/* whole numbers from 0 to 255 of floats in that range, rounded to even */
static inline void v_bytes(uint8_t *p, V v) { v = v_round(v); EACH p[i] = (uint8_t)v[i]; }
static inline V v_signed(const int8_t *p) { V v; EACH v[i] = p[i]; return v; }
static inline I i_zero(void) { return (I){.whole = {0}}; }
static inline I i_load(const int8_t *p) { I v; memcpy(&v, p, sizeof v); return v; }
static inline I i_four(const uint8_t *p) { I v; EACH memcpy(v.bytes + 4 * i, p, 4); return v; }
static inline I i_dot(I c, I a, I b) {
    EACH for (int n = 4 * i; n < 4 * i + 4; n++) c.whole[i] += a.bytes[n] * b.signed_[n];
    return c;
}
static inline V i_float(I c) { return __builtin_convertvector(c.whole, V); }
#endif
