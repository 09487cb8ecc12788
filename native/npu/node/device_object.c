// open, and load, memory and close of a device.

#include "device_object.h"

#include <stdlib.h>

#include "model_object.h"
#include "objects.h"

/** Its methods need it, and it needs them. */
static const Class kDevice;

// load

typedef struct {
  Call call;
  char* omPath;
  char* weightDir;
  napi_ref deviceObject;
  Model* model;
} LoadCall;

static void doLoad(Job* job, Device* device) {
  LoadCall* const call = (LoadCall*)job;
  call->model = loadModel(device, call->omPath, call->weightDir, &job->failure);
  // Once for the device, once for JavaScript.
  if (call->model != NULL) retainModel(call->model);
}

static napi_value loaded(napi_env env, Call* base) {
  LoadCall* const call = (LoadCall*)base;
  const napi_value object = makeModelObject(env, base->handle, call->model, referenced(env, call->deviceObject));
  if (object != NULL) call->model = NULL;
  return object;
}

static void disposeLoad(napi_env env, Call* base) {
  LoadCall* const call = (LoadCall*)base;
  if (env != NULL && call->deviceObject != NULL) napi_delete_reference(env, call->deviceObject);
  if (call->model != NULL) releaseModel(call->model);
  free(call->omPath);
  free(call->weightDir);
}

static napi_value load(napi_env env, napi_callback_info info) {
  Method method;
  if (!readMethod(env, info, &kDevice, &method)) return NULL;
  LoadCall* const call = newCall(env, sizeof *call, method.held, doLoad);
  if (call == NULL) return NULL;
  call->call.result = loaded;
  call->call.dispose = disposeLoad;
  call->omPath = readText(env, method.options, "omPath");
  if (call->omPath == NULL || !readOptionalText(env, method.options, "weightDir", &call->weightDir)) {
    freeCall(env, &call->call);
    return NULL;
  }
  napi_create_reference(env, method.self, 1, &call->deviceObject);
  return startCall(env, &call->call);
}

// memory

typedef struct {
  Call call;
  size_t freeBytes;
  size_t totalBytes;
} MemoryCall;

static void doMemory(Job* job, Device* device) {
  MemoryCall* const call = (MemoryCall*)job;
  readMemory(device->acl, &call->freeBytes, &call->totalBytes, &job->failure);
}

static napi_value memoryRead(napi_env env, Call* base) {
  const MemoryCall* const call = (const MemoryCall*)base;
  const napi_value value = makeObject(env);
  set(env, value, "freeBytes", makeNumber(env, (double)call->freeBytes));
  set(env, value, "totalBytes", makeNumber(env, (double)call->totalBytes));
  return value;
}

static napi_value memory(napi_env env, napi_callback_info info) {
  Method method;
  if (!readMethod(env, info, &kDevice, &method)) return NULL;
  MemoryCall* const call = newCall(env, sizeof *call, method.held, doMemory);
  if (call == NULL) return NULL;
  call->call.result = memoryRead;
  return startCall(env, &call->call);
}

// close

static void doClose(Job* job, Device* device) {
  (void)job;
  releaseDevice(device);
}

static Call* newCloseCall(napi_env env, DeviceHandle* handle) {
  Call* const call = newReleaseCall(env, sizeof *call, handle, doClose);
  if (call != NULL) call->endsDevice = true;
  return call;
}

static napi_value closeDevice(napi_env env, napi_callback_info info) {
  Method method;
  if (!readMethod(env, info, &kDevice, &method)) return NULL;
  DeviceHandle* const handle = method.held;
  if (handle->closing != NULL) return referenced(env, handle->closing);
  Call* const call = newCloseCall(env, handle);
  if (call == NULL) return NULL;
  const napi_value promise = startCall(env, call);
  napi_create_reference(env, promise, 1, &handle->closing);
  return promise;
}

static void collect(napi_env env, void* data, void* hint) {
  (void)hint;
  DeviceHandle* const handle = data;
  Call* const call = handle->closing == NULL && handle->device != NULL ? newCloseCall(env, handle) : NULL;
  if (handle->closing != NULL) napi_delete_reference(env, handle->closing);
  if (call != NULL) startSilentCall(env, call);
  releaseHandle(handle);
}

// open

static void doOpen(Job* job, Device* device) { openDevice(device, &job->failure); }

static const napi_property_descriptor kMethods[] = {METHOD("load", load), METHOD("memory", memory),
                                                    METHOD("close", closeDevice)};

static const Class kDevice = {
    .name = "a device",
    .tag = {0x2c5b9f0e7d1148aa, 0x9a6e3b7c11f84d02},
    .methods = kMethods,
    .numMethods = sizeof kMethods / sizeof kMethods[0],
    .collect = collect,
};

static napi_value opened(napi_env env, Call* call) {
  retainHandle(call->handle);
  return makeHolder(env, &kDevice, call->handle);
}

napi_value openDeviceObject(napi_env env, Environment* environment, napi_value options) {
  int32_t id = 0;
  char* libraryPath = NULL;
  if (!readInteger(env, options, "deviceId", 0, &id) || !readOptionalText(env, options, "library", &libraryPath)) return NULL;
  DeviceHandle* const handle = startHandle(environment, id, libraryPath);
  free(libraryPath);
  Call* const call = handle == NULL ? NULL : newCall(env, sizeof *call, handle, doOpen);
  if (call == NULL) return NULL;
  call->endsDeviceOnFailure = true;
  call->result = opened;
  return startCall(env, call);
}
