/* Products of pairs (bf16) or fours (int8) of numbers, added up in registers alone: the most that a core can do. */
#define ADD(name, n) name " %%zmm12, %%zmm13, %%zmm" #n "\n\t"
#define TWELVE(name) ADD(name, 0) ADD(name, 1) ADD(name, 2) ADD(name, 3) ADD(name, 4) ADD(name, 5) \
                     ADD(name, 6) ADD(name, 7) ADD(name, 8) ADD(name, 9) ADD(name, 10) ADD(name, 11)
#define USED "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11"

void sotto_peak_bf16(long rounds) { while (rounds--) __asm__ volatile(TWELVE("vdpbf16ps") ::: USED); }
void sotto_peak_int8(long rounds) { while (rounds--) __asm__ volatile(TWELVE("vpdpbusd") ::: USED); }
