#include "encoder.h"
#include "lanes_avx2.h"
#define ENCODE sotto_encode_avx2
#include "forward.h"
