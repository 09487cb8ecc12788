// Loads and executes models.

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "software.h"

/** Marks a hidden input that holds a gear; fresh memory does not. */
static const int64_t kGearMark = 0x67656172;

static uint32_t lastId;

ModelObject* useModel(uint32_t id) {
  const Context* const context = useContext();
  for (Object* object = firstObject(); object != NULL && context != NULL; object = object->next) {
    ModelObject* const model = (ModelObject*)object;
    if (object->kind != kModel || model->id != id) continue;
    if (model->context != context) forbid(145003, "model %u was loaded in another context", id);
    return model;
  }
  forbid(145003, "there is no model %u", id);
  return NULL;
}

size_t gearInputBytes(const Om* om) { return (2 + om->inputRank) * sizeof(int64_t); }

static int checkOm(const char* path, const char* weightDir, Om* om) {
  struct stat status;
  char beside[1100];
  if (stat(path, &status) != 0) return refuse(100003, "%s is not there", path);
  if (!readOm(path, om)) return refuse(100013, "%s is not a model", path);
  if (strcmp(om->soc, knobs.soc) != 0) return refuse(545001, "compiled for %s, and this is %s", om->soc, knobs.soc);
  if (!om->hasWeightsBeside) return 0;
  const char* const slash = strrchr(path, '/');
  snprintf(beside, sizeof beside, "%.*s/weight", slash == NULL ? 1 : (int)(slash - path), slash == NULL ? "." : path);
  if (stat(weightDir == NULL ? beside : weightDir, &status) == 0) return 0;
  return refuse(545001, "the weights are not in %s", weightDir == NULL ? beside : weightDir);
}

int loadOm(const char* path, const char* weightDir, uint32_t* id) {
  Context* const context = useContext();
  if (context == NULL) return 107002;
  int code = deviceState(context->object.device);
  ModelObject* const model = makeObject(kModel, context->object.device, sizeof *model);
  char error[384] = "";
  if (code == 0) code = checkOm(path, weightDir, &model->om);
  if (code == 0) {
    model->session = loadOnnx(model->om.onnx, error, sizeof error);
    if (model->session == NULL) code = refuse(545001, "%s", error);
  }
  if (code != 0) {
    destroyObject(model);
    return code;
  }
  model->id = *id = ++lastId;
  model->context = context;
  model->gear = largestGear(&model->om);
  return 0;
}

int aclmdlLoadFromFile(const char* path, uint32_t* id) {
  const int code = enter("aclmdlLoadFromFile");
  return leave(code == 0 ? loadOm(path, NULL, id) : code);
}

int aclmdlUnload(uint32_t id) {
  const int injected = enter("aclmdlUnload");
  ModelObject* const model = useModel(id);
  if (model == NULL) return leave(145003);
  const int code = deviceState(model->object.device);
  if (model->numPending > 0) return leave(forbid(107000, "the model is running"));
  unloadOnnx(model->session);
  destroyObject(model);
  return leave(injected == 0 ? code : injected);
}

static int findGear(const Om* om, const int64_t* dims, size_t rank) {
  for (size_t gear = 0; rank == om->inputRank && gear < om->numGears; gear++) {
    if (memcmp(om->gears[gear].inputs, dims, rank * sizeof *dims) == 0) return (int)gear;
  }
  return -1;
}

int aclmdlSetInputDynamicDims(uint32_t id, void* handle, size_t index, const AclDims* dims) {
  int code = enter("aclmdlSetInputDynamicDims");
  ModelObject* const model = code == 0 ? useModel(id) : NULL;
  const Dataset* const dataset = model == NULL ? NULL : useObject(kDataset, handle);
  if (code == 0 && dataset == NULL) code = 100000;
  if (code != 0) return leave(code);
  code = deviceState(model->object.device);
  if (code != 0) return leave(code);
  if (model->om.numGears == 0) return leave(forbid(100019, "the model has no gears"));
  if (index != model->om.numInputs || index >= dataset->count) return leave(forbid(100000, "%zu is not the gear", index));
  if (model->numPending > 0) forbid(107000, "the model is running with another gear");
  const int gear = findGear(&model->om, dims->dims, dims->dimCount);
  if (gear < 0) return leave(forbid(145013, "there is no such gear"));
  const DataBuffer* const buffer = dataset->buffers[index];
  if (!isInside(kDeviceMemory, buffer->address, gearInputBytes(&model->om))) return leave(forbid(145012, "too small for the gear"));
  int64_t* const words = buffer->address;
  words[0] = kGearMark;
  words[1] = (int64_t)dims->dimCount;
  memcpy(words + 2, dims->dims, dims->dimCount * sizeof *words);
  model->gear = (size_t)gear;
  return leave(0);
}

typedef struct {
  Operation operation;
  Stream* stream;
  ModelObject* model;
  void* inputs[kMaxOmTensors];
  void* outputs[kMaxOmTensors];
  /** NULL for a model of one shape. */
  const int64_t* gear;
} ExecuteOperation;

static int gearOf(const ExecuteOperation* execute) {
  if (execute->gear == NULL) return 0;
  if (execute->gear[0] != kGearMark) return (int)largestGear(&execute->model->om);
  return findGear(&execute->model->om, execute->gear + 2, (size_t)execute->gear[1]);
}

static int execute(Operation* operation) {
  const ExecuteOperation* const execute = (const ExecuteOperation*)operation;
  ModelObject* const model = execute->model;
  char error[384] = "";
  pthread_mutex_lock(&lock);
  int code = countExecution(model->object.device);
  const int delayMs = knobs.delayMs;
  pthread_mutex_unlock(&lock);
  delayOn(execute->stream, delayMs);
  const int gear = gearOf(execute);
  const bool isDone = code == 0 && gear >= 0 &&
                      runOnnx(model->session, &model->om, (size_t)gear, execute->inputs, execute->outputs, error, sizeof error);
  pthread_mutex_lock(&lock);
  if (code == 0) code = deviceState(model->object.device);
  if (code == 0 && !isDone) code = 507011;
  if (!isDone && error[0] != '\0') report("onnxruntime: %s", error);
  model->numPending--;
  pthread_mutex_unlock(&lock);
  return code;
}

static bool addBuffers(void** addresses, const Dataset* dataset, const Om* om, bool isInput) {
  const size_t count = isInput ? om->numInputs : om->numOutputs;
  const size_t expected = isInput ? count + (om->numGears > 0) : count;
  if (dataset->count != expected) return forbid(100017, "%zu buffers for %zu tensors", dataset->count, expected), false;
  for (size_t i = 0; i < count; i++) {
    const DataBuffer* const buffer = dataset->buffers[i];
    const OmTensor* const tensor = isInput ? &om->inputs[i] : &om->outputs[i];
    for (size_t gear = 0; gear < (om->numGears == 0 ? 1 : om->numGears); gear++) {
      const size_t bytes = tensorBytes(tensor, isInput ? gearInput(om, gear, i) : gearOutput(om, gear, i));
      if (findObject(kDataBuffer, buffer) == NULL || buffer->bytes < bytes || !isInside(kDeviceMemory, buffer->address, bytes)) {
        return forbid(145012, "the buffer of %s is too small, or gone", tensor->name), false;
      }
    }
    addresses[i] = buffer->address;
  }
  if (count == expected || isInside(kDeviceMemory, dataset->buffers[count]->address, gearInputBytes(om))) return true;
  return forbid(145012, "the buffer of the gear is too small, or gone"), false;
}

int aclmdlExecuteAsync(uint32_t id, const void* inputs, void* outputs, void* handle) {
  int code = enter("aclmdlExecuteAsync");
  ModelObject* const model = code == 0 ? useModel(id) : NULL;
  Stream* const stream = model == NULL ? NULL : useStream(handle);
  const Dataset* const from = stream == NULL ? NULL : useObject(kDataset, inputs);
  const Dataset* const to = from == NULL ? NULL : useObject(kDataset, outputs);
  if (code == 0 && to == NULL) code = 100000;
  if (code == 0) code = deviceState(model->object.device);
  if (code != 0) return leave(code);
  if (model->numPending > 0) return leave(forbid(107000, "the model is running already"));
  ExecuteOperation* const operation = calloc(1, sizeof *operation);
  operation->operation.work = execute;
  operation->stream = stream;
  operation->model = model;
  if (!addBuffers(operation->inputs, from, &model->om, true) || !addBuffers(operation->outputs, to, &model->om, false)) {
    free(operation);
    return leave(100017);
  }
  if (model->om.numGears > 0) {
    operation->gear = from->buffers[model->om.numInputs]->address;
    // It runs all the same, at its largest gear, over inputs that were meant for another.
    if (operation->gear[0] != kGearMark) forbid(0, "no gear was set");
  }
  model->numPending++;
  model->stream = stream;
  pushOperation(stream, &operation->operation);
  return leave(0);
}
