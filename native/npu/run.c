// Copies in, executes, copies out; the inputs of the next run are copied to pinned memory meanwhile.

#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

bool initRun(Run* run, Model* model, int gear, int32_t timeoutMs) {
  *run = (Run){.model = model, .gear = gear, .timeoutMs = timeoutMs, .slot = -1};
  run->inputs = malloc(model->inputs.bytes);
  run->outputs = malloc(model->outputs.bytes);
  return run->inputs != NULL && run->outputs != NULL;
}

void freeRun(Run* run) {
  free(run->inputs);
  free(run->outputs);
  run->inputs = run->outputs = NULL;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

/** Copies the inputs to pinned memory, if there is one that no run holds. */
static void takeSlot(Run* run) {
  Model* const model = run->model;
  for (int slot = 0; run->slot < 0 && slot < kNumSlots; slot++) {
    if (model->slots[slot] == NULL || model->slotUsers[slot] != NULL) continue;
    model->slotUsers[slot] = run;
    run->slot = slot;
    for (size_t i = 0; i < model->inputs.count; i++) {
      const size_t offset = model->inputs.tensors[i].offset;
      memcpy((uint8_t*)model->slots[slot] + offset, run->inputs + offset, inputBytes(model, i, run->gear));
    }
  }
}

static void giveSlotBack(Run* run) {
  if (run->slot >= 0) run->model->slotUsers[run->slot] = NULL;
  run->slot = -1;
}

static bool copyIn(Run* run, const Acl* acl, Failure* failure) {
  const Model* const model = run->model;
  for (size_t i = 0; i < model->inputs.count; i++) {
    const Tensor* const tensor = &model->inputs.tensors[i];
    uint8_t* const to = (uint8_t*)model->deviceInputs.memory + tensor->offset;
    const uint8_t* const from = (const uint8_t*)model->slots[run->slot] + tensor->offset;
    const size_t bytes = inputBytes(model, i, run->gear);
    if (!CALL(acl, failure, aclrtMemcpyAsync, to, tensor->bytes, from, bytes, kAclHostToDevice, model->device->stream)) {
      return false;
    }
  }
  return true;
}

static bool chooseGear(const Run* run, const Acl* acl, Failure* failure) {
  const Model* const model = run->model;
  if (run->gear < 0) return true;
  // Without this the model would run at its largest gear.
  const AclDims dims = gearDims(&model->gears, run->gear);
  return CALL(acl, failure, aclmdlSetInputDynamicDims, model->id, model->deviceInputs.dataset, model->gearInput, &dims);
}

static size_t currentBytes(const Run* run, size_t output) {
  size_t bytes = elementBytes(run->model->outputs.tensors[output].type);
  for (size_t i = 0; i < run->outputDims[output].dimCount; i++) bytes *= (size_t)run->outputDims[output].dims[i];
  return bytes;
}

/** Only the device knows how large the outputs of a gear are. */
static bool checkOutputs(Run* run, const Acl* acl, Failure* failure) {
  const Model* const model = run->model;
  for (size_t i = 0; i < model->outputs.count; i++) {
    const Tensor* const tensor = &model->outputs.tensors[i];
    if (!CALL(acl, failure, aclmdlGetCurOutputDims, model->description, i, &run->outputDims[i])) return false;
    const size_t bytes = currentBytes(run, i);
    if (bytes > tensor->bytes) return fail(failure, kInternal, "%.100s is larger than its model says.", tensor->name);
    if (run->outputBytes[i] == bytes) continue;
    return fail(failure, kWrongSize, "%.100s has %zu bytes in this gear, and %zu were given.", tensor->name, bytes,
                run->outputBytes[i]);
  }
  return true;
}

static bool copyOut(const Run* run, const Acl* acl, Failure* failure) {
  const Model* const model = run->model;
  for (size_t i = 0; i < model->outputs.count; i++) {
    const Tensor* const tensor = &model->outputs.tensors[i];
    uint8_t* const to = (uint8_t*)model->results + tensor->offset;
    const uint8_t* const from = (const uint8_t*)model->deviceOutputs.memory + tensor->offset;
    const size_t bytes = run->outputBytes[i];
    if (!CALL(acl, failure, aclrtMemcpyAsync, to, tensor->bytes, from, bytes, kAclDeviceToHost, model->device->stream)) {
      return false;
    }
  }
  return true;
}

static bool waitForStream(const Run* run, const Acl* acl, Failure* failure) {
  void* const stream = run->model->device->stream;
  // Libraries before CANN 6 cannot give up.
  return acl->aclrtSynchronizeStreamWithTimeout == NULL
             ? CALL(acl, failure, aclrtSynchronizeStream, stream)
             : CALL(acl, failure, aclrtSynchronizeStreamWithTimeout, stream, run->timeoutMs);
}

static void prepareNext(Device* device) {
  Run* const next = nextRun(&device->queue);
  if (next != NULL) takeSlot(next);
}

static bool launch(Run* run, const Acl* acl, Failure* failure) {
  const Model* const model = run->model;
  return chooseGear(run, acl, failure) && checkOutputs(run, acl, failure) && copyIn(run, acl, failure) &&
         CALL(acl, failure, aclmdlExecuteAsync, model->id, model->deviceInputs.dataset, model->deviceOutputs.dataset,
              model->device->stream) &&
         copyOut(run, acl, failure);
}

static void keepOutputs(Run* run) {
  const Model* const model = run->model;
  for (size_t i = 0; i < model->outputs.count; i++) {
    const size_t offset = model->outputs.tensors[i].offset;
    memcpy(run->outputs + offset, (const uint8_t*)model->results + offset, run->outputBytes[i]);
  }
}

bool doRun(Run* run, Failure* failure) {
  Device* const device = run->model->device;
  if (!run->model->isLoaded) return fail(failure, kClosed, "The model is closed.");
  takeSlot(run);
  const double start = now();
  launch(run, device->acl, failure);
  prepareNext(device);
  // Also after a failed launch: what did get onto the stream still uses the memory.
  Failure waiting = {.kind = kNoFailure};
  if (!waitForStream(run, device->acl, &waiting)) {
    if (losesDevice(waiting.kind)) noteLoss(device, &waiting);
    if (failure->kind == kNoFailure) *failure = waiting;
  }
  run->deviceMs = now() - start;
  giveSlotBack(run);
  if (failure->kind != kNoFailure) return false;
  keepOutputs(run);
  return true;
}
