#include "encoder.h"
#include "lanes_avx512.h"
#define ENCODE sotto_encode_avx512
#include "forward.h"
