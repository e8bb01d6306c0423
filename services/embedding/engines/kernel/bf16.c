#include "encoder.h"
#include "lanes_avx512.h"
#define BF16
#define ENCODE sotto_encode_bf16
#include "forward.h"
