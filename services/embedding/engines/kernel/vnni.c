#include "encoder.h"
#define INT8
#include "lanes_avx512.h"
#define ENCODE sotto_encode_vnni
#include "forward.h"
