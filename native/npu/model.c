// Loads a model with everything its runs need, and releases it in the opposite order.

#include "model.h"

#include <stdlib.h>

#include "buffers.h"
#include "describe.h"

/** The path of the model is enough where the weights are in it, or in the folder that the compiler chose. */
static bool loadFile(Model* model, const Acl* acl, const char* omPath, Failure* failure) {
  return CALL(acl, failure, aclmdlLoadFromFile, omPath, &model->id);
}

static bool loadWithWeights(Model* model, const Acl* acl, const char* omPath, const char* weightDir, Failure* failure) {
  if (!acl->aclmdlCreateConfigHandle || !acl->aclmdlSetConfigOpt || !acl->aclmdlLoadWithConfig ||
      !acl->aclmdlDestroyConfigHandle) {
    return fail(failure, kSymbol, "This AscendCL cannot load a model with weights beside it.");
  }
  void* const config = acl->aclmdlCreateConfigHandle();
  if (config == NULL) return failCall(failure, acl, "aclmdlCreateConfigHandle", 200000);
  const size_t loadType = kAclLoadFromFile;
  const bool isLoaded =
      CALL(acl, failure, aclmdlSetConfigOpt, config, kAclLoadType, &loadType, sizeof loadType) &&
      CALL(acl, failure, aclmdlSetConfigOpt, config, kAclModelPath, &omPath, sizeof omPath) &&
      CALL(acl, failure, aclmdlSetConfigOpt, config, kAclWeightPath, &weightDir, sizeof weightDir) &&
      CALL(acl, failure, aclmdlLoadWithConfig, config, &model->id);
  Failure ignored = {.kind = kNoFailure};
  CALL(acl, &ignored, aclmdlDestroyConfigHandle, config);
  return isLoaded;
}

Model* loadModel(Device* device, const char* omPath, const char* weightDir, Failure* failure) {
  Model* const model = calloc(1, sizeof *model);
  if (model == NULL) {
    fail(failure, kOutOfMemory, "No memory for a model.");
    return NULL;
  }
  atomic_init(&model->numUsers, 1);
  model->device = device;
  model->next = device->models;
  device->models = model;
  model->isLoaded = weightDir == NULL ? loadFile(model, device->acl, omPath, failure)
                                      : loadWithWeights(model, device->acl, omPath, weightDir, failure);
  // AscendCL opens more of its libraries with the first model.
  releaseAtExit();
  if (model->isLoaded && describeModel(model, failure) && allocateBuffers(model, failure)) return model;
  unloadModel(model);
  return NULL;
}

/** Whether it was in the list. */
static bool removeFromDevice(Model* model) {
  for (Model** at = &model->device->models; *at != NULL; at = &(*at)->next) {
    if (*at == model) {
      *at = model->next;
      return true;
    }
  }
  return false;
}

void unloadModel(Model* model) {
  if (!removeFromDevice(model)) return;
  const Acl* const acl = model->device->acl;
  Failure ignored = {.kind = kNoFailure};
  freeBuffers(model);
  if (model->description != NULL) CALL(acl, &ignored, aclmdlDestroyDesc, model->description);
  if (model->isLoaded) CALL(acl, &ignored, aclmdlUnload, model->id);
  model->description = NULL;
  model->isLoaded = false;
  releaseModel(model);
}

void retainModel(Model* model) { atomic_fetch_add(&model->numUsers, 1); }

void releaseModel(Model* model) {
  if (atomic_fetch_sub(&model->numUsers, 1) != 1) return;
  free(model->gears.dims);
  free(model);
}

size_t elementBytes(int aclType) {
  switch (aclType) {
    case kAclInt8:
    case kAclUint8:
    case kAclBool:
      return 1;
    case kAclFloat16:
    case kAclBfloat16:
      return 2;
    case kAclFloat32:
    case kAclInt32:
      return 4;
    case kAclInt64:
      return 8;
    default:
      return 0;
  }
}

size_t inputBytes(const Model* model, size_t input, int gear) {
  const Tensor* const tensor = &model->inputs.tensors[input];
  if (gear < 0) return tensor->bytes;
  const int64_t* dims = model->gears.dims + (size_t)gear * model->gears.rank;
  for (size_t i = 0; i < input; i++) dims += model->inputs.tensors[i].rank;
  size_t bytes = elementBytes(tensor->type);
  for (size_t i = 0; i < tensor->rank; i++) bytes *= (size_t)dims[i];
  return bytes;
}
