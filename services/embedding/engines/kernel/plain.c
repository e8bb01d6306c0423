#include "encoder.h"
#include "lanes_plain.h"
#define ENCODE sotto_encode_plain
#include "forward.h"
