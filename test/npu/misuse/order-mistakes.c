// Mistakes with threads, contexts, streams and the order of opening and closing.

#include <pthread.h>
#include <stdlib.h>

#include "scene.h"

static void none(Scene* scene) {
  startRun(scene);
  waitForStream(scene);
}

static void* runHere(void* data) {
  const Scene* const scene = data;
  aclmdlExecuteAsync(scene->model, scene->inputs, scene->outputs, scene->stream);
  return NULL;
}

static void anotherThread(Scene* scene) {
  pthread_t thread;
  pthread_create(&thread, NULL, runHere, scene);
  pthread_join(thread, NULL);
}

static void streamOfAnotherContext(Scene* scene) {
  void* other;
  MUST(aclrtCreateContext(&other, 0));
  aclrtSynchronizeStream(scene->stream);
  MUST(aclrtDestroyContext(other));
  MUST(aclrtSetCurrentContext(scene->context));
}

static void destroyedContext(Scene* scene) {
  void* other;
  MUST(aclrtCreateContext(&other, 0));
  MUST(aclrtDestroyContext(other));
  aclrtSetCurrentContext(other);
  MUST(aclrtSetCurrentContext(scene->context));
}

static void contextInUse(Scene* scene) {
  void* other;
  void* stream;
  MUST(aclrtCreateContext(&other, 0));
  MUST(aclrtCreateStream(&stream));
  MUST(aclrtDestroyStream(stream));
  MUST(aclrtCreateStream(&stream));
  aclrtDestroyContext(other);
  MUST(aclrtSetCurrentContext(scene->context));
}

static void busyStream(Scene* scene) {
  void* other;
  MUST(aclrtCreateStream(&other));
  MUST(aclmdlSetInputDynamicDims(scene->model, scene->inputs, kGearInput, &scene->gear));
  MUST(aclmdlExecuteAsync(scene->model, scene->inputs, scene->outputs, other));
  aclrtDestroyStream(other);
}

static void deviceNotInitialised(Scene* scene) {
  releaseScene(scene);
  aclrtSetDevice(0);
  makeScene(scene, scene->omPath);
}

static void finalisedTwice(Scene* scene) {
  releaseScene(scene);
  aclFinalize();
  makeScene(scene, scene->omPath);
}

/** Counted: the second initialisation is given back, and the first one stays. */
static void initialisedTwice(Scene* scene) {
  if (aclInit(NULL) != 100002) exit(2);
  MUST(aclFinalizeReference(NULL));
  MUST(aclrtSynchronizeStream(scene->stream));
}

static void resetTwice(Scene* scene) {
  MUST(aclrtSetDevice(1));
  MUST(aclrtResetDevice(1));
  aclrtResetDevice(1);
  MUST(aclrtSetCurrentContext(scene->context));
}

static void notReset(Scene* scene) {
  MUST(aclrtSetDevice(1));
  MUST(aclrtSetCurrentContext(scene->context));
}

static void leakedBuffers(Scene* scene) {
  void* memory;
  MUST(aclrtMalloc(&memory, 64, kAclHugeFirst));
  aclCreateDataBuffer(memory, 64);
  MUST(aclrtMallocHost(&memory, 64));
  (void)scene;
}

static void leakedModel(Scene* scene) {
  uint32_t model;
  void* other;
  MUST(aclrtSetDevice(1));
  MUST(aclrtCreateContext(&other, 1));
  MUST(aclmdlLoadFromFile(scene->omPath, &model));
  MUST(aclrtResetDevice(1));
  MUST(aclrtSetCurrentContext(scene->context));
  exit(0);
}

static void notFinalised(Scene* scene) {
  (void)scene;
  exit(0);
}

const Mistake kOrderMistakes[] = {
    {"none", none},
    {"another thread", anotherThread},
    {"a stream of another context", streamOfAnotherContext},
    {"a destroyed context", destroyedContext},
    {"a context in use", contextInUse},
    {"a busy stream", busyStream},
    {"not initialised", deviceNotInitialised},
    {"initialised twice", initialisedTwice},
    {"finalised twice", finalisedTwice},
    {"reset twice", resetTwice},
    {"not reset", notReset},
    {"leaked buffers", leakedBuffers},
    {"a leaked model", leakedModel},
    {"not finalised", notFinalised},
    {NULL, NULL},
};
