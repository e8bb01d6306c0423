#include "encoder.h"
#define INT8
#include "lanes_plain.h"
#define ENCODE sotto_encode_int8
#include "forward.h"
