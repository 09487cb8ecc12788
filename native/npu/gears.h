// The shapes that a model was compiled for. A gear lists the dimensions of all inputs, one input after another.
#pragma once

#include "failure.h"

typedef struct {
  /** [count, rank] */
  int64_t* dims;
  /** 0 for a model of one shape. */
  size_t count;
  size_t rank;
} Gears;

/** The index of the gear, or -1. */
int findGear(const Gears* gears, const int64_t* dims, size_t rank);
/** As AscendCL takes it. */
AclDims gearDims(const Gears* gears, int gear);
/** Reads those of a model that has the hidden input. */
bool readGears(Gears* gears, const Acl* acl, const void* description, Failure* failure);
