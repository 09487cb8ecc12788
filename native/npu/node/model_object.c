// describe, run and close of a model.

#include "model_object.h"

#include <stdlib.h>

#include "objects.h"
#include "run_call.h"

/** Its methods need it, and it needs them. */
static const Class kModel;

typedef struct {
  DeviceHandle* handle;
  Model* model;
  /** Keeps the device, which closes when it is collected. */
  napi_ref deviceObject;
  /** The promise of its end; NULL while it is open. */
  napi_ref closing;
} ModelHandle;

typedef struct {
  Call call;
  Model* model;
} CloseCall;

static void doUnload(Job* job, Device* device) {
  // A lost device may still write to the memory of its models: they go with its stream.
  if (device->lost.kind == kNoFailure) unloadModel(((CloseCall*)job)->model);
}

static void disposeClose(napi_env env, Call* call) {
  (void)env;
  releaseModel(((CloseCall*)call)->model);
}

static CloseCall* newCloseCall(napi_env env, ModelHandle* handle) {
  CloseCall* const close = newReleaseCall(env, sizeof *close, handle->handle, doUnload);
  if (close == NULL) return NULL;
  close->call.dispose = disposeClose;
  close->model = handle->model;
  retainModel(handle->model);
  return close;
}

static napi_value describeSide(napi_env env, const Side* side) {
  napi_value array = NULL;
  napi_create_array(env, &array);
  for (size_t i = 0; i < side->count; i++) {
    const Tensor* const tensor = &side->tensors[i];
    const napi_value object = makeObject(env);
    set(env, object, "name", makeText(env, tensor->name));
    set(env, object, "type", makeText(env, typeName(tensor->type)));
    set(env, object, "dims", makeIntegers(env, tensor->dims, tensor->rank));
    set(env, object, "bytes", makeNumber(env, (double)tensor->bytes));
    append(env, array, object);
  }
  return array;
}

static napi_value describe(napi_env env, napi_callback_info info) {
  Method method;
  if (!readMethod(env, info, &kModel, &method)) return NULL;
  const ModelHandle* const handle = method.held;
  napi_value gears = NULL;
  napi_create_array(env, &gears);
  const Gears* const all = &handle->model->gears;
  for (size_t i = 0; i < all->count; i++) append(env, gears, makeIntegers(env, all->dims + i * all->rank, all->rank));
  const napi_value description = makeObject(env);
  set(env, description, "inputs", describeSide(env, &handle->model->inputs));
  set(env, description, "outputs", describeSide(env, &handle->model->outputs));
  set(env, description, "gears", gears);
  return description;
}

static napi_value run(napi_env env, napi_callback_info info) {
  Method method;
  if (!readMethod(env, info, &kModel, &method)) return NULL;
  const ModelHandle* const handle = method.held;
  const bool isClosed = handle->closing != NULL || handle->handle->closing != NULL;
  return startRun(env, &(RunTarget){handle->handle, handle->model, method.self, isClosed}, method.options);
}

static napi_value closeModel(napi_env env, napi_callback_info info) {
  Method method;
  if (!readMethod(env, info, &kModel, &method)) return NULL;
  ModelHandle* const handle = method.held;
  // The end of the device is the end of its models too.
  const napi_ref closing = handle->closing != NULL ? handle->closing : handle->handle->closing;
  if (closing != NULL) return referenced(env, closing);
  CloseCall* const close = newCloseCall(env, handle);
  if (close == NULL) return NULL;
  const napi_value promise = startCall(env, &close->call);
  napi_create_reference(env, promise, 1, &handle->closing);
  return promise;
}

static void collect(napi_env env, void* data, void* hint) {
  (void)hint;
  ModelHandle* const handle = data;
  CloseCall* const close = handle->closing == NULL ? newCloseCall(env, handle) : NULL;
  if (close != NULL) startSilentCall(env, &close->call);
  if (handle->closing != NULL) napi_delete_reference(env, handle->closing);
  napi_delete_reference(env, handle->deviceObject);
  releaseModel(handle->model);
  releaseHandle(handle->handle);
  free(handle);
}

static const napi_property_descriptor kMethods[] = {METHOD("describe", describe), METHOD("run", run),
                                                    METHOD("close", closeModel)};

static const Class kModel = {
    .name = "a model",
    .tag = {0x6f1e0d3c5a424b97, 0x8b1f7f2a90d34c61},
    .methods = kMethods,
    .numMethods = sizeof kMethods / sizeof kMethods[0],
    .collect = collect,
};

napi_value makeModelObject(napi_env env, DeviceHandle* device, Model* model, napi_value deviceObject) {
  ModelHandle* const handle = calloc(1, sizeof *handle);
  if (handle == NULL) return NULL;
  *handle = (ModelHandle){.handle = device, .model = model};
  retainHandle(device);
  napi_create_reference(env, deviceObject, 1, &handle->deviceObject);
  return makeHolder(env, &kModel, handle);
}
