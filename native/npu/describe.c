// Reads the description of a model into our own types, without the hidden input.

#include "describe.h"

#include <stdio.h>
#include <string.h>

/** Pinned memory is aligned so, and copies want it. */
enum { kAlignment = 64 };

static size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

typedef struct {
  const char* name;
  int type;
  size_t bytes;
  AclDims dims;
} Described;

static bool addTensor(Side* side, const Described* described, Failure* failure) {
  if (side->count == kMaxTensors) return fail(failure, kModelFile, "The model has more than %d inputs.", kMaxTensors);
  if (elementBytes(described->type) == 0) {
    return fail(failure, kModelFile, "%.100s has the type %d, which is not supported.", described->name, described->type);
  }
  if (described->bytes == 0 || described->dims.dimCount > kAclMaxDims) {
    return fail(failure, kModelFile, "%.100s has no largest shape: the model has no gears.", described->name);
  }
  Tensor* const tensor = &side->tensors[side->count++];
  snprintf(tensor->name, sizeof tensor->name, "%s", described->name);
  tensor->type = described->type;
  tensor->rank = described->dims.dimCount;
  memcpy(tensor->dims, described->dims.dims, tensor->rank * sizeof *tensor->dims);
  tensor->bytes = described->bytes;
  tensor->offset = side->bytes;
  side->bytes += aligned(tensor->bytes);
  return true;
}

/** An output is called `node:index:name` there. */
static const char* ownName(const char* name) {
  const char* const colon = strrchr(name, ':');
  return colon == NULL ? name : colon + 1;
}

static bool describeInputs(Model* model, const Acl* acl, Failure* failure) {
  const size_t count = acl->aclmdlGetNumInputs(model->description);
  model->gearInput = count;
  for (size_t i = 0; i < count; i++) {
    Described described = {.name = acl->aclmdlGetInputNameByIndex(model->description, i)};
    if (strcmp(described.name, ACL_GEAR_INPUT) == 0) {
      model->gearInput = i;
      continue;
    }
    described.type = acl->aclmdlGetInputDataType(model->description, i);
    described.bytes = acl->aclmdlGetInputSizeByIndex(model->description, i);
    if (!CALL(acl, failure, aclmdlGetInputDims, model->description, i, &described.dims)) return false;
    if (!addTensor(&model->inputs, &described, failure)) return false;
  }
  const bool hasGears = model->gearInput < count;
  // Inputs would have other indices in the model than here.
  if (hasGears && model->gearInput != count - 1) return fail(failure, kModelFile, "The gear is not the last input.");
  return !hasGears || readGears(&model->gears, acl, model->description, failure);
}

static bool describeOutputs(Model* model, const Acl* acl, Failure* failure) {
  const size_t count = acl->aclmdlGetNumOutputs(model->description);
  for (size_t i = 0; i < count; i++) {
    Described described = {
        .name = ownName(acl->aclmdlGetOutputNameByIndex(model->description, i)),
        .type = acl->aclmdlGetOutputDataType(model->description, i),
        .bytes = acl->aclmdlGetOutputSizeByIndex(model->description, i),
    };
    if (!CALL(acl, failure, aclmdlGetOutputDims, model->description, i, &described.dims)) return false;
    if (!addTensor(&model->outputs, &described, failure)) return false;
  }
  return true;
}

static bool checkGears(const Model* model, Failure* failure) {
  if (model->gears.count == 0) return true;
  size_t rank = 0;
  for (size_t i = 0; i < model->inputs.count; i++) rank += model->inputs.tensors[i].rank;
  if (rank != model->gears.rank) {
    return fail(failure, kModelFile, "The gears have %zu dimensions, the inputs %zu.", model->gears.rank, rank);
  }
  for (size_t gear = 0; gear < model->gears.count; gear++) {
    for (size_t i = 0; i < model->inputs.count; i++) {
      if (inputBytes(model, i, (int)gear) <= model->inputs.tensors[i].bytes) continue;
      return fail(failure, kModelFile, "%.100s is larger in gear %zu than at most.", model->inputs.tensors[i].name, gear);
    }
  }
  return true;
}

bool describeModel(Model* model, Failure* failure) {
  const Acl* const acl = model->device->acl;
  model->description = acl->aclmdlCreateDesc();
  if (model->description == NULL) return failCall(failure, acl, "aclmdlCreateDesc", 200000);
  return CALL(acl, failure, aclmdlGetDesc, model->description, model->id) && describeInputs(model, acl, failure) &&
         describeOutputs(model, acl, failure) && checkGears(model, failure);
}
