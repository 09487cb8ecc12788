// The thread of a device: takes jobs one after another until it is told to end.

#include "device.h"

#include <stdlib.h>
#include <string.h>

#include "model.h"

static void doJob(Device* device, Job* job) {
  if (job->isRelease) {
    job->work(job, device);
  } else if (isAbandoned(&device->queue)) {
    fail(&job->failure, kClosed, "The device was closed before this work began.");
  } else if (device->lost.kind != kNoFailure) {
    job->failure = device->lost;
    job->failure.kind = kDeviceFailed;
  } else {
    job->work(job, device);
    if (losesDevice(job->failure.kind)) noteLoss(device, &job->failure);
  }
  job->done(job);
}

static void* serve(void* argument) {
  Device* const device = argument;
  for (Job* job; (job = dequeue(&device->queue)) != NULL;) doJob(device, job);
  releaseDevice(device);
  return NULL;
}

static pthread_mutex_t startedMutex = PTHREAD_MUTEX_INITIALIZER;
static Device* started;

static void addStarted(Device* device) {
  pthread_mutex_lock(&startedMutex);
  device->nextStarted = started;
  started = device;
  pthread_mutex_unlock(&startedMutex);
}

static void removeStarted(const Device* device) {
  pthread_mutex_lock(&startedMutex);
  Device** at = &started;
  while (*at != device) at = &(*at)->nextStarted;
  *at = device->nextStarted;
  pthread_mutex_unlock(&startedMutex);
}

static void endProcess(void) {
  for (Device* device = started; device != NULL; device = device->nextStarted) endDevice(device, true);
  for (const Device* device = started; device != NULL; device = device->nextStarted) pthread_join(device->thread, NULL);
  started = NULL;
  finaliseLibrary();
}

void releaseAtExit(void) { atexit(endProcess); }

Device* startDevice(int32_t id, const char* libraryPath) {
  Device* const device = calloc(1, sizeof *device);
  if (device == NULL) return NULL;
  device->id = id;
  device->libraryPath = libraryPath == NULL ? NULL : strdup(libraryPath);
  initQueue(&device->queue);
  if (pthread_create(&device->thread, NULL, serve, device) == 0) {
    addStarted(device);
    return device;
  }
  destroyQueue(&device->queue);
  free(device->libraryPath);
  free(device);
  return NULL;
}

bool submitJob(Device* device, Job* job, bool isLast) { return enqueue(&device->queue, job, isLast, &job->failure); }

void endDevice(Device* device, bool abandon) { closeQueue(&device->queue, abandon); }

void joinDevice(Device* device) {
  removeStarted(device);
  pthread_join(device->thread, NULL);
  destroyQueue(&device->queue);
  free(device->libraryPath);
  free(device);
}

static bool open(Device* device, Failure* failure) {
  const Library* const library = openLibrary(device->libraryPath, failure);
  if (library == NULL) return false;
  releaseAtExit();
  const Acl* const acl = device->acl = &library->acl;
  device->isSet = CALL(acl, failure, aclrtSetDevice, device->id);
  // A context of our own: the default one is shared by all threads that set this device.
  return device->isSet && CALL(acl, failure, aclrtCreateContext, &device->context, device->id) &&
         CALL(acl, failure, aclrtSetCurrentContext, device->context) &&
         CALL(acl, failure, aclrtCreateStream, &device->stream);
}

bool openDevice(Device* device, Failure* failure) {
  const bool isOpen = open(device, failure);
  if (!isOpen) releaseDevice(device);
  return isOpen;
}

static void destroyStream(Device* device, Failure* ignored) {
  const Acl* const acl = device->acl;
  if (device->stream == NULL) return;
  // The plain call waits for what is on the stream, and a lost device never ends it.
  if (device->lost.kind != kNoFailure && acl->aclrtDestroyStreamForce != NULL) {
    CALL(acl, ignored, aclrtDestroyStreamForce, device->stream);
  } else {
    CALL(acl, ignored, aclrtDestroyStream, device->stream);
  }
  device->stream = NULL;
}

void releaseDevice(Device* device) {
  // Errors change nothing here: a lost device answers every call with one, and the rest is released all the same.
  Failure ignored = {.kind = kNoFailure};
  // What a lost device left on the stream still uses the memory of the models.
  if (device->lost.kind != kNoFailure) destroyStream(device, &ignored);
  while (device->models != NULL) unloadModel(device->models);
  destroyStream(device, &ignored);
  if (device->context != NULL) CALL(device->acl, &ignored, aclrtDestroyContext, device->context);
  device->context = NULL;
  if (device->isSet) CALL(device->acl, &ignored, aclrtResetDevice, device->id);
  device->isSet = false;
}

bool readMemory(const Acl* acl, size_t* freeBytes, size_t* totalBytes, Failure* failure) {
  *freeBytes = *totalBytes = 0;
  const int code = acl->aclrtGetMemInfo(kAclHbm, freeBytes, totalBytes);
  if (code == 0 && *totalBytes > 0) return true;
  // Inference cards have DDR in its place.
  return CALL(acl, failure, aclrtGetMemInfo, kAclDdr, freeBytes, totalBytes);
}

void noteLoss(Device* device, const Failure* failure) {
  if (device->lost.kind == kNoFailure) device->lost = *failure;
}
