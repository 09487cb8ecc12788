// open, and load, memory and close of a device.

#include "device_object.h"

#include <stdlib.h>

#include "model_object.h"

static const napi_type_tag kDeviceTag = {0x2c5b9f0e7d1148aa, 0x9a6e3b7c11f84d02};

static void noDispose(napi_env env, Call* call) {
  (void)env;
  (void)call;
}

static DeviceHandle* readThis(napi_env env, napi_callback_info info, size_t* count, napi_value* arguments, napi_value* self) {
  void* handle = NULL;
  bool isDevice = false;
  napi_get_cb_info(env, info, count, arguments, self, NULL);
  if (napi_check_object_type_tag(env, *self, &kDeviceTag, &isDevice) != napi_ok || !isDevice) {
    throwTypeError(env, "This is not a device.");
    return NULL;
  }
  napi_unwrap(env, *self, &handle);
  return handle;
}

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
  napi_value deviceObject = NULL;
  napi_get_reference_value(env, call->deviceObject, &deviceObject);
  const napi_value object = makeModelObject(env, base->handle, call->model, deviceObject);
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
  napi_value self = NULL;
  napi_value options = NULL;
  size_t count = 1;
  DeviceHandle* const handle = readThis(env, info, &count, &options, &self);
  LoadCall* const call = handle == NULL ? NULL : newCall(env, sizeof *call, handle, doLoad);
  if (call == NULL) return NULL;
  call->call.result = loaded;
  call->call.dispose = disposeLoad;
  call->omPath = readText(env, options, "omPath");
  if (call->omPath == NULL || !readOptionalText(env, options, "weightDir", &call->weightDir)) {
    disposeLoad(env, &call->call);
    free(call);
    return NULL;
  }
  napi_create_reference(env, self, 1, &call->deviceObject);
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
  napi_value self = NULL;
  DeviceHandle* const handle = readThis(env, info, NULL, NULL, &self);
  MemoryCall* const call = handle == NULL ? NULL : newCall(env, sizeof *call, handle, doMemory);
  if (call == NULL) return NULL;
  call->call.result = memoryRead;
  call->call.dispose = noDispose;
  return startCall(env, &call->call);
}

// close

static void doClose(Job* job, Device* device) {
  (void)job;
  releaseDevice(device);
}

static napi_value nothing(napi_env env, Call* call) {
  (void)call;
  return makeUndefined(env);
}

static Call* newCloseCall(napi_env env, DeviceHandle* handle) {
  Call* const call = newCall(env, sizeof *call, handle, doClose);
  if (call == NULL) return NULL;
  call->job.isRelease = true;
  call->endsDevice = true;
  call->result = nothing;
  call->dispose = noDispose;
  return call;
}

static napi_value closeDevice(napi_env env, napi_callback_info info) {
  napi_value self = NULL;
  napi_value promise = NULL;
  DeviceHandle* const handle = readThis(env, info, NULL, NULL, &self);
  if (handle == NULL) return NULL;
  if (handle->closing != NULL) {
    napi_get_reference_value(env, handle->closing, &promise);
    return promise;
  }
  Call* const call = newCloseCall(env, handle);
  if (call == NULL) return NULL;
  promise = startCall(env, call);
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

static napi_value opened(napi_env env, Call* call) {
  const napi_property_descriptor methods[] = {
      {.utf8name = "load", .method = load, .attributes = napi_enumerable},
      {.utf8name = "memory", .method = memory, .attributes = napi_enumerable},
      {.utf8name = "close", .method = closeDevice, .attributes = napi_enumerable},
  };
  const napi_value object = makeObject(env);
  napi_define_properties(env, object, sizeof methods / sizeof methods[0], methods);
  napi_type_tag_object(env, object, &kDeviceTag);
  if (napi_wrap(env, object, call->handle, collect, NULL, NULL) == napi_ok) retainHandle(call->handle);
  return object;
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
  call->dispose = noDispose;
  return startCall(env, call);
}
