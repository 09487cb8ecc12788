// Makes and releases a scene, without a mistake.

#include "scene.h"

#include <stdio.h>
#include <stdlib.h>

void mustWork(int code, const char* call) {
  if (code == 0) return;
  fprintf(stderr, "%s: %d, %s\n", call, code, aclGetRecentErrMsg());
  exit(2);
}

static void addPart(Part* part, void* dataset, size_t bytes) {
  MUST(aclrtMalloc(&part->memory, bytes, kAclHugeFirst));
  part->buffer = aclCreateDataBuffer(part->memory, bytes);
  MUST(aclmdlAddDatasetBuffer(dataset, part->buffer));
}

void makeScene(Scene* scene, const char* omPath) {
  *scene = (Scene){.omPath = omPath, .gear = {.dimCount = 6, .dims = {1, 8, 1, 8, 4, 1}}};
  MUST(aclInit(NULL));
  MUST(aclrtSetDevice(0));
  MUST(aclrtCreateContext(&scene->context, 0));
  MUST(aclrtCreateStream(&scene->stream));
  MUST(aclmdlLoadFromFile(omPath, &scene->model));
  scene->description = aclmdlCreateDesc();
  MUST(aclmdlGetDesc(scene->description, scene->model));
  scene->inputs = aclmdlCreateDataset();
  scene->outputs = aclmdlCreateDataset();
  for (size_t i = 0; i < kNumInputs; i++) {
    addPart(&scene->parts[i], scene->inputs, aclmdlGetInputSizeByIndex(scene->description, i));
  }
  for (size_t i = 0; i < kNumOutputs; i++) {
    addPart(&scene->parts[kNumInputs + i], scene->outputs, aclmdlGetOutputSizeByIndex(scene->description, i));
  }
  MUST(aclrtMallocHost(&scene->pinned, kPinnedBytes));
}

void startRun(Scene* scene) {
  MUST(aclmdlSetInputDynamicDims(scene->model, scene->inputs, kGearInput, &scene->gear));
  MUST(aclmdlExecuteAsync(scene->model, scene->inputs, scene->outputs, scene->stream));
}

void waitForStream(Scene* scene) { MUST(aclrtSynchronizeStream(scene->stream)); }

void releaseScene(Scene* scene) {
  MUST(aclmdlDestroyDataset(scene->inputs));
  MUST(aclmdlDestroyDataset(scene->outputs));
  for (size_t i = 0; i < kNumInputs + kNumOutputs; i++) {
    MUST(aclDestroyDataBuffer(scene->parts[i].buffer));
    MUST(aclrtFree(scene->parts[i].memory));
  }
  MUST(aclrtFreeHost(scene->pinned));
  MUST(aclmdlDestroyDesc(scene->description));
  MUST(aclmdlUnload(scene->model));
  MUST(aclrtDestroyStream(scene->stream));
  MUST(aclrtDestroyContext(scene->context));
  MUST(aclrtResetDevice(0));
  MUST(aclFinalize());
}
