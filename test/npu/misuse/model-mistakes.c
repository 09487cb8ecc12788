// Mistakes with models, their datasets and their runs.

#include "scene.h"

static void twoRunsAtOnce(Scene* scene) {
  startRun(scene);
  aclmdlExecuteAsync(scene->model, scene->inputs, scene->outputs, scene->stream);
  waitForStream(scene);
}

static void gearDuringARun(Scene* scene) {
  startRun(scene);
  aclmdlSetInputDynamicDims(scene->model, scene->inputs, kGearInput, &scene->gear);
  waitForStream(scene);
}

static void runWithoutGear(Scene* scene) {
  MUST(aclmdlExecuteAsync(scene->model, scene->inputs, scene->outputs, scene->stream));
  waitForStream(scene);
}

static void unknownGear(Scene* scene) {
  AclDims dims = scene->gear;
  dims.dims[1] = 9;
  aclmdlSetInputDynamicDims(scene->model, scene->inputs, kGearInput, &dims);
}

static void gearOfAnotherInput(Scene* scene) {
  aclmdlSetInputDynamicDims(scene->model, scene->inputs, 0, &scene->gear);
}

static void unloadDuringARun(Scene* scene) {
  uint32_t other;
  MUST(aclmdlLoadFromFile(scene->omPath, &other));
  MUST(aclmdlSetInputDynamicDims(other, scene->inputs, kGearInput, &scene->gear));
  MUST(aclmdlExecuteAsync(other, scene->inputs, scene->outputs, scene->stream));
  aclmdlUnload(other);
  waitForStream(scene);
  MUST(aclmdlUnload(other));
}

static void runAfterUnload(Scene* scene) {
  uint32_t other;
  MUST(aclmdlLoadFromFile(scene->omPath, &other));
  MUST(aclmdlUnload(other));
  aclmdlExecuteAsync(other, scene->inputs, scene->outputs, scene->stream);
}

static void runInAnotherContext(Scene* scene) {
  void* other;
  MUST(aclrtCreateContext(&other, 0));
  aclmdlExecuteAsync(scene->model, scene->inputs, scene->outputs, scene->stream);
  MUST(aclrtDestroyContext(other));
  MUST(aclrtSetCurrentContext(scene->context));
}

static void tooFewBuffers(Scene* scene) {
  void* const dataset = aclmdlCreateDataset();
  MUST(aclmdlAddDatasetBuffer(dataset, scene->parts[0].buffer));
  aclmdlExecuteAsync(scene->model, dataset, scene->outputs, scene->stream);
  MUST(aclmdlDestroyDataset(dataset));
}

static void smallOutput(Scene* scene) {
  void* const dataset = aclmdlCreateDataset();
  void* const small = aclCreateDataBuffer(scene->parts[kNumInputs].memory, 4);
  MUST(aclmdlSetInputDynamicDims(scene->model, scene->inputs, kGearInput, &scene->gear));
  MUST(aclmdlAddDatasetBuffer(dataset, small));
  MUST(aclmdlAddDatasetBuffer(dataset, scene->parts[kNumInputs + 1].buffer));
  aclmdlExecuteAsync(scene->model, scene->inputs, dataset, scene->stream);
  MUST(aclmdlDestroyDataset(dataset));
  MUST(aclDestroyDataBuffer(small));
}

static void destroyedDataset(Scene* scene) {
  void* const dataset = aclmdlCreateDataset();
  MUST(aclmdlDestroyDataset(dataset));
  aclmdlExecuteAsync(scene->model, dataset, scene->outputs, scene->stream);
}

static void bufferInADataset(Scene* scene) {
  void* const dataset = aclmdlCreateDataset();
  void* const buffer = aclCreateDataBuffer(scene->parts[0].memory, 4);
  MUST(aclmdlAddDatasetBuffer(dataset, buffer));
  aclDestroyDataBuffer(buffer);
  MUST(aclmdlDestroyDataset(dataset));
}

static void emptyDescription(Scene* scene) {
  (void)scene;
  void* const description = aclmdlCreateDesc();
  aclmdlGetNumInputs(description);
  MUST(aclmdlDestroyDesc(description));
}

static void roomForFewerGears(Scene* scene) {
  AclDims gears[2];
  aclmdlGetInputDynamicDims(scene->description, (size_t)-1, gears, 2);
}

static void gearsOfOneInput(Scene* scene) {
  size_t count;
  aclmdlGetInputDynamicGearCount(scene->description, 0, &count);
}

static void optionOfAnotherSize(Scene* scene) {
  void* const config = aclmdlCreateConfigHandle();
  aclmdlSetConfigOpt(config, kAclModelPath, scene->omPath, 4);
  MUST(aclmdlDestroyConfigHandle(config));
}

static void loadWithoutPath(Scene* scene) {
  void* const config = aclmdlCreateConfigHandle();
  uint32_t model;
  aclmdlLoadWithConfig(config, &model);
  MUST(aclmdlDestroyConfigHandle(config));
  (void)scene;
}

const Mistake kModelMistakes[] = {
    {"two runs at once", twoRunsAtOnce},
    {"a gear during a run", gearDuringARun},
    {"a run without a gear", runWithoutGear},
    {"an unknown gear", unknownGear},
    {"the gear of another input", gearOfAnotherInput},
    {"unloading during a run", unloadDuringARun},
    {"a run after unloading", runAfterUnload},
    {"a run in another context", runInAnotherContext},
    {"too few buffers", tooFewBuffers},
    {"a small output", smallOutput},
    {"a destroyed dataset", destroyedDataset},
    {"a buffer in a dataset", bufferInADataset},
    {"an empty description", emptyDescription},
    {"room for fewer gears", roomForFewerGears},
    {"gears of one input", gearsOfOneInput},
    {"an option of another size", optionOfAnotherSize},
    {"loading without a path", loadWithoutPath},
    {NULL, NULL},
};
