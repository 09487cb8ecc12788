// Reads and finds gears.

#include "gears.h"

#include <stdlib.h>
#include <string.h>

int findGear(const Gears* gears, const int64_t* dims, size_t rank) {
  if (rank != gears->rank) return -1;
  for (size_t i = 0; i < gears->count; i++) {
    if (memcmp(gears->dims + i * rank, dims, rank * sizeof *dims) == 0) return (int)i;
  }
  return -1;
}

AclDims gearDims(const Gears* gears, int gear) {
  AclDims dims = {.dimCount = gears->rank};
  memcpy(dims.dims, gears->dims + (size_t)gear * gears->rank, gears->rank * sizeof *dims.dims);
  return dims;
}

static bool copyGears(Gears* gears, const AclDims* read, size_t count, Failure* failure) {
  const size_t rank = read[0].dimCount;
  if (rank == 0 || rank > kAclMaxDims) return fail(failure, kModelFile, "A gear has %zu dimensions.", rank);
  gears->dims = calloc(count * rank, sizeof *gears->dims);
  if (gears->dims == NULL) return fail(failure, kOutOfMemory, "No memory for %zu gears.", count);
  gears->count = count;
  gears->rank = rank;
  for (size_t i = 0; i < count; i++) {
    if (read[i].dimCount != rank) return fail(failure, kModelFile, "The gears have different numbers of dimensions.");
    memcpy(gears->dims + i * rank, read[i].dims, rank * sizeof *gears->dims);
  }
  return true;
}

bool readGears(Gears* gears, const Acl* acl, const void* description, Failure* failure) {
  const size_t all = (size_t)-1;  // the only index that these two calls take
  size_t count = 0;
  if (!CALL(acl, failure, aclmdlGetInputDynamicGearCount, description, all, &count)) return false;
  if (count == 0) return fail(failure, kModelFile, "The model has an input for the gear, but no gears.");
  AclDims* const read = calloc(count, sizeof *read);
  if (read == NULL) return fail(failure, kOutOfMemory, "No memory for %zu gears.", count);
  const bool isRead = CALL(acl, failure, aclmdlGetInputDynamicDims, description, all, read, count) &&
                      copyGears(gears, read, count, failure);
  free(read);
  return isRead;
}
