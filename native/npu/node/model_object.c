// describe, run and close of a model.

#include "model_object.h"

#include <stdlib.h>

#include "run_call.h"

static const napi_type_tag kModelTag = {0x6f1e0d3c5a424b97, 0x8b1f7f2a90d34c61};

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

static napi_value nothing(napi_env env, Call* call) {
  (void)call;
  return makeUndefined(env);
}

static void disposeClose(napi_env env, Call* call) {
  (void)env;
  releaseModel(((CloseCall*)call)->model);
}

static CloseCall* newCloseCall(napi_env env, ModelHandle* handle) {
  CloseCall* const close = newCall(env, sizeof *close, handle->handle, doUnload);
  if (close == NULL) return NULL;
  close->call.job.isRelease = true;
  close->call.result = nothing;
  close->call.dispose = disposeClose;
  close->model = handle->model;
  retainModel(handle->model);
  return close;
}

static ModelHandle* readThis(napi_env env, napi_callback_info info, size_t* count, napi_value* arguments, napi_value* self) {
  void* handle = NULL;
  bool isModel = false;
  napi_get_cb_info(env, info, count, arguments, self, NULL);
  if (napi_check_object_type_tag(env, *self, &kModelTag, &isModel) != napi_ok || !isModel) {
    throwTypeError(env, "This is not a model.");
    return NULL;
  }
  napi_unwrap(env, *self, &handle);
  return handle;
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
  napi_value self = NULL;
  const ModelHandle* const handle = readThis(env, info, NULL, NULL, &self);
  if (handle == NULL) return NULL;
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
  napi_value self = NULL;
  napi_value options = NULL;
  size_t count = 1;
  ModelHandle* const handle = readThis(env, info, &count, &options, &self);
  if (handle == NULL) return NULL;
  const bool isClosed = handle->closing != NULL || handle->handle->closing != NULL;
  return startRun(env, &(RunTarget){handle->handle, handle->model, self, isClosed}, options);
}

static napi_value closeModel(napi_env env, napi_callback_info info) {
  napi_value self = NULL;
  napi_value promise = NULL;
  ModelHandle* const handle = readThis(env, info, NULL, NULL, &self);
  if (handle == NULL) return NULL;
  // The end of the device is the end of its models too.
  const napi_ref closing = handle->closing != NULL ? handle->closing : handle->handle->closing;
  if (closing != NULL) {
    napi_get_reference_value(env, closing, &promise);
    return promise;
  }
  CloseCall* const close = newCloseCall(env, handle);
  if (close == NULL) return NULL;
  promise = startCall(env, &close->call);
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

napi_value makeModelObject(napi_env env, DeviceHandle* device, Model* model, napi_value deviceObject) {
  ModelHandle* const handle = calloc(1, sizeof *handle);
  if (handle == NULL) return NULL;
  *handle = (ModelHandle){.handle = device, .model = model};
  retainHandle(device);
  napi_create_reference(env, deviceObject, 1, &handle->deviceObject);
  const napi_property_descriptor methods[] = {
      {.utf8name = "describe", .method = describe, .attributes = napi_enumerable},
      {.utf8name = "run", .method = run, .attributes = napi_enumerable},
      {.utf8name = "close", .method = closeModel, .attributes = napi_enumerable},
  };
  const napi_value object = makeObject(env);
  napi_define_properties(env, object, sizeof methods / sizeof methods[0], methods);
  napi_type_tag_object(env, object, &kModelTag);
  napi_wrap(env, object, handle, collect, NULL, NULL);
  return object;
}
