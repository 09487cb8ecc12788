// Pinned memory on the host, memory on the device, and the datasets that tell AscendCL where it is.

#include "buffers.h"

/** What AscendCL means by a NULL, which has no code. */
static const int kBadAllocation = 200000;

static bool addBuffer(DeviceSide* side, const Acl* acl, void* address, size_t bytes, Failure* failure) {
  void* const buffer = acl->aclCreateDataBuffer(address, bytes);
  if (buffer == NULL) return failCall(failure, acl, "aclCreateDataBuffer", kBadAllocation);
  side->buffers[side->count++] = buffer;
  return CALL(acl, failure, aclmdlAddDatasetBuffer, side->dataset, buffer);
}

static bool allocateSide(DeviceSide* deviceSide, const Side* side, const Acl* acl, Failure* failure) {
  deviceSide->dataset = acl->aclmdlCreateDataset();
  if (deviceSide->dataset == NULL) return failCall(failure, acl, "aclmdlCreateDataset", kBadAllocation);
  if (!CALL(acl, failure, aclrtMalloc, &deviceSide->memory, side->bytes, kAclHugeFirst)) return false;
  for (size_t i = 0; i < side->count; i++) {
    void* const address = (char*)deviceSide->memory + side->tensors[i].offset;
    if (!addBuffer(deviceSide, acl, address, side->tensors[i].bytes, failure)) return false;
  }
  return true;
}

static bool allocateGearInput(Model* model, const Acl* acl, Failure* failure) {
  if (model->gears.count == 0) return true;
  const size_t bytes = acl->aclmdlGetInputSizeByIndex(model->description, model->gearInput);
  return CALL(acl, failure, aclrtMalloc, &model->gearMemory, bytes, kAclHugeFirst) &&
         addBuffer(&model->deviceInputs, acl, model->gearMemory, bytes, failure);
}

bool allocateBuffers(Model* model, Failure* failure) {
  const Acl* const acl = model->device->acl;
  for (size_t i = 0; i < kNumSlots; i++) {
    if (!CALL(acl, failure, aclrtMallocHost, &model->slots[i], model->inputs.bytes)) return false;
  }
  return CALL(acl, failure, aclrtMallocHost, &model->results, model->outputs.bytes) &&
         allocateSide(&model->deviceInputs, &model->inputs, acl, failure) && allocateGearInput(model, acl, failure) &&
         allocateSide(&model->deviceOutputs, &model->outputs, acl, failure);
}

static void freeSide(DeviceSide* side, const Acl* acl, Failure* ignored) {
  if (side->dataset != NULL) CALL(acl, ignored, aclmdlDestroyDataset, side->dataset);
  while (side->count > 0) CALL(acl, ignored, aclDestroyDataBuffer, side->buffers[--side->count]);
  if (side->memory != NULL) CALL(acl, ignored, aclrtFree, side->memory);
  *side = (DeviceSide){.memory = NULL};
}

static void freePinned(void** memory, const Acl* acl, Failure* ignored) {
  if (*memory != NULL) CALL(acl, ignored, aclrtFreeHost, *memory);
  *memory = NULL;
}

void freeBuffers(Model* model) {
  const Acl* const acl = model->device->acl;
  // On a lost device every call fails, and the others are made all the same.
  Failure ignored = {.kind = kNoFailure};
  freeSide(&model->deviceInputs, acl, &ignored);
  freeSide(&model->deviceOutputs, acl, &ignored);
  if (model->gearMemory != NULL) CALL(acl, &ignored, aclrtFree, model->gearMemory);
  model->gearMemory = NULL;
  for (size_t i = 0; i < kNumSlots; i++) freePinned(&model->slots[i], acl, &ignored);
  freePinned(&model->results, acl, &ignored);
}
