// What a model says about itself.

#include <string.h>

#include "software.h"

typedef struct {
  Object object;
  uint32_t id;
  bool isFilled;
  char names[kMaxOmTensors][kAclMaxNameBytes + 32];
} Description;

void* aclmdlCreateDesc(void) {
  if (enter("aclmdlCreateDesc") != 0) return leave(0), NULL;
  const Context* const context = useContext();
  Description* const description = makeObject(kDescription, context == NULL ? 0 : context->object.device, sizeof *description);
  leave(0);
  return description;
}

int aclmdlDestroyDesc(void* handle) {
  const int code = enter("aclmdlDestroyDesc");
  Description* const description = useObject(kDescription, handle);
  if (description == NULL) return leave(100000);
  destroyObject(description);
  return leave(code);
}

int aclmdlGetDesc(void* handle, uint32_t id) {
  int code = enter("aclmdlGetDesc");
  Description* const description = code == 0 ? useObject(kDescription, handle) : NULL;
  const ModelObject* const model = description == NULL ? NULL : useModel(id);
  if (code == 0 && model == NULL) code = 100011;
  if (code != 0) return leave(code);
  description->id = id;
  description->isFilled = true;
  // The real names of outputs say which node they come from.
  for (size_t i = 0; i < model->om.numOutputs; i++) {
    snprintf(description->names[i], sizeof description->names[i], "Cast_%zu:0:%s", i, model->om.outputs[i].name);
  }
  return leave(0);
}

static const ModelObject* described(const void* handle) {
  const Description* const description = useObject(kDescription, handle);
  if (description == NULL) return NULL;
  if (description->isFilled) return useModel(description->id);
  forbid(100000, "the description is empty");
  return NULL;
}

/** The hidden input comes last. */
static size_t numInputs(const ModelObject* model) { return model->om.numInputs + (model->om.numGears > 0); }

static size_t largestBytes(const Om* om, const OmTensor* tensor, size_t index, bool isInput) {
  size_t most = tensorBytes(tensor, isInput ? gearInput(om, 0, index) : gearOutput(om, 0, index));
  for (size_t gear = 1; gear < om->numGears; gear++) {
    const size_t bytes = tensorBytes(tensor, isInput ? gearInput(om, gear, index) : gearOutput(om, gear, index));
    if (bytes > most) most = bytes;
  }
  return most;
}

size_t aclmdlGetNumInputs(void* handle) {
  enter("aclmdlGetNumInputs");
  const ModelObject* const model = described(handle);
  leave(0);
  return model == NULL ? 0 : numInputs(model);
}

size_t aclmdlGetNumOutputs(void* handle) {
  enter("aclmdlGetNumOutputs");
  const ModelObject* const model = described(handle);
  leave(0);
  return model == NULL ? 0 : model->om.numOutputs;
}

const char* aclmdlGetInputNameByIndex(const void* handle, size_t index) {
  enter("aclmdlGetInputNameByIndex");
  const ModelObject* const model = described(handle);
  leave(0);
  if (model == NULL || index >= numInputs(model)) return "";
  return index == model->om.numInputs ? ACL_GEAR_INPUT : model->om.inputs[index].name;
}

const char* aclmdlGetOutputNameByIndex(const void* handle, size_t index) {
  enter("aclmdlGetOutputNameByIndex");
  const ModelObject* const model = described(handle);
  leave(0);
  return model == NULL || index >= model->om.numOutputs ? "" : ((const Description*)handle)->names[index];
}

size_t aclmdlGetInputSizeByIndex(void* handle, size_t index) {
  enter("aclmdlGetInputSizeByIndex");
  const ModelObject* const model = described(handle);
  leave(0);
  if (model == NULL || index >= numInputs(model)) return 0;
  if (index == model->om.numInputs) return gearInputBytes(&model->om);
  return largestBytes(&model->om, &model->om.inputs[index], index, true);
}

size_t aclmdlGetOutputSizeByIndex(void* handle, size_t index) {
  enter("aclmdlGetOutputSizeByIndex");
  const ModelObject* const model = described(handle);
  leave(0);
  if (model == NULL || index >= model->om.numOutputs) return 0;
  return largestBytes(&model->om, &model->om.outputs[index], index, false);
}

int aclmdlGetInputDataType(const void* handle, size_t index) {
  enter("aclmdlGetInputDataType");
  const ModelObject* const model = described(handle);
  leave(0);
  return model == NULL || index >= model->om.numInputs ? -1 : aclTypeOf(model->om.inputs[index].type);
}

int aclmdlGetOutputDataType(const void* handle, size_t index) {
  enter("aclmdlGetOutputDataType");
  const ModelObject* const model = described(handle);
  leave(0);
  return model == NULL || index >= model->om.numOutputs ? -1 : aclTypeOf(model->om.outputs[index].type);
}

static void setDims(AclDims* to, const OmTensor* tensor, const int64_t* dims) {
  snprintf(to->name, sizeof to->name, "%s", tensor->name);
  to->dimCount = tensor->rank;
  memcpy(to->dims, dims, tensor->rank * sizeof *dims);
}

int aclmdlGetInputDims(const void* handle, size_t index, AclDims* dims) {
  int code = enter("aclmdlGetInputDims");
  const ModelObject* const model = code == 0 ? described(handle) : NULL;
  if (code == 0 && (model == NULL || index >= model->om.numInputs)) code = 100000;
  if (code == 0) setDims(dims, &model->om.inputs[index], model->om.inputs[index].dims);
  return leave(code);
}

int aclmdlGetOutputDims(const void* handle, size_t index, AclDims* dims) {
  int code = enter("aclmdlGetOutputDims");
  const ModelObject* const model = code == 0 ? described(handle) : NULL;
  if (code == 0 && (model == NULL || index >= model->om.numOutputs)) code = 100000;
  if (code == 0) setDims(dims, &model->om.outputs[index], model->om.outputs[index].dims);
  return leave(code);
}

int aclmdlGetCurOutputDims(const void* handle, size_t index, AclDims* dims) {
  int code = enter("aclmdlGetCurOutputDims");
  const ModelObject* const model = code == 0 ? described(handle) : NULL;
  if (code == 0 && (model == NULL || index >= model->om.numOutputs)) code = 100000;
  if (code == 0) setDims(dims, &model->om.outputs[index], gearOutput(&model->om, model->gear, index));
  return leave(code);
}

int aclmdlGetInputIndexByName(const void* handle, const char* name, size_t* index) {
  int code = enter("aclmdlGetInputIndexByName");
  const ModelObject* const model = code == 0 ? described(handle) : NULL;
  if (model == NULL) return leave(code == 0 ? 100000 : code);
  for (size_t i = 0; i < numInputs(model); i++) {
    *index = i;
    if (strcmp(i == model->om.numInputs ? ACL_GEAR_INPUT : model->om.inputs[i].name, name) == 0) return leave(0);
  }
  return leave(100000);
}

int aclmdlGetInputDynamicGearCount(const void* handle, size_t index, size_t* count) {
  int code = enter("aclmdlGetInputDynamicGearCount");
  const ModelObject* const model = code == 0 ? described(handle) : NULL;
  if (code == 0 && (model == NULL || index != (size_t)-1)) code = forbid(100000, "the index is not -1");
  if (code == 0) *count = model->om.numGears;
  return leave(code);
}

int aclmdlGetInputDynamicDims(const void* handle, size_t index, AclDims* gears, size_t count) {
  int code = enter("aclmdlGetInputDynamicDims");
  const ModelObject* const model = code == 0 ? described(handle) : NULL;
  if (code == 0 && (model == NULL || index != (size_t)-1)) code = forbid(100000, "the index is not -1");
  if (code == 0 && count < model->om.numGears) code = forbid(100000, "there is room for %zu gears", count);
  for (size_t gear = 0; code == 0 && gear < model->om.numGears; gear++) {
    gears[gear].dimCount = model->om.inputRank;
    memcpy(gears[gear].dims, model->om.gears[gear].inputs, model->om.inputRank * sizeof(int64_t));
  }
  return leave(code);
}
