// Checks what a run is given, copies its inputs at once, and fills its outputs when it is done.

#include "run_call.h"

#include <stdlib.h>
#include <string.h>

#include "../run.h"

typedef struct {
  Call call;
  Run run;
  napi_ref modelObject;
  napi_ref outputs[kMaxTensors];
} RunCall;

static void work(Job* job, Device* device) {
  (void)device;
  doRun(job->run, &job->failure);
}

/** The memory is asked for again: the array may have been transferred to a worker since. */
static bool fillOutput(napi_env env, RunCall* call, size_t index) {
  const Tensor* const tensor = &call->run.model->outputs.tensors[index];
  napi_value value = NULL;
  View view = {.data = NULL};
  napi_get_reference_value(env, call->outputs[index], &value);
  if (!readView(env, value, tensor->name, tensor->type, &view) || view.bytes != call->run.outputBytes[index]) {
    return fail(&call->call.job.failure, kWrongSize, "%.100s was transferred during the run.", tensor->name);
  }
  memcpy(view.data, call->run.outputs + tensor->offset, view.bytes);
  return true;
}

static napi_value report(napi_env env, Call* base) {
  RunCall* const call = (RunCall*)base;
  const Side* const outputs = &call->run.model->outputs;
  const napi_value dims = makeObject(env);
  for (size_t i = 0; i < outputs->count; i++) {
    if (!fillOutput(env, call, i)) return NULL;
    const AclDims* const shape = &call->run.outputDims[i];
    set(env, dims, outputs->tensors[i].name, makeIntegers(env, shape->dims, shape->dimCount));
  }
  const napi_value value = makeObject(env);
  set(env, value, "outputDims", dims);
  set(env, value, "deviceMs", makeNumber(env, call->run.deviceMs));
  return value;
}

static void dispose(napi_env env, Call* base) {
  RunCall* const call = (RunCall*)base;
  if (env != NULL) {
    for (size_t i = 0; i < kMaxTensors; i++) {
      if (call->outputs[i] != NULL) napi_delete_reference(env, call->outputs[i]);
    }
    if (call->modelObject != NULL) napi_delete_reference(env, call->modelObject);
  }
  freeRun(&call->run);
}

static bool readDims(napi_env env, napi_value array, AclDims* dims) {
  bool isArray = false;
  uint32_t count = 0;
  napi_is_array(env, array, &isArray);
  if (!isArray) return throwTypeError(env, "gear is not an array.");
  napi_get_array_length(env, array, &count);
  if (count > kAclMaxDims) return throwRangeError(env, "gear has more than %d dimensions.", kAclMaxDims);
  dims->dimCount = count;
  for (uint32_t i = 0; i < count; i++) {
    napi_value element = NULL;
    napi_get_element(env, array, i, &element);
    if (napi_get_value_int64(env, element, &dims->dims[i]) != napi_ok) {
      return throwTypeError(env, "gear[%u] is not a number.", i);
    }
  }
  return true;
}

static bool readGear(napi_env env, const Model* model, napi_value options, int* gear) {
  const napi_value value = getOptional(env, options, "gear");
  *gear = -1;
  if (model->gears.count == 0) {
    return value == NULL || throwRangeError(env, "The model has one shape, and a gear was given.");
  }
  AclDims dims;
  if (value == NULL) return throwRangeError(env, "The model has gears, and none was given.");
  if (!readDims(env, value, &dims)) return false;
  *gear = findGear(&model->gears, dims.dims, dims.dimCount);
  return *gear >= 0 || throwRangeError(env, "The model was not compiled for this gear.");
}

/** A name that the model lacks is a mistake, too. */
static bool checkNames(napi_env env, napi_value object, const Side* side, const char* what) {
  napi_value names = NULL;
  uint32_t count = 0;
  if (object == NULL || napi_get_property_names(env, object, &names) != napi_ok) {
    return throwTypeError(env, "%s is not an object.", what);
  }
  napi_get_array_length(env, names, &count);
  if (count == side->count) return true;
  return throwTypeError(env, "%s has %u names, and the model has %zu.", what, count, side->count);
}

static bool copyInputs(napi_env env, Run* run, napi_value inputs) {
  const Side* const side = &run->model->inputs;
  if (!checkNames(env, inputs, side, "inputs")) return false;
  for (size_t i = 0; i < side->count; i++) {
    const Tensor* const tensor = &side->tensors[i];
    View view;
    if (!readView(env, getOptional(env, inputs, tensor->name), tensor->name, tensor->type, &view)) return false;
    const size_t bytes = inputBytes(run->model, i, run->gear);
    if (view.bytes != bytes) {
      return throwRangeError(env, "%s has %zu bytes in this gear, and %zu were given.", tensor->name, bytes, view.bytes);
    }
    memcpy(run->inputs + tensor->offset, view.data, bytes);
  }
  return true;
}

static bool keepOutputs(napi_env env, RunCall* call, napi_value outputs) {
  const Side* const side = &call->run.model->outputs;
  if (!checkNames(env, outputs, side, "outputs")) return false;
  for (size_t i = 0; i < side->count; i++) {
    const Tensor* const tensor = &side->tensors[i];
    View view;
    const napi_value value = getOptional(env, outputs, tensor->name);
    if (!readView(env, value, tensor->name, tensor->type, &view)) return false;
    if (view.bytes > tensor->bytes) {
      return throwRangeError(env, "%s has %zu bytes at most, and %zu were given.", tensor->name, tensor->bytes, view.bytes);
    }
    call->run.outputBytes[i] = view.bytes;
    napi_create_reference(env, value, 1, &call->outputs[i]);
  }
  return true;
}

static bool fillCall(napi_env env, RunCall* call, const RunTarget* target, napi_value options) {
  int gear = 0;
  int32_t timeoutMs = 0;
  if (!readGear(env, target->model, options, &gear) || !readInteger(env, options, "timeoutMs", 1, &timeoutMs)) return false;
  if (!initRun(&call->run, target->model, gear, timeoutMs)) {
    napi_throw_error(env, "ERR_NPU_INTERNAL", "There is no memory for the run.");
    return false;
  }
  return copyInputs(env, &call->run, getOptional(env, options, "inputs")) &&
         keepOutputs(env, call, getOptional(env, options, "outputs"));
}

napi_value startRun(napi_env env, const RunTarget* target, napi_value options) {
  RunCall* const call = newCall(env, sizeof *call, target->handle, work);
  if (call == NULL) return NULL;
  call->call.job.run = &call->run;
  call->call.result = report;
  call->call.dispose = dispose;
  if (!fillCall(env, call, target, options)) {
    freeCall(env, &call->call);
    return NULL;
  }
  napi_create_reference(env, target->modelObject, 1, &call->modelObject);
  return target->isClosed ? rejectCall(env, &call->call, "The model is closed.") : startCall(env, &call->call);
}
